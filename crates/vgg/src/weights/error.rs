//! What can be wrong with a weight file.

use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::config::ConfigError;

/// The metadata key of the configuration.
pub(crate) const CONFIG_KEY: &str = "vgg.config";

/// So many wrong tensors of a kind are named in a message.
const MOST_NAMED: usize = 10;

/// A weight file that cannot be read or written.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum WeightsError {
    /// The system refused.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is not of the format that it seems to be.
    #[error("{}: not a {format} file: {reason}", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// The format.
        format: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// The file is shorter or longer than its header says.
    #[error("{}: {expected} bytes expected by its header, found {found}", path.display())]
    Length {
        /// The file.
        path: PathBuf,
        /// Bytes that the header promises.
        expected: u64,
        /// Bytes that there are.
        found: u64,
    },
    /// The file says nothing about the network that its weights are of.
    #[error("{}: no \"{CONFIG_KEY}\" in its metadata, so it was not written by this crate; \
             load it into a network of a known configuration instead", path.display())]
    NoConfig {
        /// The file.
        path: PathBuf,
    },
    /// The configuration in the file makes no sense.
    #[error("{}: {source}", path.display())]
    Config {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: ConfigError,
    },
    /// A metadata entry cannot be understood.
    #[error("{}: metadata \"{key}\": {reason}", path.display())]
    Metadata {
        /// The file.
        path: PathBuf,
        /// The entry.
        key: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The weights are those of another network.
    #[error("{}: these are the weights of another network{}{}{}", path.display(),
            listing("missing", missing), listing("unexpected", unexpected),
            listing("of another shape", misshapen))]
    Mismatch {
        /// The file.
        path: PathBuf,
        /// Tensors that the network has and the file lacks.
        missing: Vec<String>,
        /// Tensors that the file has and the network lacks.
        unexpected: Vec<String>,
        /// Tensors of another shape, with both shapes.
        misshapen: Vec<String>,
    },
    /// A checkpoint has no weights where they were looked for.
    #[error("{}: no weights of a VGG behind the key \"{key}\"; there are {}", path.display(), keys(known))]
    NoKey {
        /// The file.
        path: PathBuf,
        /// The key.
        key: String,
        /// Keys that have such weights behind them; one that is empty stands for names without a key.
        known: Vec<String>,
    },
    /// Weights that are no numbers: all that is computed with them is as useless.
    #[error("{}: numbers that are not finite{}", path.display(), listing("in", tensors))]
    NotFinite {
        /// The file.
        path: PathBuf,
        /// Tensors that hold NaN or infinite numbers.
        tensors: Vec<String>,
    },
    /// Reading or writing a tensor failed.
    #[error("{}: {reason}", path.display())]
    Store {
        /// The file.
        path: PathBuf,
        /// What went wrong.
        reason: String,
    },
}

fn listing(what: &str, names: &[String]) -> String {
    match names.len() {
        0 => String::new(),
        count => {
            let named = names[..count.min(MOST_NAMED)].join(", ");
            let more = match count.saturating_sub(MOST_NAMED) {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            format!("; {what}: {named}{more}")
        }
    }
}

fn keys(known: &[String]) -> String {
    let names: Vec<_> = known
        .iter()
        .map(|key| match key.is_empty() {
            true => "some without a key".to_owned(),
            false => format!("\"{key}\""),
        })
        .collect();
    match names.is_empty() {
        true => "none at all".to_owned(),
        false => names.join(", "),
    }
}

impl WeightsError {
    pub(super) fn io(path: &Path, source: std::io::Error) -> Self {
        Self::Io {
            path: path.to_owned(),
            source,
        }
    }

    pub(super) fn store(path: &Path, reason: impl std::fmt::Display) -> Self {
        Self::Store {
            path: path.to_owned(),
            reason: reason.to_string(),
        }
    }
}
