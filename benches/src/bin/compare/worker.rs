//! A process that measures for this one: what it is asked, and what it answers.
//!
//! A request is a line of its standard input, the answer a line of its standard output: in JSON, what was found or why
//! nothing was. It ends when its input does.

use std::error::Error;
use std::process::Command;

use benches::{Process, Task};
use clap::ValueEnum;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::backend::Backend;
use crate::trial::{Settings, Subject};

/// What a process is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Request {
    /// Make the network and call it: a [`FirstCall`](crate::trial::FirstCall).
    FirstCall,
    /// Call it for as long as the settings say: a [`Turn`](crate::trial::Turn).
    Turn,
    /// What the device can do at most: [`Peaks`](benches::Peaks).
    Peaks,
}

/// What it answers: what was found, or why nothing was.
pub(crate) type Answer<T> = Result<T, String>;

/// A process that waits for requests.
pub(crate) struct Worker {
    process: Process,
}

impl Worker {
    /// One that measures `subject`.
    pub(crate) fn new(subject: &Subject, settings: Settings) -> Result<Self, Box<dyn Error>> {
        let workload = &subject.workload;
        Self::start(&[
            ("--sides", name(subject.implementation)),
            ("--tasks", name::<Task>(workload.task)),
            ("--backends", subject.backend.name.clone()),
            ("--models", workload.model.clone()),
            ("--batch", workload.batch.to_string()),
            ("--threads", settings.threads.to_string()),
            ("--warm-up", settings.warm_up.to_string()),
            ("--seconds", settings.seconds.to_string()),
        ])
    }

    /// One that measures what the device of `backend` can do.
    pub(crate) fn for_peaks(backend: &Backend, threads: usize) -> Result<Self, Box<dyn Error>> {
        Self::start(&[
            ("--backends", backend.name.clone()),
            ("--threads", threads.to_string()),
            // What runs on any backend: it is not asked for it.
            ("--sides", "module".into()),
        ])
    }

    fn start(options: &[(&str, String)]) -> Result<Self, Box<dyn Error>> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("--serve");
        for (option, value) in options {
            command.args([*option, value]);
        }
        let process = Process::start(command)?;
        Ok(Self { process })
    }

    /// Its answer to `request`.
    ///
    /// # Errors
    /// [`Stopped`](benches::Stopped), the reason that it gives, or how it ended.
    pub(crate) fn ask<T: DeserializeOwned>(
        &mut self,
        request: Request,
    ) -> Result<T, Box<dyn Error>> {
        self.process.tell(&serde_json::to_string(&request)?)?;
        let Some(line) = self.process.line()? else {
            return Err(self.process.death());
        };
        let answer: Answer<T> = serde_json::from_str(&line)
            .map_err(|error| format!("its process answered \"{line}\": {error}"))?;
        Ok(answer?)
    }
}

/// What the command line calls a value.
fn name<T: ValueEnum>(value: T) -> String {
    // No value is hidden from the command line.
    let value = value.to_possible_value();
    value.map_or_else(String::new, |value| value.get_name().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_command_line() {
        assert_eq!(name(Task::Adam), "adam");
        assert_eq!(name(benches::Implementation::PreparedHalf), "prepared-f16");
    }

    #[test]
    fn requests_and_answers_are_lines() {
        let request = serde_json::to_string(&Request::FirstCall).expect("JSON");
        assert_eq!(request, "\"first-call\"");
        let refusal: Answer<u32> = Err("no\nroom".into());
        let line = serde_json::to_string(&refusal).expect("JSON");
        assert_eq!(line.lines().count(), 1);
        let back: Answer<u32> = serde_json::from_str(&line).expect("an answer");
        assert_eq!(back, refusal);
    }
}
