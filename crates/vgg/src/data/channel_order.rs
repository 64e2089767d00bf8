//! Red first, or blue.

use serde::{Deserialize, Serialize};

/// In which order a network takes the channels of a colour image.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ChannelOrder {
    /// Red, green, blue: PyTorch's.
    #[default]
    Rgb,
    /// Blue, green, red: that of Caffe, and of Keras' VGG.
    Bgr,
}

impl ChannelOrder {
    /// Brings an image, whose channels of `plane` values each are red, green and blue, into this order.
    pub(super) fn apply(self, image: &mut [u8], plane: usize) {
        if self == Self::Rgb {
            return;
        }
        let channels = image.len() / plane;
        for channel in 0..channels / 2 {
            let (front, back) = image.split_at_mut((channels - 1 - channel) * plane);
            front[channel * plane..(channel + 1) * plane].swap_with_slice(&mut back[..plane]);
        }
    }
}
