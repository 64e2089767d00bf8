//! What a run does, once all names on the command line are known to exist: before anything takes time.

use std::error::Error;

use benches::{Count, Stopped, Workload, available_memory, check_stopped};
use cost::render::units::bytes;

use crate::backend::Backend;
use crate::contestant::{Contestant, Label, Peer};
use crate::options::{Options, Side};
use crate::report::Failure;
use crate::trial::{Settings, Subject};

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
        let names = options.chosen_backends();
        let backends = names.iter().map(|name| Backend::new(name));
        let backends = backends.collect::<Result<Vec<_>, _>>()?;
        let has_gpu = backends.iter().any(|backend| backend.gpu.is_some());
        let plan = Self {
            workloads,
            backends,
            sides: options.chosen_sides(has_gpu),
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
                let label = Label::of(subject);
                Label::shown(&label.side, label.backend.as_deref())
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
    fn subjects(&self, workload: &Workload) -> Vec<Subject> {
        let mut subjects = Vec::new();
        for side in &self.sides {
            let Side::Own(implementation) = side else {
                continue;
            };
            for backend in &self.backends {
                if implementation.can(workload.task, &backend.name) {
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

    /// Those who are compared on `workload`, in the order of the sides, and those who cannot be.
    pub(crate) fn contestants(
        &self,
        workload: &Workload,
        options: &Options,
        count: Count,
    ) -> Result<(Vec<Contestant>, Vec<Failure>), Stopped> {
        let (mut contestants, mut failures) = (Vec::new(), Vec::new());
        for subject in self.subjects(workload) {
            let label = Label::of(&subject);
            let shown = Label::shown(&label.side, label.backend.as_deref());
            console::note!("{workload}: first call of {shown}");
            let fits = check_memory(&subject, count);
            match fits.and_then(|()| Contestant::own(subject, self.settings)) {
                Ok(contestant) => contestants.push(contestant),
                Err(error) => {
                    check_stopped()?;
                    failures.push(Failure::new(workload, label, &error));
                }
            }
        }
        match benches::peer_workload(workload) {
            Some(name) => contestants.extend(self.peers(&name, options)),
            // Nobody is left out without a word.
            None => failures.extend(self.nameless(workload)),
        }
        Ok((contestants, failures))
    }

    /// Other frameworks, on the workload that they know by this name.
    fn peers(&self, workload: &str, options: &Options) -> Vec<Contestant> {
        let Some(program) = &options.peers else {
            return Vec::new();
        };
        let peer = |name: &str| {
            Contestant::Peer(Peer {
                program: program.clone(),
                name: name.into(),
                workload: workload.into(),
                settings: self.settings,
            })
        };
        self.peer_names().map(peer).collect()
    }

    /// Other frameworks, on a workload that they have no name for.
    fn nameless(&self, workload: &Workload) -> Vec<Failure> {
        let failure = |name: &str| {
            let label = Label {
                side: name.into(),
                backend: None,
            };
            Failure::new(
                workload,
                label,
                &"other frameworks do not have this workload",
            )
        };
        self.peer_names().map(failure).collect()
    }

    fn peer_names(&self) -> impl Iterator<Item = &str> {
        self.sides.iter().filter_map(|side| match side {
            Side::Own(_) => None,
            Side::Peer(name) => Some(name.as_str()),
        })
    }

    /// What a process that was started for one side is to measure.
    pub(crate) fn only_subject(&self) -> Result<Subject, Box<dyn Error>> {
        let all = self
            .workloads
            .iter()
            .flat_map(|workload| self.subjects(workload));
        match <[Subject; 1]>::try_from(all.collect::<Vec<_>>()) {
            Ok([subject]) => Ok(subject),
            Err(_) => Err("--serve takes one side on one backend".into()),
        }
    }
}

/// Refuses what cannot fit into the processor's memory before the system ends the program for it.
fn check_memory(subject: &Subject, count: Count) -> Result<(), Box<dyn Error>> {
    match (&subject.backend.gpu, available_memory().map(u128::from)) {
        (None, Some(available)) if count.memory > available => Err(format!(
            "out of memory: it needs {}, {} are free",
            bytes(count.memory),
            bytes(available),
        )
        .into()),
        _ => Ok(()),
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
