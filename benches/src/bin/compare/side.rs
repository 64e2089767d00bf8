//! The sides of a comparison.

use std::error::Error;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use benches::{Call, Count, Peers, Workload, available_memory};
use burn::tensor::Device;
use cost::render::units::bytes;

use crate::Options;
use crate::first_call::{self, FirstCall};
use crate::machine::Roof;

/// The times of a turn's calls in milliseconds, for each name that a side goes by.
pub(crate) type Turn = Vec<(String, Vec<f64>)>;

/// Somebody who takes turns.
pub(crate) trait Side {
    /// Calls for about as long as `turn`, at least once.
    fn turn(&mut self, turn: Duration) -> Result<Turn, Box<dyn Error>>;

    /// What is known of a backend: its roof, bytes and milliseconds of the first call.
    fn known(&self) -> Known {
        Known::default()
    }
}

#[derive(Default, Clone)]
pub(crate) struct Known {
    pub(crate) roof: Option<Roof>,
    pub(crate) peak_memory: Option<u64>,
    pub(crate) first_run_ms: Option<f64>,
}

/// A backend.
pub(crate) struct OwnSide {
    name: String,
    call: Call,
    known: Known,
    slowdown: f64,
}

/// Refuses what cannot fit before the system ends the program for it.
pub(crate) fn check_memory(
    workload: &Workload,
    count: Count,
    sides: usize,
) -> Result<(), Box<dyn Error>> {
    let needed = count.memory.saturating_mul(sides as u64);
    match available_memory() {
        Some(available) if needed > available => Err(format!(
            "out of memory: {} with batch {} needs {} on {sides} backends, {} are free",
            workload.model,
            workload.batch,
            bytes(needed),
            bytes(available),
        )
        .into()),
        _ => Ok(()),
    }
}

impl OwnSide {
    /// Makes the network and calls it for the time of warming up.
    pub(crate) fn start(
        workload: &Workload,
        backend: &str,
        device: &Device,
        options: &Options,
        roof: Roof,
        first: FirstCall,
    ) -> Result<Self, Box<dyn Error>> {
        let call = first_call::make(workload, backend, device, options.engine)?;
        let mut side = Self {
            name: backend.into(),
            call,
            known: Known {
                roof: Some(roof),
                peak_memory: first.peak_memory,
                first_run_ms: Some(first.milliseconds),
            },
            slowdown: slowdown()?,
        };
        let (warm, enough) = (Instant::now(), Duration::from_secs_f64(options.warm_up));
        while warm.elapsed() < enough {
            (side.call)()?;
        }
        Ok(side)
    }
}

impl Side for OwnSide {
    fn turn(&mut self, turn: Duration) -> Result<Turn, Box<dyn Error>> {
        let start = Instant::now();
        let mut times = Vec::new();
        while times.is_empty() || start.elapsed() < turn {
            let before = Instant::now();
            (self.call)()?;
            let more = before.elapsed().mul_f64(1.0 + self.slowdown);
            while before.elapsed() < more {
                std::hint::spin_loop();
            }
            times.push(before.elapsed().as_secs_f64() * 1e3);
        }
        Ok(vec![(self.name.clone(), times)])
    }

    fn known(&self) -> Known {
        self.known.clone()
    }
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

/// Another framework.
pub(crate) struct PeerSide {
    pub(crate) program: PathBuf,
    pub(crate) peer: String,
    pub(crate) workload: String,
    pub(crate) threads: usize,
    pub(crate) seconds: f64,
}

impl Side for PeerSide {
    fn turn(&mut self, _: Duration) -> Result<Turn, Box<dyn Error>> {
        let peers = Peers {
            program: &self.program,
            threads: self.threads,
            seconds: self.seconds,
        };
        match peers.run(&self.peer, &self.workload) {
            Ok(runs) => Ok(runs
                .into_iter()
                .map(|run| (run.name, vec![run.median]))
                .collect()),
            Err(error) => {
                eprintln!("{} is left out: {error}", self.peer);
                Ok(Vec::new())
            }
        }
    }
}
