//! The measurement of an implementation, by a process that does nothing else: its first call finds neither kernels
//! nor memory of what was before.

use std::error::Error;
use std::time::{Duration, Instant};

use benches::{Call, Implementation, Workload, peak_memory};
use cost::render::units::bytes;
use serde::{Deserialize, Serialize};

use crate::backend::Backend;
use crate::reference::FixedWork;

/// What is measured.
#[derive(Clone)]
pub(crate) struct Subject {
    pub(crate) workload: Workload,
    pub(crate) implementation: Implementation,
    pub(crate) backend: Backend,
}

/// How long it is measured.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Settings {
    pub(crate) threads: usize,
    pub(crate) warm_up: f64,
    pub(crate) seconds: f64,
}

/// What the first call of a process took.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct FirstCall {
    /// Milliseconds, with drawing the weights and making kernels.
    pub(crate) milliseconds: f64,
    /// Bytes of the processor's memory, on top of what the process held before.
    pub(crate) peak_memory: Option<u64>,
    /// Bytes that the backend then holds of its device's memory, where that is not the processor's and it tells.
    pub(crate) device_memory: Option<u64>,
}

/// What a turn found.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Turn {
    pub(crate) bursts: Vec<Burst>,
    /// Milliseconds of the device's own reference work before them and behind them, where that is not the processor.
    pub(crate) reference: Option<[f64; 2]>,
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

/// A network that has been called once.
pub(crate) struct Trial {
    call: Call,
    first: FirstCall,
    fixed_work: Option<FixedWork>,
    slowdown: f64,
}

impl Trial {
    /// Makes the network and calls it for the first time.
    pub(crate) fn start(subject: &Subject) -> Result<Self, Box<dyn Error>> {
        let Backend { name, device, gpu } = &subject.backend;
        let weights = subject.workload.config.largest_weight_bytes();
        vgg::device::check_tensor(name, weights)?;
        let slowdown = slowdown()?;
        let (before, start) = (peak_memory(), Instant::now());
        let mut call = subject.workload.call(subject.implementation, device)?;
        call()?;
        let first = start.elapsed();
        let taken = peak_memory().zip(before);
        let held = gpu.as_ref().and_then(|_| device.memory_pool_usage());
        Ok(Self {
            call,
            first: FirstCall {
                milliseconds: milliseconds(first),
                peak_memory: taken.map(|(peak, before)| peak.saturating_sub(before)),
                device_memory: held.map(|held| held.bytes_reserved),
            },
            fixed_work: None,
            slowdown,
        })
    }

    pub(crate) fn first(&self) -> &FirstCall {
        &self.first
    }

    /// Warms up, and then calls and does fixed work in turns.
    pub(crate) fn turn(
        &mut self,
        backend: &Backend,
        settings: Settings,
    ) -> Result<Turn, Box<dyn Error>> {
        let start = Instant::now();
        while start.elapsed().as_secs_f64() < settings.warm_up {
            (self.call)()?;
        }
        let fixed_work = match self.fixed_work.take() {
            Some(work) => work,
            None => FixedWork::new(backend)?,
        };
        let before = fixed_work.own_reference()?;
        let (start, mut bursts) = (Instant::now(), Vec::new());
        while bursts.is_empty() || start.elapsed().as_secs_f64() < settings.seconds {
            let calls = self.burst()?;
            let fixed_work = fixed_work.sample()?;
            bursts.push(Burst { calls, fixed_work });
        }
        let reference = before.zip(fixed_work.own_reference()?);
        self.fixed_work = Some(fixed_work);
        Ok(Turn {
            bursts,
            reference: reference.map(Into::into),
        })
    }

    /// Milliseconds of some calls.
    fn burst(&mut self) -> Result<Vec<f64>, Box<dyn Error>> {
        let (start, mut calls) = (Instant::now(), Vec::new());
        while calls.is_empty() || start.elapsed() < BURST {
            let before = Instant::now();
            (self.call)()?;
            let slowed = before.elapsed().mul_f64(1.0 + self.slowdown);
            while before.elapsed() < slowed {
                std::hint::spin_loop();
            }
            calls.push(milliseconds(before.elapsed()));
        }
        Ok(calls)
    }
}

/// What a backend says of its failure, in words.
pub(crate) fn failure(subject: &Subject, error: Box<dyn Error>) -> Box<dyn Error> {
    let needed = subject.workload.count().map_or(0, |count| count.memory);
    let (backend, reason) = (&subject.backend.name, vgg::device::failure(error));
    let needed = bytes(needed);
    format!("the backend \"{backend}\" failed: {reason}; a call needs {needed} of its memory")
        .into()
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

#[cfg(test)]
mod tests {
    use benches::Task;

    use super::*;

    #[test]
    fn a_network_is_made_once_for_all_turns() {
        let subject = Subject {
            workload: Workload::new("vgg16-28", 1, Task::Inference).expect("a network"),
            implementation: Implementation::Module,
            backend: Backend::new("flex").expect("flex"),
        };
        let settings = Settings {
            threads: 1,
            warm_up: 0.0,
            seconds: 0.0,
        };
        let mut trial = Trial::start(&subject).expect("a first call");
        assert!(trial.first().milliseconds > 0.0);
        for _ in 0..2 {
            let turn = trial.turn(&subject.backend, settings).expect("a turn");
            assert_eq!(turn.bursts.len(), 1);
            assert!(turn.bursts[0].fixed_work > 0.0 && turn.reference.is_none());
            assert!(turn.bursts[0].calls.iter().all(|time| *time > 0.0));
        }
    }
}
