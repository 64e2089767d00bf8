//! What a VGG costs: parameters, FLOPs, memory, without running it.

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;
use std::str::FromStr;

use burn::module::Module;
use clap::Parser;
use cost::bounds::{Peaks, parse_bandwidth, parse_peak};
use cost::compare::Comparison;
use cost::limits::{Limits, parse_amount};
use cost::render::{Format, Layout};
use cost::{Analysis, Convention, Inputs, Optimizer, Report};
use vgg::files::read_at_most;
use vgg::train::RunConfig;
use vgg::{Vgg, VggConfig};

/// Show what a network costs: parameters, operations and memory, layer by layer.
///
/// The forward pass is recorded, not executed, so this takes milliseconds for any size and
/// allocates no weights. Every figure is exact and says which convention it is counted in: tools
/// disagree about what an operation is.
#[derive(Parser)]
#[command(version, after_help = help())]
struct Options {
    /// A VGG, such as vgg16 or vgg11-bn, the config.json of a training run, or an ONNX file
    network: String,

    /// Shape of the input: batch x channels x height x width [default: one image of the
    /// network's own size]
    #[arg(long, value_name = "1x3x224x224")]
    input: Option<Shape>,

    /// How operations are counted; the list is below
    #[arg(long, value_name = "NAME", default_value = "macs")]
    convention: Convention,

    /// Add a training step: backward pass, optimizer, memory
    #[arg(long)]
    train: bool,

    /// The optimizer of --train: sgd, momentum or adam
    #[arg(long, value_name = "NAME", default_value = "sgd")]
    optimizer: Optimizer,

    /// Train only the linear layers; the convolutions are frozen
    #[arg(long)]
    freeze_features: bool,

    /// Fold modules below this depth into the ones that hold them
    #[arg(long, value_name = "N")]
    depth: Option<usize>,

    /// Show every one of equal siblings, instead of one line for all of them
    #[arg(long)]
    all: bool,

    /// Columns of the table [default: the terminal's, 100 where there is none]
    #[arg(long, value_name = "N")]
    columns: Option<usize>,

    /// The most arithmetic that a machine does in a second, such as 2.1TFLOP/s: adds the least time of each row. Below
    /// is how to measure it
    #[arg(long, value_name = "FLOP/s", value_parser = parse_peak, requires = "bandwidth", conflicts_with = "compare")]
    peak: Option<f64>,

    /// The most memory that it moves in a second, such as 60GB/s
    #[arg(long, value_name = "B/s", value_parser = parse_bandwidth, requires = "peak")]
    bandwidth: Option<f64>,

    /// What to write: table, json, csv, markdown or svg
    #[arg(long, value_name = "NAME", default_value = "table")]
    format: Format,

    /// Compare with this network
    #[arg(long, value_name = "NETWORK")]
    compare: Option<String>,

    /// Fail if an operation has no rule
    #[arg(long)]
    strict: bool,

    /// Fail above so many multiply-accumulates, such as 16G
    #[arg(long, value_name = "N", value_parser = parse_amount)]
    max_macs: Option<u128>,

    /// Fail above so many floating-point operations
    #[arg(long, value_name = "N", value_parser = parse_amount)]
    max_flops: Option<u128>,

    /// Fail above this cost in the chosen convention
    #[arg(long, value_name = "N", value_parser = parse_amount)]
    max_cost: Option<u128>,

    /// Fail above so many parameters, such as 100M
    #[arg(long, value_name = "N", value_parser = parse_amount)]
    max_params: Option<u128>,

    /// Fail above this peak of memory, such as 2GiB; of the training step with --train
    #[arg(long, value_name = "BYTES", value_parser = parse_amount)]
    max_peak_memory: Option<u128>,
}

fn help() -> String {
    let mut text = String::from(
        "Examples:
  cost vgg16                               one image, multiply-accumulates
  cost vgg16-bn --convention flops --input 8x3x224x224
  cost vgg16-28 --train --optimizer adam   a training step and its memory
  cost vgg11 --compare vgg19 --depth 2     two networks side by side
  cost model.onnx --input 1x3x224x224      any network, from an ONNX file
  cost runs/vgg16-28-1/config.json --format svg > cost.svg
  cost vgg16 --max-params 140M --max-peak-memory 1GiB   exit code 1 if exceeded
  cost vgg16 --peak 2.1TFLOP/s --bandwidth 60GB/s   the least time of each row, and what binds it

Peaks of a machine, measured (the line that begins with `at most`):
  cargo run --release -p benches --bin compare -- --profile --models vgg16-28 --sides burn

Conventions:
",
    );
    for convention in cost::convention::ALL {
        text += &format!("  {:<19}{}\n", convention.name, convention.definition);
    }
    text
}

/// Characters of a network's name, which may be a file's.
const LONGEST_NAME: usize = 200;

/// Batch, channels, height, width.
#[derive(Clone, Copy)]
struct Shape([usize; 4]);

impl FromStr for Shape {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wanted = || format!("`{text}` is not of the form BATCHxCHANNELSxHEIGHTxWIDTH");
        let sides = text
            .split('x')
            .map(|side| side.parse().map_err(|_| wanted()));
        let sides: Vec<usize> = sides.collect::<Result<_, _>>()?;
        sides.try_into().map(Self).map_err(|_| wanted())
    }
}

