//! What can be wrong where features are asked for.

use thiserror::Error;

use super::layer::LayerError;
use crate::model::InputError;

/// Features that a network cannot give.
#[derive(Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum FeatureError {
    /// The images do not fit.
    #[error(transparent)]
    Input(#[from] InputError),
    /// There is no such layer.
    #[error(transparent)]
    Layer(#[from] LayerError),
    /// There is no such class.
    #[error("the network has {classes} classes, numbered from 0; found class {found}")]
    Class {
        /// What was asked for.
        found: usize,
        /// How many classes there are.
        classes: usize,
    },
    /// One image was expected.
    #[error("a batch of one image is needed, found {found}")]
    Batch {
        /// How many there are.
        found: usize,
    },
    /// Gradients do not reach what they were asked for.
    #[error("the backend gives no gradient for {what}")]
    NoGradient {
        /// What has none.
        what: String,
    },
}
