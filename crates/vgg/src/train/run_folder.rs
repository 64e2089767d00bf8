//! The folder of a run: what it did, and what came out.

use std::fs;
use std::path::{Path, PathBuf};

use burn::tensor::Device;
use serde::{Deserialize, Serialize};

use super::config::{RunConfig, Start};
use super::error::TrainError;
use super::lock::{LOCK, RunLock};
use crate::atomic::{is_leftover, remove_leftovers, write_atomically};
use crate::classifier::Classifier;
use crate::file::read_at_most;
use crate::model::Vgg;
use crate::weights::Precision;

const CONFIG: &str = "config.json";
const START: &str = "start.safetensors";

/// A configuration with the names of 65,535 classes has less.
const MOST_CONFIG: u64 = 16 << 20;

/// The folder of a run. It holds
///
/// | file | what |
/// |---|---|
/// | `config.json` | the [`RunConfig`] |
/// | `start.safetensors` | the weights it started from, with [`Start::Given`] |
/// | `weights.safetensors` | the trained [`Classifier`] |
/// | `metrics.csv` | the figures of each epoch |
/// | `curve.svg` | loss and accuracy over the epochs |
/// | `confusion.svg` | which test images were taken for what |
/// | `summary.json` | the [`Summary`] |
/// | `checkpoints/epoch-N/` | what it takes to go on behind epoch N |
#[derive(Debug, Clone)]
pub struct RunFolder {
    path: PathBuf,
    /// That of the process that works on the run.
    lock: Option<RunLock>,
}

/// What came out of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Trainable parameters of the network.
    pub parameters: u64,
    /// Epochs that the network was trained for.
    pub epochs: usize,
    /// Training images of an epoch.
    pub train_images: usize,
    /// Test images.
    pub test_images: usize,
    /// Mean cross-entropy per test image.
    pub test_loss: f64,
    /// Part of the test images that are recognised.
    pub test_accuracy: f64,
    /// Seconds that this process trained for; a resumed run counts from its last start.
    pub seconds: f64,
    /// Training images per second, tests between the epochs included.
    pub images_per_second: f64,
    /// How well each class is recognised.
    pub classes: Vec<ClassSummary>,
}

/// One class in a [`Summary`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClassSummary {
    /// Its name.
    pub name: String,
    /// Part of the images taken for it that are of it.
    pub precision: Option<f64>,
    /// Part of its images that were recognised.
    pub recall: Option<f64>,
}

impl RunFolder {
    /// A new run in the folder `path`, which is created where it is missing; writes
    /// `config.json`. What a start that was killed left there is removed. No other process can
    /// work on the run as long as this value lives.
    ///
    /// # Errors
    /// A folder that holds something already, in which another process is at work, or that cannot
    /// be written to.
    pub fn create(path: &Path, config: &RunConfig) -> Result<Self, TrainError> {
        let config = RunConfig {
            start: Some(Start::Random),
            ..config.clone()
        };
        Self::new(path, &config, |_| Ok(()))
    }

    /// [`RunFolder::create`] of a run that starts with the weights of `network`, which `config`
    /// has to describe; they are kept as `start.safetensors`.
    ///
    /// # Errors
    /// As for [`RunFolder::create`], and a network of another configuration.
    pub fn create_from(path: &Path, config: &RunConfig, network: &Vgg) -> Result<Self, TrainError> {
        if *network.config() != config.model {
            return Err(TrainError::Setting {
                what: "the network",
                range: "that of the run's configuration",
                found: format!("{} parameters", network.config().parameter_count()),
            });
        }
        let config = RunConfig {
            start: Some(Start::Given),
            ..config.clone()
        };
        Self::new(path, &config, |run| {
            Ok(network.save(&run.start_weights(), Precision::F32, &[])?)
        })
    }

    /// The configuration comes last: a folder that has one is a run that can be resumed.
    fn new(
        path: &Path,
        config: &RunConfig,
        prepare: impl FnOnce(&Self) -> Result<(), TrainError>,
    ) -> Result<Self, TrainError> {
        config.model.validate()?;
        config.training.validate()?;
        let error = |source| TrainError::io(path, source);
        fs::create_dir_all(path).map_err(error)?;
        check_unused(path)?;
        let run = Self {
            path: path.to_owned(),
            lock: Some(RunLock::take(path)?),
        };
        remove_leftovers(path, None).map_err(error)?;
        // Now that nobody else is at work: another process may just have made a run of it.
        check_unused(path)?;
        prepare(&run)?;
        run.write_json(CONFIG, config)?;
        Ok(run)
    }

