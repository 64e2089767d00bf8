//! The command line.

use std::convert::Infallible;
use std::error::Error;
use std::fmt::{self, Display};
use std::path::PathBuf;
use std::str::FromStr;

use benches::{Implementation, Task};
use clap::{Parser, ValueEnum};
use cost::render::Format;

use crate::help::HELP;

/// Compare the speed of VGGs: this project's implementations on any backend, and other frameworks.
///
/// All sides are measured in one run, in rounds, one after the other, so that whatever disturbs the machine
/// disturbs all of them. Fixed work says whether a device is as fast as before, the processor or a GPU: rounds in
/// which it is not are repeated for the sides on it.
#[derive(Parser)]
#[command(version, after_help = HELP)]
pub(crate) struct Options {
    /// Who is compared, in this order; see below [default: prepared,module,burn, with --peers
    /// ncnn,openvino,ort,torch,opencv,rten,tract,candle, and if a backend is a GPU's torch-cuda,ort-webgpu]
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub(crate) sides: Vec<Side>,

    /// Backends, such as flex,ndarray,wgpu:1 [default: all that are compiled in]
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub(crate) backends: Vec<String>,

    /// Networks, such as vgg16 or vgg11-bn-cifar
    #[arg(
        long,
        value_name = "NAME",
        value_delimiter = ',',
        default_value = "vgg16-28"
    )]
    pub(crate) models: Vec<String>,

    /// Images in a call
    #[arg(long, value_name = "N", value_delimiter = ',', default_value = "1")]
    pub(crate) batch: Vec<usize>,

    /// What a call does: a forward pass, or a training step with one of two optimizers
    #[arg(
        long,
        value_name = "NAME",
        value_enum,
        value_delimiter = ',',
        default_value = "inference"
    )]
    pub(crate) tasks: Vec<Task>,

    /// Threads of every side on the CPU [default: all]
    #[arg(long, value_name = "N")]
    pub(crate) threads: Option<usize>,

    /// How often each side is measured
    #[arg(long, value_name = "N", default_value_t = 8)]
    pub(crate) rounds: usize,

    /// Seconds of a side's calls in a round, with the fixed work that they are compared with
    #[arg(long, value_name = "S", default_value_t = 1.0)]
    pub(crate) seconds: f64,

    /// Seconds of calls before them that do not count; the first call is always one
    #[arg(long, value_name = "S", default_value_t = 0.5)]
    pub(crate) warm_up: f64,

    /// The side that ratios are to, as tables name it [default: the first]
    #[arg(long, value_name = "SIDE")]
    pub(crate) baseline: Option<String>,

    /// What to write: table, json, csv, markdown or svg
    #[arg(long, value_name = "NAME", default_value = "table")]
    pub(crate) format: Format,

    /// Keep the outcome as JSON, for --against and --show; written anew with each workload, also when the run is
    /// stopped
    #[arg(long, value_name = "FILE")]
    pub(crate) save: Option<PathBuf>,

    /// Print an outcome that was kept with --save, in another --format, instead of measuring
    #[arg(long, value_name = "FILE", conflicts_with_all = ["profile", "save", "against", "peers"])]
    pub(crate) show: Option<PathBuf>,

    /// Fail if a side is more than 10 % slower than in this earlier run
    #[arg(long, value_name = "FILE")]
    pub(crate) against: Option<PathBuf>,

    /// Time each layer of the side module or burn on the first backend; with --format svg a roofline
    #[arg(long, conflicts_with_all = ["save", "against", "peers"])]
    pub(crate) profile: bool,

    /// A program that runs other frameworks, such as scripts/peers.py; see below
    #[arg(long, value_name = "PROGRAM")]
    pub(crate) peers: Option<PathBuf>,

    /// Succeed even if the machine's speed changed during the run
    #[arg(long)]
    pub(crate) allow_drift: bool,

    /// Be the process that measures a side: answer requests on standard input
    #[arg(long, hide = true)]
    pub(crate) serve: bool,

    /// Show the machine as tables name it and leave
    #[arg(long)]
    pub(crate) machine: bool,

    /// Show the devices of the backends that are compiled in and leave
    #[arg(long)]
    pub(crate) list_devices: bool,
}

/// The frameworks of scripts/peers.py.
const PEERS: [&str; 8] = [
    "ncnn", "openvino", "ort", "torch", "opencv", "rten", "tract", "candle",
];

/// Those that it runs on a GPU.
const GPU_PEERS: [&str; 2] = ["torch-cuda", "ort-webgpu"];

