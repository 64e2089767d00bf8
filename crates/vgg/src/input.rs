//! Which images a network takes.

use thiserror::Error;

use crate::config::{ConfigError, Pooling, VggConfig, check_size};

/// An input that the network does not take.
#[derive(Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum InputError {
    /// The batch holds no images.
    #[error("the batch holds no images")]
    EmptyBatch,
    /// The wrong number of channels.
    #[error("the network takes images of {expected} channels, found {found}")]
    Channels {
        /// What the network takes.
        expected: usize,
        /// What the input has.
        found: usize,
    },
    /// The image is too small for the poolings.
    #[error(transparent)]
    TooSmall(#[from] ConfigError),
    /// The linear layers of a flattening network fit another image size.
    #[error(
        "the linear layers take the {}×{} feature map of a {}×{} image; an image of {}×{} gives \
         {}×{}", map[0], map[1], expected[0], expected[1], found[0], found[1],
         found_map[0], found_map[1]
    )]
    Size {
        /// Height and width that the network was made for.
        expected: [usize; 2],
        /// The feature map of such an image.
        map: [usize; 2],
        /// Height and width of the input.
        found: [usize; 2],
        /// The feature map of the input.
        found_map: [usize; 2],
    },
}

impl VggConfig {
    /// Whether a network takes images of `shape` `[batch, channels, height, width]` as far as they go through so
    /// many poolings, the first of its own.
    pub(crate) fn check_images(
        &self,
        [batch, channels, height, width]: [usize; 4],
        poolings: usize,
    ) -> Result<(), InputError> {
        if batch == 0 {
            return Err(InputError::EmptyBatch);
        }
        if channels != self.input_channels {
            return Err(InputError::Channels {
                expected: self.input_channels,
                found: channels,
            });
        }
        Ok(check_size([height, width], poolings)?)
    }

    /// [`crate::Vgg::check_input`], which depends on nothing else.
    pub(crate) fn check_input(&self, shape: [usize; 4]) -> Result<(), InputError> {
        self.check_images(shape, self.blocks.len())?;
        let size = [shape[2], shape[3]];
        let map = self.feature_map(self.input_size);
        let found_map = self.feature_map(size);
        if self.pooling == Pooling::Flatten && found_map != map {
            return Err(InputError::Size {
                expected: self.input_size,
                map,
                found: size,
                found_map,
            });
        }
        Ok(())
    }
}
