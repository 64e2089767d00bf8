//! The folder of a run: what it did, and what came out.

use std::fs;
use std::path::{Path, PathBuf};

use burn::tensor::Device;
use serde::{Deserialize, Serialize};

use super::config::RunConfig;
use super::error::TrainError;
use crate::atomic::write_atomically;
use crate::classifier::Classifier;

const CONFIG: &str = "config.json";

/// The folder of a run. It holds
///
/// | file | what |
/// |---|---|
/// | `config.json` | the [`RunConfig`] |
/// | `weights.safetensors` | the trained [`Classifier`] |
/// | `metrics.csv` | the figures of each epoch |
/// | `curve.svg` | loss and accuracy over the epochs |
/// | `confusion.svg` | which test images were taken for what |
/// | `summary.json` | the [`Summary`] |
/// | `checkpoints/epoch-N/` | what it takes to go on behind epoch N |
#[derive(Debug, Clone)]
pub struct RunFolder {
    path: PathBuf,
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
    /// `config.json`.
    ///
    /// # Errors
    /// A folder that holds something already, or that cannot be written to.
    pub fn create(path: &Path, config: &RunConfig) -> Result<Self, TrainError> {
        let error = |source| TrainError::io(path, source);
        fs::create_dir_all(path).map_err(error)?;
        if fs::read_dir(path).map_err(error)?.next().is_some() {
            return Err(TrainError::Occupied {
                path: path.to_owned(),
            });
        }
        let run = Self {
            path: path.to_owned(),
        };
        run.write_json(CONFIG, config)?;
        Ok(run)
    }

    /// The run in the folder `path`, and its configuration.
    ///
    /// # Errors
    /// A folder without `config.json`, or with one that makes no sense.
    pub fn open(path: &Path) -> Result<(Self, RunConfig), TrainError> {
        let file = path.join(CONFIG);
        if !file.is_file() {
            return Err(TrainError::NoRun {
                path: path.to_owned(),
                file: CONFIG,
            });
        }
        let text = fs::read_to_string(&file).map_err(|source| TrainError::io(&file, source))?;
        let config: RunConfig =
            serde_json::from_str(&text).map_err(|error| TrainError::broken(&file, error))?;
        let valid = config.model.validate().map_err(TrainError::from);
        let valid = valid.and_then(|()| config.training.validate());
        valid.map_err(|error| TrainError::broken(&file, error))?;
        Ok((
            Self {
                path: path.to_owned(),
            },
            config,
        ))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
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
