//! What can be wrong where features are asked for.

use thiserror::Error;

use super::layer::LayerError;
use crate::input::InputError;

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
    /// The feature map is smaller than the window of a head.
    #[error(
        "the head needs a feature map of {}×{}, the image gives {}×{}", window[0], window[1],
        map[0], map[1]
    )]
    Window {
        /// Height and width that the head covers.
        window: [usize; 2],
        /// Height and width of the image's feature map.
        map: [usize; 2],
    },
    /// There is no such class.
    #[error("the network has {classes} classes, numbered from 0; found class {found}")]
    Class {
        /// What was asked for.
        found: usize,
        /// How many classes there are.
        classes: usize,
    },
    /// Two images that are compared differ in size.
    #[error("shape {expected:?} expected, found {found:?}")]
    Shapes {
        /// The shape of the first.
        expected: [usize; 4],
        /// The shape of the second.
        found: [usize; 4],
    },
    /// LPIPS has weights for VGG-16 only.
    #[error(
        "LPIPS needs the features of VGG-16 for colour images, with 64, 128, 256, 512 and 512 \
         channels; found {found:?}"
    )]
    NotVgg16 {
        /// Channels of the blocks.
        found: Vec<usize>,
    },
    /// Data that is shipped cannot be read.
    #[error("the build is damaged: {0}")]
    Data(String),
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
