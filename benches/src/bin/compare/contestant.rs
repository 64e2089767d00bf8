//! Those who are compared.

use std::error::Error;
use std::path::PathBuf;

use benches::{Implementation, PeerRun, Peers};

use crate::device_peaks::PROCESSOR;
use crate::reference::FixedWork;
use crate::trial::{Burst, FirstCall, Settings, Subject, Turn};
use crate::worker::{Request, Worker};

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

    pub(crate) fn of(subject: &Subject) -> Self {
        Self {
            side: subject.implementation.to_string(),
            backend: Some(subject.backend.name.clone()),
        }
    }
}

/// What came out of a turn for one of the names that a side goes by.
pub(crate) struct Outcome {
    pub(crate) label: Label,
    /// What another framework says that it is.
    pub(crate) about: Option<String>,
    /// [`PROCESSOR`], or what another device calls itself.
    pub(crate) device: String,
    pub(crate) bursts: Vec<Burst>,
    /// Milliseconds of the fastest call.
    pub(crate) least_ms: f64,
    /// Milliseconds of the device's own reference work before and behind; none of the processor.
    pub(crate) reference: Option<[f64; 2]>,
    /// What is known beside the times.
    pub(crate) first: Option<FirstCall>,
    pub(crate) device_memory: Option<u64>,
}

/// A side, on one workload.
pub(crate) enum Contestant {
    /// An implementation of this project on a backend.
    Own(Box<Own>),
    /// Another framework.
    Peer(Peer),
}

/// An implementation of this project on a backend, called once.
pub(crate) struct Own {
    subject: Subject,
    settings: Settings,
    first: FirstCall,
    /// On a GPU the process that made the first call does all turns: each new one would compile kernels, and choose
    /// them, anew. On the processor a network's speed depends on where its weights lie in memory, which each turn's
    /// own process draws anew.
    worker: Option<Worker>,
}

/// What `--peers` is asked for.
pub(crate) struct Peer {
    pub(crate) program: PathBuf,
    pub(crate) name: String,
    /// As the program calls it.
    pub(crate) workload: String,
    pub(crate) settings: Settings,
}

impl Contestant {
    /// An implementation, of which the first call is measured.
    pub(crate) fn own(subject: Subject, settings: Settings) -> Result<Self, Box<dyn Error>> {
        let mut worker = Worker::new(&subject, settings)?;
        let first = worker.ask(Request::FirstCall)?;
        let worker = subject.backend.gpu.is_some().then_some(worker);
        Ok(Self::Own(Box::new(Own {
            subject,
            settings,
            first,
            worker,
        })))
    }

    /// The name that it was asked for by.
    pub(crate) fn label(&self) -> Label {
        match self {
            Self::Own(own) => Label::of(&own.subject),
            Self::Peer(peer) => Label {
                side: peer.name.clone(),
                backend: None,
            },
        }
    }

    /// Whether its turns are measured on a device that it judges itself. Of a framework only its outcome tells.
    pub(crate) fn is_on_gpu(&self) -> bool {
        matches!(self, Self::Own(own) if own.subject.backend.gpu.is_some())
    }

    /// Calls for about as long as the settings say, at least once. A framework that is run in several ways has an
    /// outcome for each.
    pub(crate) fn measure(&mut self) -> Result<Vec<Outcome>, Box<dyn Error>> {
        match self {
            Self::Own(own) => Ok(vec![own.measure()?]),
            Self::Peer(peer) => peer.measure(),
        }
    }
}

impl Own {
    fn measure(&mut self) -> Result<Outcome, Box<dyn Error>> {
        // One that fails is not asked again.
        let mut worker = match self.worker.take() {
            Some(worker) => worker,
            None => Worker::new(&self.subject, self.settings)?,
        };
        let turn: Turn = worker.ask(Request::Turn)?;
        let gpu = self.subject.backend.gpu.as_ref();
        self.worker = gpu.map(|_| worker);
        let calls = turn.bursts.iter().flat_map(|burst| &burst.calls);
        Ok(Outcome {
            label: Label::of(&self.subject),
            about: None,
            device: gpu.map_or_else(|| PROCESSOR.into(), |gpu| gpu.name.clone()),
            least_ms: calls.copied().fold(f64::INFINITY, f64::min),
            bursts: turn.bursts,
            reference: turn.reference,
            device_memory: self.first.device_memory,
            first: Some(self.first.clone()),
        })
    }
}

impl Peer {
    fn measure(&self) -> Result<Vec<Outcome>, Box<dyn Error>> {
        let peers = Peers {
            program: &self.program,
            threads: self.settings.threads,
            seconds: self.settings.seconds,
        };
        let fixed_work = FixedWork::of_processor();
        let before = fixed_work.sample()?;
        let runs = peers.run(&self.name, &self.workload)?;
        if runs.is_empty() {
            return Err(format!("it has no {}", self.workload).into());
        }
        let fixed_work = f64::midpoint(before, fixed_work.sample()?);
        let outcomes = runs.into_iter().map(|run| outcome(run, fixed_work));
        Ok(outcomes.collect())
    }
}

/// What a framework's run came to; `fixed_work` is that of the processor around its program.
fn outcome(run: PeerRun, fixed_work: f64) -> Outcome {
    let reference = run.elsewhere.as_ref().map(|known| known.reference);
    let burst = Burst {
        calls: vec![run.median],
        fixed_work: reference.map_or(fixed_work, |[before, behind]| f64::midpoint(before, behind)),
    };
    Outcome {
        label: Label {
            side: run.name,
            backend: None,
        },
        // Of a program of somebody else, in one line.
        about: run.about.map(|about| console::printable(&about, 76)),
        bursts: vec![burst],
        least_ms: run.least,
        reference,
        device_memory: run.elsewhere.as_ref().and_then(|known| known.memory),
        device: run
            .elsewhere
            .map_or_else(|| PROCESSOR.into(), |known| known.device),
        first: None,
    }
}

#[cfg(test)]
mod tests {
    use benches::Elsewhere;

    use super::*;

    #[test]
    fn the_usual_backend_is_not_said() {
        assert_eq!(Label::shown("module", Some("flex")), "module");
        assert_eq!(Label::shown("module", Some("wgpu:1")), "module/wgpu:1");
        assert_eq!(Label::shown("torch-eager", None), "torch-eager");
    }

    #[test]
    fn a_framework_is_held_against_the_work_of_its_device() {
        let run = |elsewhere| PeerRun {
            name: "torch".into(),
            about: Some("PyTorch 2.15, f32".into()),
            median: 8.0,
            least: 7.0,
            elsewhere,
        };
        let here = outcome(run(None), 5.0);
        assert_eq!((here.device.as_str(), here.reference), (PROCESSOR, None));
        assert_eq!(here.bursts[0].fixed_work, 5.0);
        assert_eq!(here.about.as_deref(), Some("PyTorch 2.15, f32"));
        let there = outcome(
            run(Some(Elsewhere {
                device: "NVIDIA H200".into(),
                reference: [2.0, 4.0],
                memory: Some(9),
            })),
            5.0,
        );
        assert_eq!(there.device, "NVIDIA H200");
        assert_eq!(there.bursts[0].fixed_work, 3.0);
        assert_eq!(there.device_memory, Some(9));
    }
}
