//! Other frameworks, run by a program of their own.

use std::error::Error;
use std::path::Path;
use std::process::Command;

use crate::{Task, Workload};

/// The program, and what it is told.
pub struct Peers<'a> {
    /// Called as `PROGRAM run PEER THREADS WORKLOAD`.
    pub program: &'a Path,
    /// Threads of every framework.
    pub threads: usize,
    /// Seconds of calling, for each way in which a framework is run.
    pub seconds: f64,
}

/// What the program calls a workload, if it has a name for it.
pub fn peer_workload(workload: &Workload) -> Option<String> {
    let (model, batch) = (workload.model.as_str(), workload.batch);
    Some(match (model, workload.task) {
        ("vgg16", Task::Inference) if batch == 1 => "W1_vgg16_b1".into(),
        ("vgg16", Task::Inference) => format!("W2_vgg16_b{batch}"),
        ("vgg16-bn", Task::Inference) => format!("W4_vgg16bn_b{batch}"),
        ("vgg19", Task::Inference) => format!("W5_vgg19_b{batch}"),
        ("vgg16-28", Task::Inference) => format!("W3_small_infer_b{batch}"),
        ("vgg16-28", Task::Sgd) => format!("W3_small_train_sgd_b{batch}"),
        ("vgg16-28", Task::Adam) => format!("W3_small_train_adam_b{batch}"),
        _ => return None,
    })
}

/// One line of the program's output.
#[derive(Debug, PartialEq)]
pub struct PeerRun {
    /// The framework, and how it was run.
    pub name: String,
    /// Milliseconds of a call.
    pub median: f64,
    /// Milliseconds of the fastest call.
    pub least: f64,
}

impl Peers<'_> {
    /// The runs of `peer` on `workload`, named as [`peer_workload`] says; none if it does not have that
    /// workload. A framework that is run in several ways has a run for each.
    ///
    /// # Errors
    /// The program does not start, fails, or prints something else.
    pub fn run(&self, peer: &str, workload: &str) -> Result<Vec<PeerRun>, Box<dyn Error>> {
        let output = Command::new(self.program)
            .args(["run", peer, &self.threads.to_string(), workload])
            .env("BENCH_SECONDS", self.seconds.to_string())
            .output()
            .map_err(|error| format!("{}: {error}", self.program.display()))?;
        if !output.status.success() {
            let errors = String::from_utf8_lossy(&output.stderr);
            return Err(format!("{} run {peer}: {errors}", self.program.display()).into());
        }
        String::from_utf8(output.stdout)?
            .lines()
            .filter(|line| line.split('\t').nth(1) == Some(workload))
            .map(parse)
            .collect()
    }
}

fn parse(line: &str) -> Result<PeerRun, Box<dyn Error>> {
    let fields: Vec<_> = line.split('\t').collect();
    let [name, _, _, median, least, ..] = fields[..] else {
        return Err(format!("not a line of a measurement: {line}").into());
    };
    Ok(PeerRun {
        name: name.into(),
        median: median.parse()?,
        least: least.parse()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read() {
        let run = parse("torch-eager\tW1_vgg16_b1\t2\t168.6\t160.25\t24").expect("a line");
        let (median, least) = (168.6, 160.25);
        let name = "torch-eager".into();
        assert_eq!(
            run,
            PeerRun {
                name,
                median,
                least
            }
        );
    }

    #[test]
    fn what_is_no_line_is_quoted() {
        let error = parse("no\tfields").expect_err("no line").to_string();
        assert!(error.contains("no\tfields"), "{error}");
        assert!(parse("a\tb\t2\tfast\t1\t3").is_err());
    }

    #[test]
    fn workloads_have_the_programs_names() {
        let name = |model, batch, task| {
            let workload = Workload::new(model, batch, task).expect("a known name");
            peer_workload(&workload)
        };
        assert_eq!(
            name("vgg16", 1, Task::Inference).as_deref(),
            Some("W1_vgg16_b1")
        );
        assert_eq!(
            name("vgg16-28", 64, Task::Adam).as_deref(),
            Some("W3_small_train_adam_b64")
        );
        assert_eq!(name("vgg13", 1, Task::Inference), None);
        assert_eq!(name("vgg16", 1, Task::Sgd), None);
    }
}
