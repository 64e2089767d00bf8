//! Times networks on backends and in other frameworks, side by side.

mod against;
mod chart;
mod machine;
mod profile;
mod reference;
mod render;
mod report;
mod rounds;
mod side;
mod turn;

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use benches::{Workload, median};
use clap::Parser;
use cost::render::Format;
use vgg::Engine;

use machine::{Machine, Roof};
use profile::Profile;
use report::{Report, SCHEMA};
use side::{OwnSide, PeerSide, Side};
use turn::Part;

/// Compare backends, and other frameworks, on the same networks.
///
/// All sides take their turns in one run, in rounds, so that whatever disturbs the machine disturbs
/// all of them. A reference kernel of fixed work says whether the machine itself is as fast as before:
/// rounds in which it is not are repeated.
#[derive(Parser)]
#[command(version, after_help = HELP)]
pub(crate) struct Options {
    /// Backends, such as flex,ndarray,wgpu:1 [default: all that are compiled in]
    #[arg(long, value_delimiter = ',')]
    backends: Vec<String>,

    /// Networks, such as vgg16 or vgg11-bn-cifar
    #[arg(long, value_delimiter = ',', default_value = "vgg16-28")]
    models: Vec<String>,

    /// Images in a call
    #[arg(long, value_delimiter = ',', default_value = "1")]
    batch: Vec<usize>,

    /// Time a training step (SGD with momentum) instead of inference
    #[arg(long)]
    train: bool,

    /// What computes the layers: winograd (on the CPU backend flex) or burn
    #[arg(long, value_name = "NAME", default_value_t)]
    engine: Engine,

    /// Threads of every side on the CPU [default: all]
    #[arg(long, value_name = "N")]
    threads: Option<usize>,

    /// How often all sides take their turn
    #[arg(long, value_name = "N", default_value_t = 8)]
    rounds: usize,

    /// Seconds of a turn's calls, with the fixed work that they are compared with
    #[arg(long, value_name = "S", default_value_t = 1.0)]
    seconds: f64,

    /// Seconds of calls that do not count, at the start of each turn; the first call is always one
    #[arg(long, value_name = "S", default_value_t = 0.5)]
    warm_up: f64,

    /// The side that ratios are to [default: the first]
    #[arg(long, value_name = "SIDE")]
    baseline: Option<String>,

    /// What to write: table, json, csv, markdown or svg
    #[arg(long, value_name = "NAME", default_value = "table")]
    format: Format,

    /// Keep the outcome as JSON, for --against and --show
    #[arg(long, value_name = "FILE")]
    save: Option<PathBuf>,

    /// Print an outcome that was kept with --save, in another --format, instead of measuring
    #[arg(long, value_name = "FILE", conflicts_with_all = ["profile", "save", "against", "peers"])]
    show: Option<PathBuf>,

    /// Fail if a side is more than 10 % slower than in this earlier run
    #[arg(long, value_name = "FILE")]
    against: Option<PathBuf>,

    /// Time each layer on the first backend; with --format svg a roofline
    #[arg(long, conflicts_with_all = ["train", "save", "against", "peers"])]
    profile: bool,

    /// A program that runs other frameworks, such as scripts/peers.py; see below
    #[arg(long, value_name = "PROGRAM")]
    peers: Option<PathBuf>,

    /// Which of them
    #[arg(long, value_delimiter = ',', default_value = "torch,ort,openvino,ncnn")]
    peer: Vec<String>,

    /// Print the figures even if the machine's speed changed during the run
    #[arg(long)]
    allow_drift: bool,

    /// Do this part of a turn and print what it took as JSON
    #[arg(long, hide = true)]
    part: Option<Part>,

    /// Show the devices of the backends that are compiled in and leave
    #[arg(long)]
    list_devices: bool,
}

const HELP: &str = "\
Examples:
  compare --backends flex,ndarray --models vgg16,vgg16-28
  compare --models vgg16-28 --batch 1,64 --train --format markdown
  compare --save before.json; compare --against before.json
  compare --show before.json --format svg > before.svg
  compare --profile --models vgg16 --engine burn --format svg > roofline.svg

Exit codes: 0; 1 if a side is slower than in --against; 2 for anything wrong with the options, the
backends or their memory; 3 if the machine's speed kept changing by more than 10 %.

Each turn is a process of its own, as a network's speed depends on where its weights lie in memory; so is
the first call of a backend, whose time and memory are shown.

The program of --peers is called as `PROGRAM run PEER THREADS WORKLOAD`, with the environment
variable BENCH_SECONDS set, and prints lines of tab-separated fields: peer, workload, threads, median
milliseconds, least milliseconds, number of runs. A peer that fails is left out.

COMPARE_SLOWDOWN=0.2 in the environment adds 20 % of busy waiting to every call: a test of --against.";

/// The most that the reference kernel's time may change, in percent.
pub(crate) const MOST_DRIFT: f64 = 10.0;

fn main() -> ExitCode {
    let options = Options::parse();
    if options.list_devices {
        console::show!("{}", vgg::describe_devices());
        return ExitCode::SUCCESS;
    }
    match run(&options) {
        Ok(code) => code,
        Err(error) => {
            console::note!("error: {error}");
            ExitCode::from(2)
        }
    }
}

