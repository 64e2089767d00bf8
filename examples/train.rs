//! Trains a VGG on real images, tests it, and keeps everything in a run folder.

use std::error::Error;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, ValueEnum};
use console::printable;
use examples::classes::LONGEST_NAME;
use examples::grouped;
use examples::runs::free_folder;
use examples::stop::{stoppable, watched};
use vgg::data::{DataOptions, ImageData};
use vgg::train::{
    Augmentation, OptimizerKind, Outcome, RunConfig, RunFolder, Summary, TrainConfig, train,
};
use vgg::{Engine, Precision, VggConfig};

/// Train a VGG on real images, test it, and keep the weights, figures and charts of the run.
///
/// Without options it trains the 28×28 VGG on 6,000 images of clothes that are shipped with this
/// program, and tests it on 1,000 others. Ctrl-C stops after the current step; a run that was
/// stopped or killed goes on with --resume.
#[derive(Parser)]
#[command(version, after_help = EXAMPLES, args_override_self = true)]
struct Options {
    /// Which network: vgg16-28, vgg11 … vgg19, vgg11-cifar … vgg19-cifar, or one of them with -bn
    /// behind the depth
    #[arg(long, default_value = "vgg16-28", conflicts_with = "resume")]
    model: String,

    /// Add batch normalisation to the network
    #[arg(long, conflicts_with = "resume")]
    batch_norm: bool,

    /// Multiply the channels of every layer by this
    #[arg(
        long,
        value_name = "F",
        default_value_t = 1.0,
        conflicts_with = "resume"
    )]
    width: f64,

    /// Sizes of the hidden linear layers, such as 512,512; "none" for a single linear layer
    #[arg(long, value_name = "N,N", value_parser = hidden_layers, conflicts_with = "resume")]
    hidden: Option<Hidden>,

    /// What to train on: embedded, fashion-mnist, mnist, cifar10, or a folder with IDX files,
    /// with CIFAR-10's .bin files, or with one folder of images a class
    #[arg(long, default_value = "embedded", conflicts_with = "resume")]
    data: String,

    /// Leave out images of a folder that are broken, instead of giving up
    #[arg(long, conflicts_with = "resume")]
    skip_broken: bool,

    /// Use at most so many training images, and as many test images
    #[arg(long, value_name = "N", conflicts_with = "resume")]
    limit: Option<usize>,

    /// What computes; --list-backends shows what there is [default: flex, or that of the run]
    #[arg(long, value_name = "NAME")]
    backend: Option<String>,

    /// What computes the layers: winograd (where it has kernels for the backend) or burn
    #[arg(long, value_name = "NAME", default_value_t, conflicts_with = "resume")]
    engine: Engine,

    /// Which device of the backend, counted from 0; --list-devices shows them
    #[arg(long, value_name = "N")]
    device: Option<usize>,

    /// Show the backends and leave
    #[arg(long)]
    list_backends: bool,

    /// Show the devices of the backends that are compiled in and leave
    #[arg(long)]
    list_devices: bool,

    /// How often every image is seen
    #[arg(long, value_name = "N", default_value_t = 6, conflicts_with = "resume")]
    epochs: usize,

    /// Images in a step
    #[arg(
        long,
        value_name = "N",
        default_value_t = 64,
        conflicts_with = "resume"
    )]
    batch_size: usize,

    /// The highest learning rate [default: 0.02 for sgd, 0.0008 for adamw]
    #[arg(long, value_name = "F", conflicts_with = "resume")]
    lr: Option<f64>,

    /// Let the learning rate rise during this part of all steps, before it falls
    #[arg(
        long,
        value_name = "F",
        default_value_t = 0.1,
        conflicts_with = "resume"
    )]
    warmup: f64,

    /// How gradients change the weights
    #[arg(long, value_enum, default_value = "adamw", conflicts_with = "resume")]
    optimizer: Optimizer,

    /// Pull weights (not biases, not norms) towards zero
    #[arg(
        long,
        value_name = "F",
        default_value_t = 5e-4,
        conflicts_with = "resume"
    )]
    weight_decay: f64,

    /// Spread this part of the target over all classes
    #[arg(
        long,
        value_name = "F",
        default_value_t = 0.0,
        conflicts_with = "resume"
    )]
    label_smoothing: f64,

    /// Move training images by up to so many pixels
    #[arg(long, value_name = "N", default_value_t = 0, conflicts_with = "resume")]
    crop_padding: usize,

    /// Mirror every second training image (never digits): pays in long trainings
    #[arg(long, conflicts_with = "resume")]
    mirror: bool,

    /// Every random choice follows from this
    #[arg(long, value_name = "N", default_value_t = 0, conflicts_with = "resume")]
    seed: u64,

    /// Store the finished weights with 16 bits
    #[arg(long, conflicts_with = "resume")]
    half: bool,

    /// The folder of the run [default: a new one in runs/]
    #[arg(long, value_name = "DIR", conflicts_with = "resume")]
    out: Option<PathBuf>,

    /// Go on with the run in this folder, with the settings that it was started with
    #[arg(long, value_name = "DIR")]
    resume: Option<PathBuf>,
}

const EXAMPLES: &str = "\
Examples:
  train                                   the main job: under ten minutes on two cores
  train --data fashion-mnist --model vgg16-bn-28 --width 0.25 --epochs 10 --mirror
  train --data photos --model vgg11-bn --width 0.5 --backend wgpu
  train --resume runs/vgg16-28-1          after Ctrl-C, a crash or a power cut";

#[derive(Clone, Copy, ValueEnum)]
enum Optimizer {
    Sgd,
    Adamw,
}

#[derive(Clone)]
struct Hidden(Vec<usize>);

