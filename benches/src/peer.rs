//! Other frameworks, run by a program of their own.

use std::error::Error;
use std::path::Path;
use std::process::Command;

/// The program, and what it is told.
pub struct Peers<'a> {
    /// Called as `PROGRAM run PEER THREADS WORKLOAD`.
    pub program: &'a Path,
    /// Threads of every framework.
    pub threads: usize,
    /// Seconds of a turn.
    pub seconds: f64,
}

/// What the program calls a workload, if it has a name for it: inference, or a training step with the
/// optimizer `sgd` or `adam`.
pub fn peer_workload(model: &str, batch: usize, optimizer: Option<&str>) -> Option<String> {
    Some(match (model, optimizer) {
        ("vgg16", None) if batch == 1 => "W1_vgg16_b1".into(),
        ("vgg16", None) => format!("W2_vgg16_b{batch}"),
        ("vgg16-bn", None) => format!("W4_vgg16bn_b{batch}"),
        ("vgg19", None) => format!("W5_vgg19_b{batch}"),
        ("vgg16-28", None) => format!("W3_small_infer_b{batch}"),
        ("vgg16-28", Some(optimizer)) => format!("W3_small_train_{optimizer}_b{batch}"),
        _ => return None,
    })
}

/// One line of the program's output.
pub struct Run {
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
    pub fn run(&self, peer: &str, workload: &str) -> Result<Vec<Run>, Box<dyn Error>> {
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

fn parse(line: &str) -> Result<Run, Box<dyn Error>> {
    let fields: Vec<_> = line.split('\t').collect();
    let [name, _, _, median, least, ..] = fields[..] else {
        return Err(format!("not a line of a measurement: {line}").into());
    };
    Ok(Run {
        name: name.into(),
        median: median.parse()?,
        least: least.parse()?,
    })
}
