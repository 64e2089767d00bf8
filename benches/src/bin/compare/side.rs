//! The sides of a comparison.

use std::error::Error;
use std::path::PathBuf;

use benches::{Count, Peers, Workload, available_memory};
use cost::render::units::bytes;

use crate::Options;
use crate::machine::Roof;
use crate::reference::Unit;
use crate::turn::{Group, Part, in_own_process};

/// The calls of a turn, for each name that a side goes by.
pub(crate) type Turn = Vec<(String, Vec<Group>)>;

/// Somebody who takes turns, each in a process of its own.
pub(crate) trait Side {
    /// Calls for about as long as the options say, at least once.
    fn turn(&self, options: &Options) -> Result<Turn, Box<dyn Error>>;

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
    backend: String,
    workload: Workload,
    threads: usize,
    known: Known,
}

/// Refuses what cannot fit before the system ends the program for it.
pub(crate) fn check_memory(workload: &Workload, count: Count) -> Result<(), Box<dyn Error>> {
    match available_memory() {
        Some(available) if count.memory > available => Err(format!(
            "out of memory: {} with batch {} needs {}, {} are free",
            workload.model,
            workload.batch,
            bytes(count.memory),
            bytes(available),
        )
        .into()),
        _ => Ok(()),
    }
}

impl OwnSide {
    /// Measures the first call.
    pub(crate) fn start(
        workload: &Workload,
        backend: &str,
        options: &Options,
        threads: usize,
        roof: Roof,
    ) -> Result<Self, Box<dyn Error>> {
        let first = in_own_process(Part::FirstCall, workload, backend, options, threads)?;
        Ok(Self {
            backend: backend.into(),
            workload: workload.clone(),
            threads,
            known: Known {
                roof: Some(roof),
                peak_memory: first.peak_memory,
                first_run_ms: Some(first.first_ms),
            },
        })
    }
}

impl Side for OwnSide {
    fn turn(&self, options: &Options) -> Result<Turn, Box<dyn Error>> {
        let (workload, backend) = (&self.workload, &self.backend);
        let turn = in_own_process(Part::Whole, workload, backend, options, self.threads)?;
        Ok(vec![(backend.clone(), turn.groups)])
    }

    fn known(&self) -> Known {
        self.known.clone()
    }
}

/// Another framework.
pub(crate) struct PeerSide {
    pub(crate) program: PathBuf,
    pub(crate) peer: String,
    pub(crate) workload: String,
    pub(crate) threads: usize,
}

impl Side for PeerSide {
    fn turn(&self, options: &Options) -> Result<Turn, Box<dyn Error>> {
        let peers = Peers {
            program: &self.program,
            threads: self.threads,
            seconds: options.seconds,
        };
        let unit = Unit::new();
        let before = unit.sample();
        match peers.run(&self.peer, &self.workload) {
            Ok(runs) => {
                let unit = f64::midpoint(before, unit.sample());
                let group = |median| Group {
                    calls: vec![median],
                    unit,
                };
                let runs = runs.into_iter();
                Ok(runs
                    .map(|run| (run.name, vec![group(run.median)]))
                    .collect())
            }
            Err(error) => {
                console::note!("{} is left out: {error}", self.peer);
                Ok(Vec::new())
            }
        }
    }
}
