//! Other frameworks, run by a program of their own.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{Process, Task, Workload};

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
        ("vgg16", Task::Sgd) => format!("W2_vgg16_train_sgd_b{batch}"),
        ("vgg16", Task::Adam) => format!("W2_vgg16_train_adam_b{batch}"),
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
    /// What it is, its version and precision, where its program tells.
    pub about: Option<String>,
    /// Milliseconds of a call.
    pub median: f64,
    /// Milliseconds of the fastest call.
    pub least: f64,
    /// None if it ran on the processor.
    pub elsewhere: Option<Elsewhere>,
}

/// What a framework says of a device that is not the processor.
#[derive(Debug, PartialEq)]
pub struct Elsewhere {
    /// The device, as `NVIDIA H200`.
    pub device: String,
    /// Milliseconds of a fixed piece of work on it, before the calls and behind them.
    pub reference: [f64; 2],
    /// Bytes of the device's memory, where the framework tells.
    pub memory: Option<u64>,
}

impl Peers<'_> {
    /// The runs of `peer` on `workload`, named as [`peer_workload`] says; none if it does not have that
    /// workload. A framework that is run in several ways has a run for each.
    ///
    /// # Errors
    /// The program does not start, fails, or prints something else; or this one is to stop.
    pub fn run(&self, peer: &str, workload: &str) -> Result<Vec<PeerRun>, Box<dyn Error>> {
        let mut command = Command::new(here(self.program));
        command
            .args(["run", peer, &self.threads.to_string(), workload])
            .env("BENCH_SECONDS", self.seconds.to_string());
        let mut process = Process::start(command)?;
        let (mut runs, mut about) = (Vec::new(), None);
        while let Some(line) = process.line()? {
            match line.splitn(3, '\t').collect::<Vec<_>>()[..] {
                [_, "about", text] => about = Some(text.to_owned()),
                [_, of, ..] if of == workload => runs.push(PeerRun {
                    about: about.clone(),
                    ..parse(&line)?
                }),
                // What else a framework says.
                _ => {}
            }
        }
        process.end()?;
        Ok(runs)
    }
}

/// A program of this folder by its path: a name without a folder would be looked for among the installed programs.
fn here(program: &Path) -> PathBuf {
    match std::path::absolute(program) {
        Ok(path) if path.is_file() => path,
        _ => program.to_owned(),
    }
}

fn parse(line: &str) -> Result<PeerRun, Box<dyn Error>> {
    let fields: Vec<_> = line.split('\t').collect();
    let (name, median, least, more) = match fields[..] {
        [name, _, _, median, least, _, ref more @ ..] => (name, median, least, more),
        [name, _, _, median, least] => (name, median, least, &[][..]),
        _ => return Err(format!("not a line of a measurement: {line}").into()),
    };
    let number = |text: &str| match text.parse::<f64>() {
        Ok(value) if value.is_finite() && value > 0.0 => Ok(value),
        _ => Err(format!("milliseconds expected, found \"{text}\": {line}")),
    };
    let elsewhere = match *more {
        [] => None,
        [device, before, behind, memory] => Some(Elsewhere {
            device: device.into(),
            reference: [number(before)?, number(behind)?],
            memory: match memory {
                "" => None,
                bytes => Some(bytes.parse()?),
            },
        }),
        _ => {
            return Err(format!(
                "of a device, four fields expected, found {}: {line}",
                more.len()
            )
            .into());
        }
    };
    Ok(PeerRun {
        name: name.into(),
        about: None,
        median: number(median)?,
        least: number(least)?,
        elsewhere,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_of_this_folder_needs_no_point() {
        // Tests run in the folder of their package.
        assert!(here(Path::new("Cargo.toml")).is_absolute());
        assert_eq!(here(Path::new("no-such-file")), Path::new("no-such-file"));
    }

    #[test]
    fn a_line_is_read() {
        let run = parse("torch-eager\tW1_vgg16_b1\t2\t168.6\t160.25\t24").expect("a line");
        assert_eq!(
            run,
            PeerRun {
                name: "torch-eager".into(),
                about: None,
                median: 168.6,
                least: 160.25,
                elsewhere: None,
            }
        );
    }

    #[test]
    fn a_device_is_read() {
        let line = |memory: &str| {
            format!(
                "torch-cuda-eager\tW1_vgg16_b1\t2\t1.5\t1.25\t24\tNVIDIA H200\t3.5\t3.25\t{memory}"
            )
        };
        let elsewhere = |memory: &str| parse(&line(memory)).expect("a line").elsewhere;
        assert_eq!(
            elsewhere("1048576"),
            Some(Elsewhere {
                device: "NVIDIA H200".into(),
                reference: [3.5, 3.25],
                memory: Some(1 << 20),
            })
        );
        assert_eq!(elsewhere("").and_then(|known| known.memory), None);
        // Half of what is known of a device is a program's mistake.
        let error = parse("a\tb\t2\t1\t1\t3\tNVIDIA H200").expect_err("no line");
        assert!(error.to_string().contains("found 1"), "{error}");
    }

    #[test]
    fn what_is_no_line_is_quoted() {
        let error = parse("no\tfields").expect_err("no line").to_string();
        assert!(error.contains("no\tfields"), "{error}");
        for bad in ["fast", "NaN", "-1", "0"] {
            let error = parse(&format!("a\tb\t2\t{bad}\t1\t3")).expect_err("no time");
            assert!(error.to_string().contains(&format!("\"{bad}\"")), "{error}");
        }
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
        assert_eq!(
            name("vgg16", 32, Task::Sgd).as_deref(),
            Some("W2_vgg16_train_sgd_b32")
        );
        assert_eq!(name("vgg19", 1, Task::Sgd), None);
    }
}
