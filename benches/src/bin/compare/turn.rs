//! A backend's turn, in a process of its own: its first call finds neither kernels nor memory of what was
//! before, and where its weights happen to lie in memory is drawn anew each time.

use std::error::Error;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::Command;
use std::time::{Duration, Instant};

use benches::{Workload, peak_memory};
use burn::tensor::Device;
use clap::ValueEnum;
use cost::render::units::bytes;
use serde::{Deserialize, Serialize};

use crate::Options;
use crate::reference::Unit;

/// How much of a turn a process does.
#[derive(Debug, Clone, Copy, PartialEq, ValueEnum)]
pub(crate) enum Part {
    /// The first call alone.
    FirstCall,
    /// The first call, those of warming up, and those that are timed.
    Whole,
}

/// What it found.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct OwnTurn {
    /// Milliseconds of the first call, with drawing the weights. What a run shows is that of the first process.
    pub(crate) first_ms: f64,
    /// Bytes that it took, on top of what the process held before.
    pub(crate) peak_memory: Option<u64>,
    /// None in the part [`Part::FirstCall`].
    pub(crate) groups: Vec<Group>,
}

/// Calls that were timed one behind the other.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Group {
    /// Milliseconds of each.
    pub(crate) calls: Vec<f64>,
    /// Milliseconds of the [`Unit`] right behind them; for another framework, around its program.
    pub(crate) unit: f64,
}

/// As long as the machine stays as it is, mostly.
const GROUP: Duration = Duration::from_millis(100);

/// Does it in this process.
pub(crate) fn measure(
    part: Part,
    workload: &Workload,
    backend: &str,
    device: &Device,
    options: &Options,
) -> Result<OwnTurn, Box<dyn Error>> {
    vgg::check_tensor(backend, workload.config.largest_weight_bytes())?;
    let slowdown = slowdown()?;
    let work = || {
        let (before, start) = (peak_memory(), Instant::now());
        let mut call = workload.call(device, options.engine)?;
        let warm_up = Instant::now();
        call()?;
        let first = start.elapsed();
        let taken = peak_memory().zip(before);
        let mut turn = OwnTurn {
            first_ms: milliseconds(first),
            peak_memory: taken.map(|(peak, before)| peak.saturating_sub(before)),
            groups: Vec::new(),
        };
        if part == Part::FirstCall {
            return Ok(turn);
        }
        while warm_up.elapsed().as_secs_f64() < options.warm_up {
            call()?;
        }
        let unit = Unit::new();
        let start = Instant::now();
        while turn.groups.is_empty() || start.elapsed().as_secs_f64() < options.seconds {
            let (group, mut calls) = (Instant::now(), Vec::new());
            while calls.is_empty() || group.elapsed() < GROUP {
                let before = Instant::now();
                call()?;
                let more = before.elapsed().mul_f64(1.0 + slowdown);
                while before.elapsed() < more {
                    std::hint::spin_loop();
                }
                calls.push(milliseconds(before.elapsed()));
            }
            turn.groups.push(Group {
                calls,
                unit: unit.sample(),
            });
        }
        Ok(turn)
    };
    quietly(work).map_err(|error| {
        let needed = workload.count().map_or(0, |count| count.memory);
        let (reason, needed) = (vgg::failure(error), bytes(needed));
        format!("the backend \"{backend}\" failed: {reason}; a call needs {needed} of its memory")
            .into()
    })
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// [`measure`] in another process.
pub(crate) fn in_own_process(
    part: Part,
    workload: &Workload,
    backend: &str,
    options: &Options,
    threads: usize,
) -> Result<OwnTurn, Box<dyn Error>> {
    let mut command = Command::new(std::env::current_exe()?);
    let name = part.to_possible_value().ok_or("a part without a name")?;
    for (option, value) in [
        ("--part", name.get_name()),
        ("--backends", backend),
        ("--models", &workload.model),
        ("--batch", &workload.batch.to_string()),
        ("--engine", &options.engine.to_string()),
        ("--threads", &threads.to_string()),
        ("--warm-up", &options.warm_up.to_string()),
        ("--seconds", &options.seconds.to_string()),
    ] {
        command.args([option, value]);
    }
    if workload.train {
        command.arg("--train");
    }
    let output = command.output()?;
    if !output.status.success() {
        let text = String::from_utf8_lossy(&output.stderr);
        let last = text.lines().rfind(|line| !line.trim().is_empty());
        let reason = last.map_or_else(|| output.status.to_string(), str::to_owned);
        return Err(reason.trim_start_matches("error: ").into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// The part of its time by which each call is made longer.
fn slowdown() -> Result<f64, Box<dyn Error>> {
    const NAME: &str = "COMPARE_SLOWDOWN";
    let Ok(text) = std::env::var(NAME) else {
        return Ok(0.0);
    };
    match text.parse() {
        Ok(part) if (0.0..=10.0).contains(&part) => Ok(part),
        _ => Err(format!("{NAME} must be a number from 0 to 10, found {text}").into()),
    }
}

/// Runs `work`; a backend that panics, as Burn's do where memory runs out, has an error instead.
fn quietly<T>(work: impl FnOnce() -> Result<T, Box<dyn Error>>) -> Result<T, Box<dyn Error>> {
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| ()));
    let result = catch_unwind(AssertUnwindSafe(work));
    std::panic::set_hook(hook);
    result.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
        Err(text.unwrap_or("it gave no reason").into())
    })
}
