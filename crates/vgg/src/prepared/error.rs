//! What can go wrong with a prepared network.

use thiserror::Error;

use crate::input::InputError;

/// An input that a prepared network does not take, or a device that failed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PreparedError {
    /// The input does not fit.
    #[error(transparent)]
    Input(#[from] InputError),
    /// The layers do not fit together.
    #[cfg(feature = "winograd")]
    #[error("the prepared layers do not fit: {0}")]
    Layers(#[from] winograd::Error),
    /// Values cannot be read from their device.
    #[error("the values cannot be read: {0}")]
    Values(String),
}
