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
