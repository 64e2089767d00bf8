//! What a VGG looks like, as data: [`VggConfig`].

mod error;
mod limits;
mod size;
mod validate;

use burn::config::Config;

pub use error::ConfigError;
#[cfg(feature = "classify")]
pub(crate) use limits::MOST_SIDE;
pub(crate) use validate::{check_size, pixels_in_one};

/// One block: `convolutions` 3×3 convolutions of `channels` output channels each, then a 2×2
/// max pooling that halves height and width.
#[derive(Config, Debug, PartialEq, Eq)]
pub struct BlockConfig {
    /// How many 3×3 convolutions the block holds.
    pub convolutions: usize,
    /// Output channels of each of them, before [`VggConfig::width`] is applied.
    pub channels: usize,
}

/// How the feature map becomes the vector that the linear layers take.
#[derive(Config, Debug, PartialEq, Eq)]
pub enum Pooling {
    /// Every value of the map, in the order channel, row, column. Ties the network to the map
    /// size that [`VggConfig::input_size`] gives.
    Flatten,
    /// Average over a 7×7 grid of regions, as torchvision does, then flatten. Any input size.
    Adaptive7x7,
    /// The mean of each channel. Any input size.
    GlobalAverage,
}

impl Pooling {
    /// Side lengths of the map that the linear layers see, for a feature map of `map` (height,
    /// width).
    pub fn output_size(&self, map: [usize; 2]) -> [usize; 2] {
        match self {
            Pooling::Flatten => map,
            Pooling::Adaptive7x7 => [7, 7],
            Pooling::GlobalAverage => [1, 1],
        }
    }
}

/// How fresh weights are drawn. Biases always start at zero.
#[derive(Config, Debug, PartialEq, Eq)]
pub enum WeightInit {
    /// torchvision's: Kaiming normal over the fan-out for convolutions
    /// (σ = √(2 / (9·c_out)), [He et al. 2015](https://arxiv.org/abs/1502.01852)), N(0, 0.01)
    /// for linear layers.
    Kaiming,
    /// N(0, 0.01) for every layer, as in
    /// [Simonyan & Zisserman 2014](https://arxiv.org/abs/1409.1556), section 3.1. Deep
    /// configurations do not train from it without pretraining or batch normalisation.
    Paper,
}

/// Everything that defines a VGG. Named configurations come from [`VggConfig::named`]; any
/// field may be changed after, and [`VggConfig::validate`] says whether the result makes sense.
///
/// ```
/// use vgg::VggConfig;
///
/// let config = VggConfig::named("vgg16-bn")?.with_width(0.25).with_classes(10);
/// config.validate()?;
/// assert_eq!(config.channels(), [16, 32, 64, 128, 128]);
/// # Ok::<(), vgg::ConfigError>(())
/// ```
#[derive(Config, Debug, PartialEq)]
pub struct VggConfig {
    /// The blocks, from the input on.
    pub blocks: Vec<BlockConfig>,
    /// How the last feature map is made into a vector.
    pub pooling: Pooling,
    /// Sizes of the hidden linear layers, before [`width`](Self::width) is applied; each is
    /// followed by ReLU and dropout. Empty: one linear layer from the features to the classes.
    pub hidden: Vec<usize>,
    /// Channels of an input image: 1 grey, 3 colour.
    #[config(default = 3)]
    pub input_channels: usize,
    /// Height and width of the images that the network is meant for, in pixels.
    #[config(default = "[224, 224]")]
    pub input_size: [usize; 2],
    /// How many classes the network tells apart.
    #[config(default = 1000)]
    pub classes: usize,
    /// Multiplies the channels of every block and the size of every hidden layer; the result is
    /// rounded, and at least 1.
    #[config(default = 1.0)]
    pub width: f64,
    /// Batch normalisation between each convolution and its ReLU.
    #[config(default = false)]
    pub batch_norm: bool,
    /// Probability of zeroing a hidden value in training, in `[0, 1)`.
    #[config(default = 0.5)]
    pub dropout: f64,
    /// How fresh weights are drawn.
    #[config(default = "WeightInit::Kaiming")]
    pub weight_init: WeightInit,
}

impl VggConfig {
    /// The same network with other blocks.
    pub fn with_blocks(self, blocks: Vec<BlockConfig>) -> Self {
        Self { blocks, ..self }
    }

    /// The same network with another way from the feature map to the linear layers.
    pub fn with_pooling(self, pooling: Pooling) -> Self {
        Self { pooling, ..self }
    }

    /// The same network with other hidden linear layers.
    pub fn with_hidden(self, hidden: Vec<usize>) -> Self {
        Self { hidden, ..self }
    }

    /// Output channels of each block, width multiplier applied.
    pub fn channels(&self) -> Vec<usize> {
        self.blocks
            .iter()
            .map(|block| self.scaled(block.channels))
            .collect()
    }

    /// Sizes of the hidden linear layers, width multiplier applied.
    pub fn hidden_sizes(&self) -> Vec<usize> {
        self.hidden.iter().map(|&size| self.scaled(size)).collect()
    }

    fn scaled(&self, size: usize) -> usize {
        ((size as f64 * self.width).round() as usize).max(1)
    }

    /// The smallest height and width that survives the poolings: 2 to the number of blocks.
    pub fn smallest_input(&self) -> usize {
        pixels_in_one(self.blocks.len())
    }

    /// Height and width of the last feature map for an input of `size` (height, width): each
    /// block halves both, rounding down.
    pub fn feature_map(&self, size: [usize; 2]) -> [usize; 2] {
        size.map(|side| side / self.smallest_input())
    }

    /// How many features the first linear layer takes.
    pub fn feature_count(&self) -> usize {
        let map = self.pooling.output_size(self.feature_map(self.input_size));
        let channels = self.channels().last().copied().unwrap_or(0);
        channels.saturating_mul(map[0]).saturating_mul(map[1])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn small() -> VggConfig {
        VggConfig::named("vgg16-28").expect("a known name")
    }

    #[test]
    fn width_scales_channels_and_hidden_layers() {
        let config = small().with_width(0.125);
        assert_eq!(config.channels(), [8, 16, 32, 64]);
        assert_eq!(config.hidden_sizes(), [512, 512]);
        assert_eq!(small().with_width(1e-9).channels(), [1, 1, 1, 1]);
    }

    #[test]
    fn a_configuration_survives_json() {
        let config = VggConfig::named("vgg19-bn-cifar").expect("a known name");
        let text = serde_json::to_string(&config).expect("serialises");
        assert_eq!(
            serde_json::from_str::<VggConfig>(&text).expect("parses"),
            config
        );
    }
}