fn run(options: &Options) -> Result<ExitCode, Box<dyn Error>> {
    for (name, value) in [
        ("--seconds", options.seconds),
        ("--warm-up", options.warm_up),
    ] {
        if !(0.0..=3600.0).contains(&value) {
            return Err(format!("{name} must lie between 0 and 3600, found {value}").into());
        }
    }
    if let Some(path) = &options.show {
        console::show!("{}", render::render(&report::load(path)?, options.format)?);
        return Ok(ExitCode::SUCCESS);
    }
    if options.rounds == 0 {
        return Err("--rounds must be at least 1, found 0".into());
    }
    let threads = match options.threads {
        Some(0) => return Err("--threads must be at least 1, found 0".into()),
        Some(threads) => threads,
        None => std::thread::available_parallelism()?.get(),
    };
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build_global()?;
    let mut backends = options.backends.clone();
    if backends.is_empty() {
        backends = vgg::compiled_backends()
            .into_iter()
            .map(String::from)
            .collect();
    }
    // All names are checked before anything takes time.
    let mut workloads = Vec::new();
    for model in &options.models {
        for &batch in &options.batch {
            workloads.push(Workload::new(model, batch, options.train)?);
        }
    }
    let earlier = options.against.as_deref().map(report::load).transpose()?;
    let devices: Vec<_> = backends
        .iter()
        .map(|backend| vgg::device(backend).map(|device| (backend.clone(), device)))
        .collect::<Result<_, _>>()?;
    if let Some(part) = options.part {
        let ([workload], [(backend, device)]) = (&workloads[..], &devices[..]) else {
            return Err("--part takes one network on one backend".into());
        };
        let turn = turn::measure(part, workload, backend, device, options)?;
        console::say!("{}", serde_json::to_string(&turn)?);
        return Ok(ExitCode::SUCCESS);
    }
    if options.profile {
        let turn = Duration::from_secs_f64(options.seconds);
        let (backend, device) = devices.first().ok_or("no backend is compiled in")?;
        for workload in &workloads {
            let profile = Profile::measure(workload, backend, device, options.engine, turn)?;
            console::show!("{}", show_profile(&profile, options.format)?);
        }
        return Ok(ExitCode::SUCCESS);
    }

    if let Some(path) = &options.save {
        report::check_writable(path)?;
    }
    let mut roofs = Vec::new();
    for (backend, device) in &devices {
        console::note!("{backend}: matrix product and memory");
        roofs.push(Roof::measure(backend, device)?);
    }
    Roof::share_memory(&mut roofs);
    let mut measured = Vec::new();
    for workload in &workloads {
        let mut sides: Vec<Box<dyn Side>> = Vec::new();
        let count = workload.count()?;
        side::check_memory(workload, count)?;
        for ((backend, _), roof) in devices.iter().zip(&roofs) {
            console::note!("{} on {backend}: first call", workload.model);
            match OwnSide::start(workload, backend, options, threads, roof.clone()) {
                Ok(side) => sides.push(Box::new(side)),
                Err(error) if devices.len() == 1 => return Err(error),
                Err(error) => {
                    console::note!("{} on {backend} is left out: {error}", workload.model)
                }
            }
        }
        if sides.is_empty() {
            return Err(format!("no backend can run {}", workload.model).into());
        }
        if let (Some(program), Some(name)) = (&options.peers, workload.peer_name()) {
            for peer in &options.peer {
                sides.push(Box::new(PeerSide {
                    program: program.clone(),
                    peer: peer.clone(),
                    workload: name.clone(),
                    threads,
                }));
            }
        }
        measured.push(rounds::measure(workload, count, &sides, options)?);
    }
    let references: Vec<_> = measured.iter().map(|found| found.reference_ms).collect();
    let drift = measured.iter().map(|found| found.drift_percent);
    let drift = drift.fold(0.0, f64::max);
    let machine = Machine::new(threads, median(&references), drift);
    let rows = measured.into_iter().flat_map(|found| found.rows).collect();
    let report = Report {
        schema: SCHEMA,
        machine,
        roofs,
        rows,
    };
    if drift > MOST_DRIFT && !options.allow_drift {
        console::note!(
            "error: the machine's own speed changed by {drift:.0} % during the run: these times do \
             not compare. Close other programs and repeat, or print them with --allow-drift"
        );
        return Ok(ExitCode::from(3));
    }
    console::show!("{}", render::render(&report, options.format)?);
    if let Some(path) = &options.save {
        report::save(path, &report)?;
    }
    if let Some(earlier) = earlier {
        let (text, slower) = against::slower(&earlier, &report)?;
        console::note!(
            "\nagainst the earlier run, in units of fixed work beside the calls:\n{}",
            text.trim_end()
        );
        if slower > 0 {
            console::note!("error: {slower} slower by more than 10 %");
            return Ok(ExitCode::FAILURE);
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn show_profile(profile: &Profile, format: Format) -> Result<String, Box<dyn Error>> {
    Ok(match format {
        Format::Table => profile.table(),
        Format::Csv => profile.csv(),
        Format::Json => serde_json::to_string_pretty(profile)? + "\n",
        Format::Svg => chart::roofline(profile),
        Format::Markdown => format!("```\n{}```\n", profile.table()),
    })
}
