//! What can be wrong with a classifier, and with what it is asked.

use thiserror::Error;

use crate::data::DataError;
use crate::input::InputError;
use crate::prepared::PreparedError;

/// Parts that do not make a classifier.
#[derive(Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum ClassifierError {
    /// Another number of names than classes.
    #[error("{names} names for {classes} classes")]
    Classes {
        /// How many names there are.
        names: usize,
        /// How many classes the network has.
        classes: usize,
    },
    /// Images of another number of channels than the network takes.
    #[error("images of {found} channels for a network of {expected}")]
    Channels {
        /// What the network takes.
        expected: usize,
        /// What images have.
        found: usize,
    },
    /// Images of a size that the network does not take.
    #[error("images of {}×{}: {source}", found[0], found[1])]
    Size {
        /// Height and width.
        found: [usize; 2],
        /// Why not.
        source: InputError,
    },
    /// Images larger than any network takes.
    #[error("{what} of {found} pixels; the most is {most}")]
    TooLarge {
        /// Which side.
        what: &'static str,
        /// How long it is.
        found: usize,
        /// The longest.
        most: usize,
    },
    /// A normalisation that makes no numbers of pixels.
    #[error("a normalisation with mean {mean:?} and deviation {deviation:?}: {reason}")]
    Normalization {
        /// Mean of each channel.
        mean: Vec<f32>,
        /// Deviation of each channel.
        deviation: Vec<f32>,
        /// What is wrong with it.
        reason: String,
    },
}

/// Images that cannot be classified.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ClassifyError {
    /// The pixels are no whole images.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The images do not fit the network.
    #[error("the images do not fit the network: {0}")]
    Input(#[from] InputError),
    /// The network's answer is no answer: its weights, or what became of them on the way, are not finite.
    #[error(
        "the network's answer to image {} is not finite: its weights are of no use", image + 1
    )]
    NotFinite {
        /// Which image, from 0.
        image: usize,
    },
    /// The device failed, or the result cannot be read from it.
    #[error("the probabilities cannot be read: {0}")]
    Values(String),
}

impl From<PreparedError> for ClassifyError {
    fn from(error: PreparedError) -> Self {
        match error {
            PreparedError::Input(error) => Self::Input(error),
            error => Self::Values(error.to_string()),
        }
    }
}
