//! How long it takes from the start of a process to the first logits of a saved VGG, and how much
//! memory: ours, and other frameworks' beside it. Peak memory is the resident set's, from Linux'
//! `/proc/self/status`.

use std::error::Error;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use burn::tensor::{Device, Tensor, TensorData};
use clap::Parser;
use vgg::VggConfig;

/// Load a saved network and compute the logits of one image, in a process of its own each time.
///
/// Files are those of torch.save or safetensors in torchvision's names; `python3
/// scripts/weights.py formula vgg16 vgg16.pth` makes one.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// Weight files
    #[arg(required = true)]
    files: Vec<PathBuf>,

    /// The network
    #[arg(long, default_value = "vgg16")]
    model: String,

    /// Processes of each kind; the median is shown
    #[arg(long, default_value_t = 5)]
    rounds: usize,

    /// Another program that is called with a file and prints the same line: seconds of loading,
    /// peak bytes behind it, peak bytes behind the logits, the first logit. Words are split at
    /// spaces; may be given several times, as NAME=PROGRAM ARGUMENT...
    #[arg(long, value_name = "NAME=PROGRAM")]
    peer: Vec<String>,

    /// Be one of the processes
    #[arg(long, hide = true)]
    one: bool,

    /// Prepare the network in it, as a classifier does
    #[arg(long, hide = true)]
    prepared: bool,
}

/// What one process says, and how long it took until it did.
#[derive(Clone, Copy)]
struct Run {
    start_to_logits: f64,
    load: f64,
    peak_loaded: f64,
    peak: f64,
    logit: f64,
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse();
    if arguments.one {
        return one(&arguments);
    }
    let own = std::env::current_exe()?;
    console::say!(
        "{:<36} {:>9} {:>14} {:>13} {:>13} {:>9}",
        "",
        "load ms",
        "to logits ms",
        "peak loaded",
        "peak logits",
        "logit 0"
    );
    for file in &arguments.files {
        let ours = |more: &[&str]| -> Vec<String> {
            let own = own.to_string_lossy();
            let words = [&*own, "--one", "--model", &arguments.model];
            let words = words.iter().chain(more);
            words.map(|&word| word.to_owned()).collect()
        };
        let mut sides = vec![
            ("vgg".to_owned(), ours(&[])),
            ("vgg, prepared".to_owned(), ours(&["--prepared"])),
        ];
        for peer in &arguments.peer {
            let (name, command) = peer.split_once('=').ok_or("--peer is NAME=PROGRAM")?;
            let words = command.split_whitespace().map(str::to_owned).collect();
            sides.push((name.to_owned(), words));
        }
        let mut runs = vec![Vec::new(); sides.len()];
        // In turns, so that a slow moment of the machine meets all.
        for _ in 0..arguments.rounds {
            for ((_, command), runs) in sides.iter().zip(&mut runs) {
                runs.push(process(command, file)?);
            }
        }
        for ((name, _), runs) in sides.iter().zip(&runs) {
            let median = |value: fn(&Run) -> f64| {
                benches::median(&runs.iter().map(value).collect::<Vec<_>>())
            };
            console::say!(
                "{:<36} {:>9.0} {:>14.0} {:>9.1} MiB {:>9.1} MiB {:>9.4}",
                format!(
                    "{name}, {}",
                    file.file_name().unwrap_or_default().to_string_lossy()
                ),
                median(|run| run.load * 1e3),
                median(|run| run.start_to_logits * 1e3),
                median(|run| run.peak_loaded / f64::from(1 << 20)),
                median(|run| run.peak / f64::from(1 << 20)),
                median(|run| run.logit),
            );
        }
    }
    Ok(())
}

/// Runs `command` with `file` and reads its line.
fn process(command: &[String], file: &Path) -> Result<Run, Box<dyn Error>> {
    let started = Instant::now();
    let (program, arguments) = command.split_first().ok_or("no program")?;
    let mut child = Command::new(program)
        .args(arguments)
        .arg(file)
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| format!("{program}: {error}"))?;
    let mut line = String::new();
    let output = child.stdout.take().ok_or("no output")?;
    BufReader::new(output).read_line(&mut line)?;
    let start_to_logits = started.elapsed().as_secs_f64();
    child.wait()?;
    let numbers: Result<Vec<f64>, _> = line.split_whitespace().map(str::parse).collect();
    let [load, peak_loaded, peak, logit] = numbers?[..] else {
        return Err(format!("{program} printed {line:?}").into());
    };
    Ok(Run {
        start_to_logits,
        load,
        peak_loaded,
        peak,
        logit,
    })
}

/// Loads the file and says how that went.
fn one(arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    let file = &arguments.files[0];
    let started = Instant::now();
    let device = Device::flex();
    let config = VggConfig::named(&arguments.model)?;
    let [height, width] = config.input_size;
    let network: Forward = if arguments.prepared {
        let network = config.init(&device)?.load(file)?.prepare();
        Box::new(move |image| Ok(network.forward(image)?))
    } else {
        let network = config.init(&device)?.load(file)?;
        Box::new(move |image| Ok(network.forward(image)?))
    };
    let load = started.elapsed().as_secs_f64();
    let peak_loaded = peak_bytes()?;
    let shape = [1, config.input_channels, height, width];
    let image: Vec<f32> = (0..shape.iter().product())
        .map(|i: usize| (i % 255) as f32 / 255.0)
        .collect();
    let image = Tensor::from_data(TensorData::new(image, shape), &device);
    let logits: Vec<f32> = network(image)?
        .into_data()
        .try_into_vec()
        .map_err(|error| format!("{error:?}"))?;
    console::say!("{load} {peak_loaded} {} {}", peak_bytes()?, logits[0]);
    Ok(())
}

/// Logits of images.
type Forward = Box<dyn Fn(Tensor<4>) -> Result<Tensor<2>, Box<dyn Error>>>;

/// The most memory that this process has had resident.
fn peak_bytes() -> Result<u64, Box<dyn Error>> {
    benches::peak_memory().ok_or_else(|| "no VmHWM in /proc/self/status".into())
}