fn hidden_layers(text: &str) -> Result<Hidden, String> {
    let number = |part: &str| {
        part.trim()
            .parse()
            .map_err(|_| format!("{part:?} is no size"))
    };
    match text {
        "none" => Ok(Hidden(vec![])),
        _ => text
            .split(',')
            .map(number)
            .collect::<Result<_, _>>()
            .map(Hidden),
    }
}

fn main() -> ExitCode {
    let options = Options::parse();
    if options.list_backends {
        console::show!("{}", vgg::device::describe_backends());
        return ExitCode::SUCCESS;
    }
    if options.list_devices {
        console::show!("{}", vgg::device::describe_devices());
        return ExitCode::SUCCESS;
    }
    console::code(run(&options))
}

fn run(options: &Options) -> Result<(), Box<dyn Error>> {
    let (folder, config, data) = match &options.resume {
        Some(path) => resumed(path, options)?,
        None => started(options)?,
    };
    let device = vgg::device(&config.backend)?;
    console::tell!(
        "{} parameters; {} training and {} test images of {} classes; {}; {}",
        grouped(config.model.parameter_count()),
        data.train.len(),
        data.test.len(),
        config.classes.len(),
        config.backend,
        folder.path().display(),
    );
    if !vgg::device::is_on_cpu(&config.backend)? {
        console::tell!(
            "the first step compiles kernels, and with autotune tries them: for seconds or minutes"
        );
    }
    let watch = watched(&stoppable()?);
    match train(&folder, &config, data, &device, watch)? {
        Outcome::Finished(summary) => show(&summary, &folder),
        Outcome::Interrupted { epochs_done } => {
            console::tell!(
                "stopped with {epochs_done} of {} epochs done; go on with --resume {}",
                config.training.epochs,
                folder.path().display()
            );
        }
    }
    Ok(())
}

type Prepared = (RunFolder, RunConfig, ImageData);

/// A new run as the options say.
fn started(options: &Options) -> Result<Prepared, Box<dyn Error>> {
    let mut model = VggConfig::named(&options.model)?.with_width(options.width);
    model.batch_norm |= options.batch_norm;
    if let Some(Hidden(sizes)) = &options.hidden {
        model.hidden = sizes.clone();
    }
    let (kind, default_rate) = match options.optimizer {
        Optimizer::Sgd => (OptimizerKind::Sgd, 0.02),
        Optimizer::Adamw => (OptimizerKind::AdamW, 8e-4),
    };
    let mut training = TrainConfig::new(kind, options.lr.unwrap_or(default_rate))
        .with_epochs(options.epochs)
        .with_batch_size(options.batch_size)
        .with_warmup(options.warmup)
        .with_weight_decay(options.weight_decay)
        .with_label_smoothing(options.label_smoothing)
        .with_seed(options.seed);
    training.validate()?;
    model.validate()?;
    let backend = options.backend.clone().unwrap_or_else(default_backend);
    let backend = numbered(backend, options.device);
    // Whether it is there, and large enough, before data are read.
    model.init(&vgg::device(&backend)?)?;

    let [height, width] = model.input_size;
    let shape = [model.input_channels, height, width];
    let (skip_broken, limit) = (options.skip_broken, options.limit);
    let data = examples::data::load(
        &options.data,
        &DataOptions {
            shape,
            skip_broken,
            limit,
        },
    )?;
    training.augmentation = Augmentation::new()
        .with_crop_padding(options.crop_padding)
        .with_mirror(data.mirrors && options.mirror);
    let precision = if options.half {
        Precision::F16
    } else {
        Precision::F32
    };
    let config = RunConfig {
        limit,
        skip_broken,
        backend,
        engine: options.engine,
        precision,
        ..RunConfig::for_data(model, training, &data)
    };
    config.model.validate()?;
    let path = options
        .out
        .clone()
        .unwrap_or_else(|| free_folder(&options.model));
    Ok((RunFolder::create(&path, &config)?, config, data))
}

/// The run in the folder `path`, to be continued.
fn resumed(path: &Path, options: &Options) -> Result<Prepared, Box<dyn Error>> {
    let (folder, mut config) = RunFolder::resume(path)?;
    if let Some(backend) = &options.backend {
        config.backend.clone_from(backend);
    }
    config.backend = numbered(config.backend, options.device);
    let data = examples::data::reload(&config)?;
    Ok((folder, config, data))
}

/// The backend's device of this number, as [`vgg::device`] takes it.
fn numbered(backend: String, device: Option<usize>) -> String {
    match device {
        Some(number) => format!("{}:{number}", backend.split(':').next().unwrap_or(&backend)),
        None => backend,
    }
}

fn default_backend() -> String {
    let first = vgg::device::compiled_backends().first().copied();
    first.unwrap_or("flex").to_owned()
}

fn show(summary: &Summary, folder: &RunFolder) {
    console::tell!("\nclass            precision  recall");
    let percent = |value: Option<f64>| value.map_or("-".into(), |value| format!("{value:.3}"));
    for class in &summary.classes {
        console::tell!(
            "{:16} {:>9}  {:>6}",
            printable(&class.name, LONGEST_NAME),
            percent(class.precision),
            percent(class.recall)
        );
    }
    console::tell!(
        "\n{:.0} s, {:.0} images/s; weights, figures and charts: {}",
        summary.seconds,
        summary.images_per_second,
        folder.path().display()
    );
    if std::io::stdout().is_terminal() {
        console::tell!(
            "try them: cargo run --release --example infer -- --run {} --samples 8",
            folder.path().display()
        );
    }
    console::tell!(
        "test accuracy: {:.4} ({} images)",
        summary.test_accuracy,
        summary.test_images
    );
}
