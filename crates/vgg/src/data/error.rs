//! What can be wrong with data.

use std::path::{Path, PathBuf};

use thiserror::Error;

/// Data that cannot be used: which file, what was expected, what was found.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DataError {
    /// A file or folder cannot be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file starts with something else than its format does.
    #[error("{}: not {format}: it starts with {found}, expected {expected}", path.display())]
    Magic {
        /// The file.
        path: PathBuf,
        /// The format.
        format: &'static str,
        /// What the format starts with.
        expected: String,
        /// What the file starts with.
        found: String,
    },
    /// A file is shorter or longer than its header says.
    #[error("{}: {expected} bytes expected {why}, found {found}", path.display())]
    Length {
        /// The file.
        path: PathBuf,
        /// How long it should be, in words.
        expected: String,
        /// Where that follows from.
        why: String,
        /// How long it is, in words.
        found: String,
    },
    /// A label that names no class.
    #[error("{}: label {label} of image {index} is not below {classes}", path.display())]
    Label {
        /// The file.
        path: PathBuf,
        /// Which image, from 0.
        index: usize,
        /// The label.
        label: usize,
        /// How many classes there are.
        classes: usize,
    },
    /// Images and labels that do not belong together.
    #[error("{} holds {images} images, {} {labels} labels", image_file.display(), label_file.display())]
    Count {
        /// The file of the images.
        image_file: PathBuf,
        /// How many images it holds.
        images: usize,
        /// The file of the labels.
        label_file: PathBuf,
        /// How many labels it holds.
        labels: usize,
    },
    /// An image that cannot be used.
    #[error("{}: {reason}", path.display())]
    Image {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A folder without anything to train on.
    #[error("{}: {reason}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What is missing.
        reason: String,
    },
    /// A data set that is nowhere to be found.
    #[error("{name} was not found in {}; {advice}", list(searched))]
    NotFound {
        /// The data set.
        name: &'static str,
        /// Where it was looked for.
        searched: Vec<PathBuf>,
        /// How to get it.
        advice: String,
    },
    /// A file with the wrong contents.
    #[error("{}: SHA-256 of its contents is {found}, expected {expected}", path.display())]
    Checksum {
        /// The file.
        path: PathBuf,
        /// The right checksum, in hexadecimal digits.
        expected: String,
        /// The checksum that was found.
        found: String,
    },
    /// A file that cannot be had from the network.
    #[cfg(feature = "fetch")]
    #[error(transparent)]
    Fetch(#[from] crate::fetch::FetchError),
    /// A size that makes no sense.
    #[error("{0}")]
    Invalid(String),
}

impl DataError {
    pub(crate) fn io(path: &Path, source: std::io::Error) -> Self {
        Self::Io {
            path: path.to_owned(),
            source,
        }
    }

    pub(crate) fn image(path: &Path, reason: impl Into<String>) -> Self {
        Self::Image {
            path: path.to_owned(),
            reason: reason.into(),
        }
    }
}

fn list(paths: &[PathBuf]) -> String {
    let names: Vec<_> = paths
        .iter()
        .map(|path| path.display().to_string())
        .collect();
    names.join(" or ")
}
