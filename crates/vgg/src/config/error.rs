//! What can be wrong with a configuration.

use thiserror::Error;

use super::limits::{MOST_PARAMETERS, MOST_SIDE};
use crate::device::DeviceError;

/// A configuration that describes no network.
#[derive(Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum ConfigError {
    /// A layer that is too large for the device that the network was to lie on.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// No variant has this name.
    #[error("there is no network named \"{name}\"; the names are: {known}")]
    UnknownName {
        /// The name that was asked for.
        name: String,
        /// Every known name.
        known: String,
    },
    /// A count that has to be at least one is zero.
    #[error("a network needs at least one of its {what}, found 0")]
    Zero {
        /// What there is none of.
        what: String,
    },
    /// A number outside its range.
    #[error("{what} must be {range}, found {found}")]
    OutOfRange {
        /// The field.
        what: &'static str,
        /// The range in words.
        range: &'static str,
        /// The value.
        found: f64,
    },
    /// The poolings would leave nothing of the input.
    #[error(
        "an input of {}×{} pixels does not survive {blocks} poolings; the smallest is \
         {smallest}×{smallest}", found[0], found[1]
    )]
    InputTooSmall {
        /// Height and width that were asked for.
        found: [usize; 2],
        /// How many poolings there are.
        blocks: usize,
        /// The smallest height and width.
        smallest: usize,
    },
    /// More of something than any network needs.
    #[error("a network has at most {most} {what}, found {found}")]
    TooMany {
        /// What there are too many of.
        what: &'static str,
        /// How many there are.
        found: usize,
        /// The most.
        most: usize,
    },
    /// Images of a size that no machine would hold the maps of.
    #[error(
        "an input of {}×{} pixels is too large; the longest side is {MOST_SIDE}", found[0], found[1]
    )]
    InputTooLarge {
        /// Height and width that were asked for.
        found: [usize; 2],
    },
    /// More parameters than any machine would hold.
    #[error("this configuration has {found} parameters; the most is {MOST_PARAMETERS}")]
    TooLarge {
        /// How many it has.
        found: u128,
    },
}
