//! What can end a training run.

use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::config::ConfigError;
use crate::data::DataError;
use crate::engine::UnknownEngine;
use crate::model::InputError;
use crate::weights::WeightsError;

/// A run that cannot start or go on. What was saved before stays as it was.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TrainError {
    /// The network's configuration makes no sense.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The engine is not known or not compiled in.
    #[error(transparent)]
    Engine(#[from] UnknownEngine),
    /// A setting of the training makes no sense.
    #[error("{what} must be {range}, found {found}")]
    Setting {
        /// The setting.
        what: &'static str,
        /// The range in words.
        range: &'static str,
        /// The value.
        found: String,
    },
    /// The data cannot be used.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The images do not fit the network.
    #[error("the images do not fit the network: {0}")]
    Input(#[from] InputError),
    /// Weights cannot be read or written.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// A file or folder of the run cannot be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The folder for a new run holds something already.
    #[error("{}: already holds a run or other files; choose another folder, or continue the run \
             (`train --resume`)", path.display())]
    Occupied {
        /// The folder.
        path: PathBuf,
    },
    /// The folder is no run.
    #[error("{}: not the folder of a run: it has no {file}", path.display())]
    NoRun {
        /// The folder.
        path: PathBuf,
        /// The file that every run has.
        file: &'static str,
    },
    /// The run has not got as far as weights.
    #[error("{}: the run was not finished and has no weights yet; continue it with --resume",
            path.display())]
    Unfinished {
        /// The folder.
        path: PathBuf,
    },
    /// A file of the run cannot be understood.
    #[error("{}: {reason}", path.display())]
    Broken {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The device cannot do a step.
    #[error("the device failed: {0}; smaller batches need less of its memory")]
    Device(String),
    /// burn-train stopped on an error.
    #[error("training stopped: {0}")]
    Stopped(String),
}

impl TrainError {
    pub(crate) fn io(path: &Path, source: std::io::Error) -> Self {
        Self::Io {
            path: path.to_owned(),
            source,
        }
    }

    pub(crate) fn broken(path: &Path, reason: impl std::fmt::Display) -> Self {
        Self::Broken {
            path: path.to_owned(),
            reason: reason.to_string(),
        }
    }
}
