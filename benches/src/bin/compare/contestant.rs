//! Those who are compared.

use std::error::Error;
use std::path::PathBuf;

use benches::{Count, Implementation, Peaks, Peers, Workload, available_memory};
use cost::render::units::bytes;

use crate::reference::FixedWork;
use crate::trial::{Burst, Extent, Settings, Subject};

/// Under which name a side is shown.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Label {
    pub(crate) side: String,
    /// None for another framework.
    pub(crate) backend: Option<String>,
}

impl Label {
    /// `prepared`, or on another backend than that of prepared networks `module/wgpu`.
    pub(crate) fn shown(side: &str, backend: Option<&str>) -> String {
        match backend {
            Some(backend) if backend != Implementation::HOME => format!("{side}/{backend}"),
            _ => side.into(),
        }
    }
}

/// What came out for one of the names that a side goes by.
pub(crate) struct Outcome {
    pub(crate) label: Label,
    pub(crate) bursts: Vec<Burst>,
    /// Milliseconds of the fastest call.
    pub(crate) least_ms: f64,
}

/// What is known of a side beside its times.
#[derive(Default, Clone)]
pub(crate) struct Known {
    pub(crate) peaks: Option<Peaks>,
    pub(crate) peak_memory: Option<u64>,
    pub(crate) first_ms: Option<f64>,
}

/// A side, on one workload.
pub(crate) enum Contestant {
    /// An implementation of this project on a backend.
    Own { subject: Box<Subject>, known: Known },
    /// Another framework.
    Peer(Peer),
}

/// What `--peers` is asked for.
pub(crate) struct Peer {
    pub(crate) program: PathBuf,
    pub(crate) name: String,
    /// As the program calls it.
    pub(crate) workload: String,
    pub(crate) peaks: Peaks,
}

/// Refuses what cannot fit before the system ends the program for it.
pub(crate) fn check_memory(workload: &Workload, count: Count) -> Result<(), Box<dyn Error>> {
    match available_memory() {
        Some(available) if count.memory > available => Err(format!(
            "out of memory: {workload} needs {}, {} are free",
            bytes(count.memory),
            bytes(available),
        )
        .into()),
        _ => Ok(()),
    }
}

impl Contestant {
    /// An implementation, of which the first call is measured; `peaks` are those of its device.
    pub(crate) fn own(
        subject: Subject,
        settings: Settings,
        peaks: Option<Peaks>,
    ) -> Result<Self, Box<dyn Error>> {
        let first = subject.measure_apart(Extent::FirstCall, settings)?;
        let known = Known {
            peaks,
            peak_memory: first.peak_memory,
            first_ms: Some(first.first_ms),
        };
        let subject = Box::new(subject);
        Ok(Self::Own { subject, known })
    }

    /// Calls for about as long as the settings say, at least once. A framework that fails has no outcome, one
    /// that is run in several ways has an outcome for each.
    pub(crate) fn measure(&self, settings: Settings) -> Result<Vec<Outcome>, Box<dyn Error>> {
        match self {
            Self::Own { subject, .. } => {
                let trial = subject.measure_apart(Extent::Whole, settings)?;
                let calls = trial.bursts.iter().flat_map(|burst| &burst.calls);
                Ok(vec![Outcome {
                    label: Label {
                        side: subject.implementation.to_string(),
                        backend: Some(subject.backend.name.clone()),
                    },
                    least_ms: calls.copied().fold(f64::INFINITY, f64::min),
                    bursts: trial.bursts,
                }])
            }
            Self::Peer(peer) => Ok(peer.measure(settings).unwrap_or_else(|error| {
                console::note!("{} is left out: {error}", peer.name);
                Vec::new()
            })),
        }
    }

    pub(crate) fn known(&self) -> Known {
        match self {
            Self::Own { known, .. } => known.clone(),
            Self::Peer(peer) => Known {
                peaks: Some(peer.peaks),
                ..Known::default()
            },
        }
    }
}

impl Peer {
    fn measure(&self, settings: Settings) -> Result<Vec<Outcome>, Box<dyn Error>> {
        let peers = Peers {
            program: &self.program,
            threads: settings.threads,
            seconds: settings.seconds,
        };
        let fixed_work = FixedWork::new();
        let before = fixed_work.sample();
        let runs = peers.run(&self.name, &self.workload)?;
        let fixed_work = f64::midpoint(before, fixed_work.sample());
        let outcomes = runs.into_iter().map(|run| Outcome {
            label: Label {
                side: run.name,
                backend: None,
            },
            bursts: vec![Burst {
                calls: vec![run.median],
                fixed_work,
            }],
            least_ms: run.least,
        });
        Ok(outcomes.collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_backend_is_not_said() {
        assert_eq!(Label::shown("module", Some("flex")), "module");
        assert_eq!(Label::shown("module", Some("wgpu:1")), "module/wgpu:1");
        assert_eq!(Label::shown("torch-eager", None), "torch-eager");
    }
}