    /// Whether there is a run in the folder `path`.
    pub fn is_run(path: &Path) -> bool {
        path.join(CONFIG).is_file()
    }

    /// The run in the folder `path`, and its configuration, to be looked at.
    ///
    /// # Errors
    /// A folder without `config.json`, or with one that makes no sense.
    pub fn open(path: &Path) -> Result<(Self, RunConfig), TrainError> {
        let file = path.join(CONFIG);
        if !Self::is_run(path) {
            return Err(TrainError::NoRun {
                path: path.to_owned(),
                file: CONFIG,
            });
        }
        let bytes =
            read_at_most(&file, MOST_CONFIG).map_err(|source| TrainError::io(&file, source))?;
        let config: RunConfig =
            serde_json::from_slice(&bytes).map_err(|error| TrainError::broken(&file, error))?;
        let valid = config.model.validate().map_err(TrainError::from);
        let valid = valid.and_then(|()| config.training.validate());
        valid.map_err(|error| TrainError::broken(&file, error))?;
        let run = Self {
            path: path.to_owned(),
            lock: None,
        };
        Ok((run, config))
    }

    /// The run in the folder `path`, and its configuration, to go on with it. What a process that
    /// was killed left half-written is removed. No other process can work on the run as long as
    /// this value lives.
    ///
    /// # Errors
    /// As for [`RunFolder::open`]; another process that is at work on it; a run that would not end
    /// as if it had not been stopped ([`TrainError::NotResumable`]).
    pub fn resume(path: &Path) -> Result<(Self, RunConfig), TrainError> {
        // First as it is: a folder that is no run is not to get a lock.
        Self::open(path)?;
        let lock = RunLock::take(path)?;
        remove_leftovers(path, None).map_err(|source| TrainError::io(path, source))?;
        let (run, config) = Self::open(path)?;
        let reason = match config.start {
            None => {
                "it was made by an earlier version, which did not keep what its weights started from"
            }
            Some(Start::Given) if !run.start_weights().is_file() => {
                "start.safetensors, the weights that it started from, is missing"
            }
            Some(_) => {
                let lock = Some(lock);
                return Ok((Self { lock, ..run }, config));
            }
        };
        Err(TrainError::NotResumable {
            path: path.to_owned(),
            reason: reason.to_owned(),
        })
    }

    /// The lock, which is taken now if this value was only to be looked at.
    pub(super) fn locked(&self) -> Result<RunLock, TrainError> {
        self.lock
            .clone()
            .map_or_else(|| RunLock::take(&self.path), Ok)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The file of the weights that the run started from.
    pub(super) fn start_weights(&self) -> PathBuf {
        self.path.join(START)
    }

    /// The file of the trained network.
    pub fn weights(&self) -> PathBuf {
        self.path.join("weights.safetensors")
    }

    /// The trained network.
    ///
    /// # Errors
    /// A run that was not finished, or weights that are damaged.
    pub fn classifier(&self, device: &Device) -> Result<Classifier, TrainError> {
        let path = self.weights();
        if !path.is_file() {
            return Err(TrainError::Unfinished {
                path: self.path.clone(),
            });
        }
        Ok(Classifier::from_file(&path, device)?)
    }

    pub(super) fn write_json(&self, name: &str, value: &impl Serialize) -> Result<(), TrainError> {
        let path = self.path.join(name);
        let text = serde_json::to_string_pretty(value)
            .map_err(|error| TrainError::broken(&path, error))?;
        self.write(name, &(text + "\n"))
    }

    pub(super) fn write(&self, name: &str, text: &str) -> Result<(), TrainError> {
        let path = self.path.join(name);
        write_atomically(&path, text.as_bytes()).map_err(|source| TrainError::io(&path, source))
    }
}

/// Checks that the folder `path` holds nothing but what a start that was killed may have left.
fn check_unused(path: &Path) -> Result<(), TrainError> {
    let error = |source| TrainError::io(path, source);
    let ours = [LOCK, START];
    for entry in fs::read_dir(path).map_err(error)? {
        let name = entry.map_err(error)?.file_name();
        if !ours.iter().any(|known| name == *known) && !is_leftover(&name) {
            return Err(TrainError::Occupied {
                path: path.to_owned(),
            });
        }
    }
    Ok(())
}
