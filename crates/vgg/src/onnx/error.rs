//! What can be wrong with an export.

use std::path::PathBuf;

use thiserror::Error;

use crate::input::InputError;

/// A network that is not written as ONNX. Nothing is left at the path, or what was there before.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum OnnxError {
    /// Images that the network does not take.
    #[error("a model for images of {}×{} pixels: {source}", size[0], size[1])]
    Input {
        /// Height and width.
        size: [usize; 2],
        /// Why not.
        source: InputError,
    },
    /// A model that is larger than an ONNX file can be.
    #[error(
        "{}: the model has {bytes} bytes; a message of Protocol Buffers, which an ONNX file is, has at most {most}",
        path.display()
    )]
    TooLarge {
        /// The file that was to be written.
        path: PathBuf,
        /// Bytes that it would have.
        bytes: u64,
        /// The most.
        most: u64,
    },
    /// Weights that are no numbers: all that is computed with them is of no use.
    #[error("{}: not written, as numbers in {tensor} are not finite", path.display())]
    NotFinite {
        /// The file that was to be written.
        path: PathBuf,
        /// The weights, by their name in the file.
        tensor: String,
    },
    /// Weights that cannot be read from their device.
    #[error("{}: not written, as {tensor} cannot be read: {reason}", path.display())]
    Values {
        /// The file that was to be written.
        path: PathBuf,
        /// The weights, by their name in the file.
        tensor: String,
        /// What the device said.
        reason: String,
    },
    /// A metadata entry that has no form as text.
    #[error("{}: metadata \"{key}\": {reason}", path.display())]
    Metadata {
        /// The file that was to be written.
        path: PathBuf,
        /// The entry.
        key: &'static str,
        /// Why not.
        reason: String,
    },
    /// The system refused.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}
