//! What can be wrong with a download.

use std::path::{Path, PathBuf};

use thiserror::Error;

/// A file that cannot be had from the network.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum FetchError {
    /// A file or folder cannot be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// No connection, an answer that is none, or one that broke off.
    #[error("{address}: {reason}")]
    Download {
        /// The address.
        address: String,
        /// What went wrong.
        reason: String,
    },
    /// A file with the wrong contents.
    #[error("{address}: SHA-256 of what arrived is {found}, expected {expected}")]
    Checksum {
        /// The address.
        address: String,
        /// The right checksum, in hexadecimal digits.
        expected: String,
        /// The checksum that was found.
        found: String,
    },
    /// Something else than what is published there.
    #[error("{address}: what arrived is not what is published there: {reason}")]
    Contents {
        /// The address.
        address: String,
        /// What is wrong with it.
        reason: String,
    },
}

impl FetchError {
    pub(super) fn io(path: &Path, source: std::io::Error) -> Self {
        Self::Io {
            path: path.to_owned(),
            source,
        }
    }
}
