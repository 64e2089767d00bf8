//! One measurement of an implementation, in a process of its own: its first call finds neither kernels nor memory
//! of what was before, and where its weights happen to lie in memory is drawn anew each time.

use std::error::Error;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::Command;
use std::time::{Duration, Instant};

use benches::{Implementation, Task, Workload, peak_memory};
use burn::tensor::Device;
use clap::ValueEnum;
use cost::render::units::bytes;
use serde::{Deserialize, Serialize};

use crate::reference::FixedWork;

/// How much of it a process does.
#[derive(Debug, Clone, Copy, PartialEq, ValueEnum)]
pub(crate) enum Extent {
    /// The first call alone.
    FirstCall,
    /// The first call, those of warming up, and those that are timed.
    Whole,
}

/// What it found.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Trial {
    /// Milliseconds of the first call, with drawing the weights. What a run shows is that of the first process.
    pub(crate) first_ms: f64,
    /// Bytes that it took, on top of what the process held before.
    pub(crate) peak_memory: Option<u64>,
    /// None in [`Extent::FirstCall`].
    pub(crate) bursts: Vec<Burst>,
}

/// Calls that were timed one behind the other.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Burst {
    /// Milliseconds of each.
    pub(crate) calls: Vec<f64>,
    /// Milliseconds of the [`FixedWork`] right behind them; for another framework, around its program.
    pub(crate) fixed_work: f64,
}

/// As long as the machine stays as it is, mostly.
const BURST: Duration = Duration::from_millis(100);

/// How long it is measured.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Settings {
    pub(crate) threads: usize,
    pub(crate) warm_up: f64,
    pub(crate) seconds: f64,
}

/// A backend, and the device that its name says.
#[derive(Debug, Clone)]
pub(crate) struct Backend {
    pub(crate) name: String,
    pub(crate) device: Device,
}

/// What is measured.
#[derive(Clone)]
pub(crate) struct Subject {
    pub(crate) workload: Workload,
    pub(crate) implementation: Implementation,
    pub(crate) backend: Backend,
}

impl Subject {
    /// Measures it in this process.
    pub(crate) fn measure(
        &self,
        extent: Extent,
        settings: Settings,
    ) -> Result<Trial, Box<dyn Error>> {
        let backend = &self.backend.name;
        vgg::device::check_tensor(backend, self.workload.config.largest_weight_bytes())?;
        let slowdown = slowdown()?;
        quietly(|| self.call(extent, settings, slowdown)).map_err(|error| {
            let needed = self.workload.count().map_or(0, |count| count.memory);
            let (reason, needed) = (vgg::device::failure(error), bytes(needed));
            format!(
                "the backend \"{backend}\" failed: {reason}; a call needs {needed} of its memory"
            )
            .into()
        })
    }

    fn call(
        &self,
        extent: Extent,
        settings: Settings,
        slowdown: f64,
    ) -> Result<Trial, Box<dyn Error>> {
        let (before, start) = (peak_memory(), Instant::now());
        let mut call = self
            .workload
            .call(self.implementation, &self.backend.device)?;
        let warm_up = Instant::now();
        call()?;
        let first = start.elapsed();
        let taken = peak_memory().zip(before);
        let mut trial = Trial {
            first_ms: milliseconds(first),
            peak_memory: taken.map(|(peak, before)| peak.saturating_sub(before)),
            bursts: Vec::new(),
        };
        if extent == Extent::FirstCall {
            return Ok(trial);
        }
        while warm_up.elapsed().as_secs_f64() < settings.warm_up {
            call()?;
        }
        let fixed_work = FixedWork::new();
        let start = Instant::now();
        while trial.bursts.is_empty() || start.elapsed().as_secs_f64() < settings.seconds {
            let (burst, mut calls) = (Instant::now(), Vec::new());
            while calls.is_empty() || burst.elapsed() < BURST {
                let before = Instant::now();
                call()?;
                let slowed = before.elapsed().mul_f64(1.0 + slowdown);
                while before.elapsed() < slowed {
                    std::hint::spin_loop();
                }
                calls.push(milliseconds(before.elapsed()));
            }
            trial.bursts.push(Burst {
                calls,
                fixed_work: fixed_work.sample(),
            });
        }
        Ok(trial)
    }

    /// [`Subject::measure`] in another process.
    pub(crate) fn measure_apart(
        &self,
        extent: Extent,
        settings: Settings,
    ) -> Result<Trial, Box<dyn Error>> {
        let output = self.command(extent, settings)?.output()?;
        if !output.status.success() {
            let text = String::from_utf8_lossy(&output.stderr);
            let last = text.lines().rfind(|line| !line.trim().is_empty());
            let reason = last.map_or_else(|| output.status.to_string(), str::to_owned);
            return Err(reason.trim_start_matches("error: ").into());
        }
        Ok(serde_json::from_slice(&output.stdout)?)
    }

    fn command(&self, extent: Extent, settings: Settings) -> Result<Command, Box<dyn Error>> {
        let mut command = Command::new(std::env::current_exe()?);
        for (option, value) in [
            ("--trial", name(extent)),
            ("--sides", name(self.implementation)),
            ("--tasks", name::<Task>(self.workload.task)),
            ("--backends", self.backend.name.clone()),
            ("--models", self.workload.model.clone()),
            ("--batch", self.workload.batch.to_string()),
            ("--threads", settings.threads.to_string()),
            ("--warm-up", settings.warm_up.to_string()),
            ("--seconds", settings.seconds.to_string()),
        ] {
            command.args([option, &value]);
        }
        Ok(command)
    }
}

/// What the command line calls a value.
pub(crate) fn name<T: ValueEnum>(value: T) -> String {
    // No value is hidden from the command line.
    let value = value.to_possible_value();
    value.map_or_else(String::new, |value| value.get_name().into())
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_an_error() {
        let error = quietly::<()>(|| panic!("out of memory")).expect_err("a panic");
        assert_eq!(error.to_string(), "out of memory");
    }

    #[test]
    fn names_are_those_of_the_command_line() {
        assert_eq!(name(Extent::FirstCall), "first-call");
        assert_eq!(name(Task::Adam), "adam");
    }
}