/// A configuration is not longer.
const MOST_BYTES: u64 = 16 << 20;

fn main() -> ExitCode {
    let options = Options::parse();
    match run(&options) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => console::code(Err(error)),
    }
}

/// Whether all limits are kept.
fn run(options: &Options) -> Result<bool, Box<dyn Error>> {
    let report = report(&options.network, options)?;
    let text = match &options.compare {
        Some(other) => {
            let other = folded(&self::report(other, options)?, options);
            compare(&folded(&report, options), &other, options)?
        }
        None => folded(&report, options).render_with(options.format, &layout(options))?,
    };
    console::show!("{text}");
    if !text.ends_with('\n') {
        console::say!("");
    }
    let limits = Limits {
        max_macs: options.max_macs,
        max_flops: options.max_flops,
        max_cost: options.max_cost,
        max_parameters: options.max_params,
        max_peak_memory: options.max_peak_memory,
    };
    let exceeded = limits.check(&report);
    for limit in &exceeded {
        console::note!("error: {limit}");
    }
    Ok(exceeded.is_empty())
}

/// As wide as the terminal; where there is none, a text looks the same everywhere.
fn layout(options: &Options) -> Layout {
    let width = options.columns.or_else(console::width);
    Layout::default()
        .with_width(width.unwrap_or(Layout::WIDTH))
        .with_all(options.all)
}

fn folded(report: &Report, options: &Options) -> Report {
    match options.depth {
        Some(depth) => report.folded(depth),
        None => report.clone(),
    }
}

fn report(network: &str, options: &Options) -> Result<Report, Box<dyn Error>> {
    let mut wanted = cost::Options::default()
        .with_name(name(network, options.format))
        .with_convention(options.convention);
    if options.train {
        wanted = wanted.with_training(options.optimizer);
    }
    let analysis = match network.ends_with(".onnx") {
        true => onnx(network, options.input)?,
        false => built(network, options)?,
    };
    let report = match options.strict {
        true => analysis.strict_report(&wanted)?,
        false => analysis.report(&wanted),
    };
    Ok(match (options.peak, options.bandwidth) {
        (Some(flops_per_second), Some(bytes_per_second)) => report.with_bounds(Peaks {
            flops_per_second,
            bytes_per_second,
        }),
        _ => report,
    })
}

/// The name of a network in its report: as it was given where programs read it.
fn name(network: &str, format: Format) -> String {
    match format {
        Format::Table | Format::Markdown => console::printable(network, LONGEST_NAME),
        Format::Csv | Format::Json | Format::Svg => network.to_owned(),
    }
}

/// The network of an ONNX file, of which `shape` is the first input's.
fn onnx(path: &str, shape: Option<Shape>) -> Result<Analysis, cost::Error> {
    let model = cost::onnx::Model::read(path)?;
    let input = model.inputs().next().map(str::to_owned);
    match shape.zip(input) {
        Some((shape, input)) => model.with_shape(input, shape.0).analyse(),
        None => model.analyse(),
    }
}

/// A network that is built here.
fn built(network: &str, options: &Options) -> Result<Analysis, Box<dyn Error>> {
    let config = config(network)?;
    let [height, width] = config.input_size;
    let shape = options
        .input
        .map_or([1, config.input_channels, height, width], |shape| shape.0);
    analyse(&config, shape, options)
}

fn analyse(
    config: &VggConfig,
    shape: [usize; 4],
    options: &Options,
) -> Result<Analysis, Box<dyn Error>> {
    let mut network = config.init(&vgg::device("flex")?)?;
    if options.freeze_features {
        network.blocks = network.blocks.freeze();
    }
    let forward = |network: &Vgg, inputs: &mut Inputs| network.forward(inputs.float(shape));
    Ok(match options.train {
        true => cost::analyse_training(&network, forward)?,
        false => cost::analyse(&network, forward)?,
    })
}

/// The configuration of a named network, of a run, or of a network in a file.
fn config(network: &str) -> Result<VggConfig, Box<dyn Error>> {
    let path = Path::new(network);
    if !path.exists() {
        return Ok(VggConfig::named(network)?);
    }
    let path = match path.is_dir() {
        true => path.join("config.json"),
        false => path.to_owned(),
    };
    let error = |error: &dyn Error| format!("{}: {error}", path.display());
    let text = read_at_most(&path, MOST_BYTES).map_err(|cause| error(&cause))?;
    if let Ok(run) = serde_json::from_slice::<RunConfig>(&text) {
        return Ok(run.model);
    }
    Ok(serde_json::from_slice(&text).map_err(|cause| error(&cause))?)
}

fn compare(before: &Report, after: &Report, options: &Options) -> Result<String, Box<dyn Error>> {
    let comparison = Comparison::new(before, after)?;
    Ok(match options.format {
        Format::Table => comparison.to_table_with(&layout(options)),
        Format::Markdown => comparison.to_markdown(),
        Format::Csv => comparison.to_csv(),
        Format::Json => comparison.to_json()?,
        Format::Svg => {
            return Err("a comparison has no picture; take table, markdown, csv or json".into());
        }
    })
}