/// Who is compared.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Side {
    /// One of this project's implementations.
    Own(Implementation),
    /// A framework that the program of `--peers` knows by this name.
    Peer(String),
}

impl FromStr for Side {
    type Err = Infallible;

    fn from_str(name: &str) -> Result<Self, Infallible> {
        let own = Implementation::from_str(name, false);
        Ok(own.map_or_else(|_| Self::Peer(name.into()), Self::Own))
    }
}

impl Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Own(implementation) => implementation.fmt(f),
            Self::Peer(name) => f.write_str(name),
        }
    }
}

impl Options {
    /// Checks what clap does not.
    pub(crate) fn check(&self) -> Result<(), Box<dyn Error>> {
        for (name, value) in [("--seconds", self.seconds), ("--warm-up", self.warm_up)] {
            if !(0.0..=3600.0).contains(&value) {
                return Err(format!("{name} must lie between 0 and 3600, found {value}").into());
            }
        }
        for (name, value) in [("--rounds", Some(self.rounds)), ("--threads", self.threads)] {
            if value == Some(0) {
                return Err(format!("{name} must be at least 1, found 0").into());
            }
        }
        let peer = self.sides.iter().find(|side| matches!(side, Side::Peer(_)));
        match peer {
            Some(peer) if self.peers.is_none() => {
                let own: Vec<_> = Implementation::value_variants()
                    .iter()
                    .map(Implementation::to_string)
                    .collect();
                Err(format!(
                    "there is no side \"{peer}\"; there are {}, and other frameworks with --peers PROGRAM",
                    own.join(", ")
                )
                .into())
            }
            _ => Ok(()),
        }
    }

    /// The sides that were asked for, each once, or the usual ones; `has_gpu`: of a machine with a GPU.
    pub(crate) fn chosen_sides(&self, has_gpu: bool) -> Vec<Side> {
        let mut sides = Vec::new();
        for side in &self.sides {
            if !sides.contains(side) {
                sides.push(side.clone());
            }
        }
        if sides.is_empty() {
            sides = [
                Implementation::Prepared,
                Implementation::Module,
                Implementation::Burn,
            ]
            .map(Side::Own)
            .into();
            if self.peers.is_some() {
                let on_gpu = GPU_PEERS.iter().filter(|_| has_gpu);
                let all = PEERS.iter().chain(on_gpu);
                sides.extend(all.map(|peer| Side::Peer((*peer).into())));
            }
        }
        sides
    }

    /// The backends that were asked for, or all.
    pub(crate) fn chosen_backends(&self) -> Vec<String> {
        match self.backends.is_empty() {
            false => self.backends.clone(),
            true => vgg::device::compiled_backends()
                .into_iter()
                .map(String::from)
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(arguments: &[&str]) -> Options {
        let words = ["compare"].iter().chain(arguments);
        Options::try_parse_from(words).expect("options")
    }

    #[test]
    fn names_that_are_not_ours_are_frameworks() {
        let found = options(&["--sides", "burn,prepared-f16,torch,burn", "--peers", "p"]);
        let names: Vec<_> = found
            .chosen_sides(false)
            .iter()
            .map(Side::to_string)
            .collect();
        assert_eq!(names, ["burn", "prepared-f16", "torch"]);
        assert!(found.check().is_ok());
    }

    #[test]
    fn frameworks_need_a_program() {
        let error = options(&["--sides", "prepered"])
            .check()
            .expect_err("no side");
        let text = error.to_string();
        assert!(
            text.contains("\"prepered\"") && text.contains("prepared-f16"),
            "{text}"
        );
    }

    #[test]
    fn peers_are_among_the_usual_sides() {
        assert_eq!(options(&[]).chosen_sides(true).len(), 3);
        let with_peers = options(&["--peers", "p"]);
        assert_eq!(with_peers.chosen_sides(false).len(), 11);
        let named = with_peers.chosen_sides(true);
        assert!(named.contains(&Side::Peer("torch-cuda".into())) && named.len() == 13);
    }

    #[test]
    fn numbers_out_of_range_are_refused() {
        for bad in [
            ["--seconds", "-1"],
            ["--warm-up", "NaN"],
            ["--rounds", "0"],
            ["--threads", "0"],
        ] {
            let words = format!("{}={}", bad[0], bad[1]);
            let error = options(&[&words]).check().expect_err("out of range");
            assert!(error.to_string().starts_with(bad[0]), "{error}");
        }
    }
}
