//! What a run does, once all names on the command line are known to exist: before anything takes time.

use std::error::Error;

use benches::{Implementation, Workload};

use crate::contestant::{self, Contestant, Label, Peer};
use crate::device_peaks::DevicePeaks;
use crate::options::{Options, Side};
use crate::trial::{Backend, Settings, Subject};

pub(crate) struct Plan {
    pub(crate) workloads: Vec<Workload>,
    pub(crate) backends: Vec<Backend>,
    pub(crate) sides: Vec<Side>,
    pub(crate) settings: Settings,
}

impl Plan {
    pub(crate) fn new(options: &Options) -> Result<Self, Box<dyn Error>> {
        let threads = match options.threads {
            Some(threads) => threads,
            None => std::thread::available_parallelism()?.get(),
        };
        let mut workloads = Vec::new();
        for model in &options.models {
            for &task in &options.tasks {
                for &batch in &options.batch {
                    workloads.push(Workload::new(model, batch, task)?);
                }
            }
        }
        let names = options.chosen_backends().into_iter();
        let backends = names.map(|name| {
            let device = vgg::device(&name)?;
            Ok(Backend { name, device })
        });
        let plan = Self {
            workloads,
            backends: backends.collect::<Result<_, Box<dyn Error>>>()?,
            sides: options.chosen_sides(),
            settings: Settings {
                threads,
                warm_up: options.warm_up,
                seconds: options.seconds,
            },
        };
        plan.check(options)?;
        Ok(plan)
    }

    /// Every workload has somebody who does it, and the baseline may come to be.
    fn check(&self, options: &Options) -> Result<(), Box<dyn Error>> {
        let has_peers = self.sides.iter().any(|side| matches!(side, Side::Peer(_)));
        let mut names = Vec::new();
        for workload in &self.workloads {
            let subjects = self.subjects(workload);
            if subjects.is_empty() && !has_peers {
                return Err(format!("none of the sides can do {workload}").into());
            }
            names.extend(subjects.iter().map(|subject| {
                let side = subject.implementation.to_string();
                Label::shown(&side, Some(&subject.backend.name))
            }));
        }
        match &options.baseline {
            // What a framework is called is known when it has run.
            Some(baseline) if !has_peers && !names.contains(baseline) => Err(format!(
                "there is no side {baseline} to compare with; there are {}",
                names.join(", ")
            )
            .into()),
            _ => Ok(()),
        }
    }

    /// This project's implementations that are to do `workload`, each on each backend.
    pub(crate) fn subjects(&self, workload: &Workload) -> Vec<Subject> {
        let chosen = |other| self.sides.contains(&Side::Own(other));
        let mut subjects = Vec::new();
        for side in &self.sides {
            let Side::Own(implementation) = side else {
                continue;
            };
            for backend in &self.backends {
                let twin = implementation.twin(workload.task, &backend.name);
                if implementation.can(workload.task, &backend.name) && !twin.is_some_and(chosen) {
                    subjects.push(Subject {
                        workload: workload.clone(),
                        implementation: *implementation,
                        backend: backend.clone(),
                    });
                }
            }
        }
        subjects
    }

    /// Those who are compared on `workload`, in the order of the sides. An implementation that cannot run here
    /// is left out, if there are others.
    pub(crate) fn contestants(
        &self,
        workload: &Workload,
        options: &Options,
        peaks: &[DevicePeaks],
    ) -> Result<Vec<Contestant>, Box<dyn Error>> {
        contestant::check_memory(workload, workload.count()?)?;
        let mut contestants = Vec::new();
        let subjects = self.subjects(workload);
        let is_alone = subjects.len() == 1;
        for subject in subjects {
            let (side, backend) = (subject.implementation, subject.backend.name.clone());
            console::note!("{workload}: first call of {side} on {backend}");
            let peaks = DevicePeaks::find(peaks, &backend);
            match Contestant::own(subject, self.settings, peaks) {
                Ok(contestant) => contestants.push(contestant),
                Err(error) if is_alone => return Err(error),
                Err(error) => {
                    console::note!("{workload}: {side} on {backend} is left out: {error}");
                }
            }
        }
        contestants.extend(self.peers(workload, options, peaks));
        match contestants.is_empty() {
            true => Err(format!("none of the sides can do {workload}").into()),
            false => Ok(contestants),
        }
    }

    fn peers(
        &self,
        workload: &Workload,
        options: &Options,
        peaks: &[DevicePeaks],
    ) -> Vec<Contestant> {
        let program = options.peers.as_ref();
        let name = benches::peer_workload(workload);
        let peaks = DevicePeaks::find(peaks, Implementation::HOME);
        let (Some(program), Some(name), Some(peaks)) = (program, name, peaks) else {
            return Vec::new();
        };
        let peer = |side: &Side| match side {
            Side::Own(_) => None,
            Side::Peer(peer) => Some(Contestant::Peer(Peer {
                program: program.clone(),
                name: peer.clone(),
                workload: name.clone(),
                peaks,
            })),
        };
        self.sides.iter().filter_map(peer).collect()
    }

    /// What a process that was started for one side is to measure.
    pub(crate) fn only_subject(&self) -> Result<Subject, Box<dyn Error>> {
        let all = self
            .workloads
            .iter()
            .flat_map(|workload| self.subjects(workload));
        match <[Subject; 1]>::try_from(all.collect::<Vec<_>>()) {
            Ok([subject]) => Ok(subject),
            Err(_) => Err("--trial takes one side on one backend".into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    fn plan(arguments: &[&str]) -> Result<Plan, String> {
        let words = ["compare", "--backends", "flex"].iter().chain(arguments);
        let options = Options::try_parse_from(words).map_err(|error| error.to_string())?;
        Plan::new(&options).map_err(|error| error.to_string())
    }

    fn sides(plan: &Plan, workload: usize) -> Vec<String> {
        let subjects = plan.subjects(&plan.workloads[workload]);
        let names = subjects
            .iter()
            .map(|subject| subject.implementation.to_string());
        names.collect()
    }

    #[test]
    fn networks_batches_and_tasks_are_multiplied() {
        let plan = plan(&[
            "--models",
            "vgg16-28,vgg16",
            "--batch",
            "1,8",
            "--tasks",
            "inference,sgd",
        ]);
        let plan = plan.expect("a plan");
        assert_eq!(plan.workloads.len(), 8);
        assert_eq!(sides(&plan, 0), ["prepared", "module", "burn"]);
        // A prepared network does not train.
        assert_eq!(sides(&plan, 2), ["module", "burn"]);
    }

    #[test]
    fn names_are_checked_first() {
        for (arguments, part) in [
            (["--models", "vgg99"], "vgg99"),
            (["--batch", "0"], "--batch 0"),
            (["--baseline", "torch"], "prepared, module, burn"),
            (["--backends", "flux"], "flux"),
        ] {
            let error = plan(&arguments).err().unwrap_or_default();
            assert!(error.contains(part), "{error}");
        }
        let error = plan(&["--sides", "prepared", "--tasks", "adam"]).err();
        assert!(error.is_some_and(|error| error.contains("none of the sides")));
    }

    #[test]
    fn a_process_measures_one_side() {
        assert!(
            plan(&["--sides", "burn"])
                .expect("a plan")
                .only_subject()
                .is_ok()
        );
        assert!(plan(&[]).expect("a plan").only_subject().is_err());
    }
}
