//! What can end a training run.

use std::path::{Path, PathBuf};

use thiserror::Error;

use super::distributed::{GroupError, Member};
use crate::classifier::ClassifierError;
use crate::config::ConfigError;
use crate::data::DataError;
use crate::input::InputError;
use crate::weights::WeightsError;

/// A run that cannot start or go on. What was saved before stays as it was.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TrainError {
    /// The network's configuration makes no sense.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Network, classes and images do not fit together.
    #[error(transparent)]
    Classifier(#[from] ClassifierError),
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
    #[error("{}: already holds a run or other files; choose another folder, or resume the run", path.display())]
    Occupied {
        /// The folder.
        path: PathBuf,
    },
    /// Another process works on the run.
    #[error("{}: {holder} is working on this run", path.display())]
    InUse {
        /// The folder.
        path: PathBuf,
        /// Who it is.
        holder: String,
    },
    /// The run cannot be resumed so that it ends as if it had not been stopped.
    #[error("{}: this run cannot be resumed: {reason}", path.display())]
    NotResumable {
        /// Its folder, or the file in it that stands in the way.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The loss became NaN or infinite: the weights are of no use any more.
    #[error("{}", not_finite(&of(what, member.as_ref()), *found, *epoch, *checkpoint))]
    NotFinite {
        /// What became so.
        what: &'static str,
        /// The value.
        found: f64,
        /// In which epoch, from 1; 0 before the first one.
        epoch: usize,
        /// Behind which epoch the newest checkpoint was saved, which was left as it is.
        checkpoint: Option<usize>,
        /// Which worker it is of, where it is not so for all.
        member: Option<Member>,
    },
    /// The network gives an answer that is no number.
    #[error("the network's answer to image {image} is not finite: its weights are of no use")]
    NoAnswer {
        /// Which image, from 0.
        image: usize,
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
    #[error("{}: the run was not finished and has no weights yet; resume it first", path.display())]
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
    /// The workers of a group cannot go on together.
    #[error(transparent)]
    Group(#[from] GroupError),
    /// burn-train stopped on an error.
    #[error("training stopped: {0}")]
    Stopped(String),
}

fn of(what: &str, member: Option<&Member>) -> String {
    match member {
        Some(member) => format!("{what} of {member}"),
        None => what.to_owned(),
    }
}

fn not_finite(what: &str, found: f64, epoch: usize, checkpoint: Option<usize>) -> String {
    if epoch == 0 {
        return format!(
            "the {what} is {found} before the first step: the weights to start from are of no use"
        );
    }
    let kept = checkpoint.map_or(String::new(), |epoch| {
        format!("; the checkpoint behind epoch {epoch} is kept")
    });
    format!(
        "the {what} became {found} in epoch {epoch}, and the weights are of no use any more{kept}. Try a lower \
         learning rate, a longer warm-up or less weight decay"
    )
}

impl TrainError {
    /// The error with the newest checkpoint in its message, where that belongs there.
    pub(super) fn with_checkpoint(self, newest: Option<usize>) -> Self {
        match self {
            Self::NotFinite {
                what,
                found,
                epoch,
                member,
                ..
            } => Self::NotFinite {
                what,
                found,
                epoch,
                checkpoint: newest,
                member,
            },
            error => error,
        }
    }

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
