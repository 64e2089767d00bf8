//! Times this project's networks, Burn's own path and other frameworks on the same work, one after the
//! other in rounds, so that whatever disturbs the machine disturbs all of them.

mod work;

use std::error::Error;
use std::path::PathBuf;
use std::time::Duration;

use benches::{Peers, median};
use clap::Parser;

use work::{Side, WORKLOADS, Workload};

/// Compare the speed of VGGs: this project's prepared network and training step, Burn's own
/// operations on Flex, and other frameworks.
#[derive(Parser)]
#[command(version, after_help = PROTOCOL)]
struct Options {
    /// The workload of this name, or all whose names contain it
    #[arg(default_value = "")]
    workload: String,

    /// Threads of every side
    #[arg(long, default_value_t = 2)]
    threads: usize,

    /// How often all sides take their turn
    #[arg(long, default_value_t = 3)]
    rounds: usize,

    /// Seconds of a turn
    #[arg(long, default_value_t = 4.0)]
    seconds: f64,

    /// A program that runs other frameworks, such as scripts/peers.py; see below
    #[arg(long, value_name = "PROGRAM")]
    peers: Option<PathBuf>,

    /// Which of them
    #[arg(long, value_delimiter = ',', default_value = "ncnn,openvino,ort,torch")]
    peer: Vec<String>,

    /// Leave Burn's own path out
    #[arg(long)]
    no_burn: bool,
}

const PROTOCOL: &str = "Workloads:
  vgg16-b1 vgg16-b8 vgg16-b16, also vgg16-bn-… vgg19-…   inference at 224x224
  vgg16-28-b1 vgg16-28-b64                               inference at 28x28
  vgg16-28-sgd-b64 vgg16-28-adam-b64                     training steps at 28x28
Sides: \"ours\" is a prepared network with f32 weights, or the training step; \"ours, f16\" stores the
linear layers' weights in half precision; \"burn\" is Burn's own operations.

The program of --peers is called as `PROGRAM run PEER THREADS WORKLOAD`, with the environment
variable BENCH_SECONDS set, and prints lines of tab-separated fields: peer, workload, threads, median
milliseconds, least milliseconds, number of runs. A line that it does not print is a workload that
the peer does not have. scripts/peers.py is such a program.";

fn main() -> Result<(), Box<dyn Error>> {
    let options = Options::parse();
    rayon::ThreadPoolBuilder::new()
        .num_threads(options.threads)
        .build_global()?;
    let exact = WORKLOADS
        .iter()
        .any(|workload| workload.name == options.workload);
    let chosen: Vec<_> = WORKLOADS
        .iter()
        .filter(|workload| match exact {
            true => workload.name == options.workload,
            false => workload.name.contains(&options.workload),
        })
        .collect();
    if chosen.is_empty() {
        return Err(format!("no workload is named {}", options.workload).into());
    }
    console::say!("{} threads, milliseconds", options.threads);
    console::say!("workload            side         median     least  spread    ours / side");
    for workload in chosen {
        compare(workload, &options)?;
    }
    Ok(())
}

/// Times of one side over all rounds.
struct Times {
    name: String,
    /// The median of each round.
    medians: Vec<f64>,
    least: f64,
}

fn compare(workload: &Workload, options: &Options) -> Result<(), Box<dyn Error>> {
    let turn = Duration::from_secs_f64(options.seconds);
    let mut own = vec![Side::Ours];
    if workload.has_half() {
        own.push(Side::Half);
    }
    if !options.no_burn {
        own.push(Side::Burn);
    }
    let peers = options.peers.as_deref().map(|program| Peers {
        program,
        threads: options.threads,
        seconds: options.seconds,
    });
    let mut times: Vec<Times> = Vec::new();
    for _ in 0..options.rounds {
        for &side in &own {
            let run = workload.time(side, turn)?;
            add(&mut times, side.name(), run.median, run.least);
        }
        let (Some(peers), Some(name)) = (&peers, workload.peer_name()) else {
            continue;
        };
        for peer in &options.peer {
            match peers.run(peer, &name) {
                Ok(runs) => runs
                    .iter()
                    .for_each(|run| add(&mut times, &run.name, run.median, run.least)),
                Err(error) => console::note!("{peer} is left out: {error}"),
            }
        }
    }
    let ours = median(&times[0].medians);
    for side in &times {
        let middle = median(&side.medians);
        let most = side.medians.iter().copied().fold(0.0, f64::max);
        let least = side.medians.iter().copied().fold(f64::INFINITY, f64::min);
        console::say!(
            "{:<19} {:<10} {:>8.2}  {:>8.2}  {:>5.1}%  {:>13.3}",
            workload.name,
            side.name,
            middle,
            side.least,
            (most - least) / middle * 100.0,
            ours / middle,
        );
    }
    Ok(())
}

fn add(times: &mut Vec<Times>, name: &str, median: f64, least: f64) {
    match times.iter_mut().find(|side| side.name == name) {
        Some(side) => {
            side.medians.push(median);
            side.least = side.least.min(least);
        }
        None => times.push(Times {
            name: name.into(),
            medians: vec![median],
            least,
        }),
    }
}
