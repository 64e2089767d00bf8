//! Gives broken files to everything that reads files, and watches what that costs.

mod mutate;
mod targets;
mod watch;

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;
use peak_alloc::PeakAlloc;
use rand::SeedableRng;
use rand::seq::IndexedRandom;
use rand_chacha::ChaCha8Rng;

use mutate::mutated;
use targets::{Target, all};
use watch::{Watchdog, cost};

#[global_allocator]
static ALLOCATED: PeakAlloc = PeakAlloc;

/// Give broken files to everything that reads files.
///
/// Each target has good files to begin with. They are changed at random: bits, bytes, numbers, pieces that are
/// cut out, doubled or exchanged. Whatever comes out may be read or refused with an error. It must not panic, abort,
/// take longer than --seconds-each or more memory than --megabytes; a file that does is kept, and is the exit code 1.
#[derive(Parser)]
#[command(version, after_help = EXAMPLES)]
struct Options {
    /// Which targets [default: all]
    targets: Vec<String>,

    /// Show the targets and leave
    #[arg(long)]
    list: bool,

    /// Every random choice follows from this
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,

    /// Files for each target
    #[arg(
        long,
        value_name = "N",
        default_value_t = 2000,
        conflicts_with = "minutes"
    )]
    files: u64,

    /// Go on for so long with each target instead
    #[arg(long, value_name = "F")]
    minutes: Option<f64>,

    /// The longest that one file may take
    #[arg(long, value_name = "N", default_value_t = 20)]
    seconds_each: u64,

    /// The most memory that one file may take
    #[arg(long, value_name = "N", default_value_t = 1024)]
    megabytes: usize,

    /// Where the file under way is kept, and those that cost too much
    #[arg(long, value_name = "DIR", default_value = "fuzz-findings")]
    findings: PathBuf,

    /// Give this file to the one target that is named, and leave
    #[arg(long, value_name = "FILE")]
    replay: Option<PathBuf>,
}

const EXAMPLES: &str = "\
Examples:
  fuzz                                    2,000 files for each target: a minute or two
  fuzz --minutes 60 --seed 1              an hour for each
  fuzz weights pickle --files 100000
  fuzz weights --replay fuzz-findings/weights-1";

fn main() -> ExitCode {
    console::code(run(&Options::parse()))
}

fn run(options: &Options) -> Result<(), Box<dyn Error>> {
    let chosen = all()?;
    if options.list {
        for target in &chosen {
            console::say!("{:<12} {}", target.name, target.what);
        }
        return Ok(());
    }
    for name in &options.targets {
        if !chosen.iter().any(|target| target.name == *name) {
            let names: Vec<_> = chosen.iter().map(|target| target.name).collect();
            return Err(format!("no target named {name:?}; there are {}", names.join(", ")).into());
        }
    }
    fs::create_dir_all(&options.findings)?;
    let watchdog = Watchdog::start(Duration::from_secs(options.seconds_each));
    let mut findings = 0;
    for target in &chosen {
        if !options.targets.is_empty() && !options.targets.iter().any(|name| name == target.name) {
            continue;
        }
        findings += match &options.replay {
            Some(path) => replay(target, path, &watchdog, options)?,
            None => fuzz(target, &watchdog, options)?,
        };
    }
    match findings {
        0 => Ok(()),
        count => Err(format!("{count} files cost more than an error").into()),
    }
}

/// One file from before.
fn replay(
    target: &Target,
    path: &Path,
    watchdog: &Watchdog,
    options: &Options,
) -> Result<usize, Box<dyn Error>> {
    let input = fs::read(path)?;
    let found = cost(target, &input, watchdog, options.megabytes);
    console::say!("{}: {}", target.name, found.as_deref().unwrap_or("fine"));
    Ok(usize::from(found.is_some()))
}

/// How many files cost too much.
fn fuzz(target: &Target, watchdog: &Watchdog, options: &Options) -> Result<usize, Box<dyn Error>> {
    let mut random = ChaCha8Rng::seed_from_u64(options.seed);
    let seeds = (target.seeds)()?;
    // Kept while it is read: an abort leaves it here.
    let current = options.findings.join(format!("{}-current", target.name));
    let (start, mut files, mut findings) = (Instant::now(), 0u64, 0);
    let goes_on = |files: u64| match options.minutes {
        Some(minutes) => start.elapsed().as_secs_f64() < minutes * 60.0,
        None => files < options.files,
    };
    while goes_on(files) {
        let seed = seeds.choose(&mut random).ok_or("a target without seeds")?;
        let other = seeds.choose(&mut random).ok_or("a target without seeds")?;
        // The first ones as they are: the seeds themselves must be fine.
        let input = match usize::try_from(files).ok().and_then(|at| seeds.get(at)) {
            Some(seed) => seed.clone(),
            None => mutated(seed, other, &mut random),
        };
        fs::write(&current, &input)?;
        if let Some(what) = cost(target, &input, watchdog, options.megabytes) {
            findings += 1;
            let kept = options.findings.join(format!("{}-{findings}", target.name));
            fs::write(&kept, &input)?;
            console::note!("{}: {what}: {}", target.name, kept.display());
        }
        files += 1;
    }
    fs::remove_file(&current)?;
    let seconds = start.elapsed().as_secs_f64();
    console::say!(
        "{:<12} {files} files, {findings} findings, {seconds:.0} s",
        target.name
    );
    Ok(findings)
}
