//! What a VGG looks like, as data: [`VggConfig`] and the rules that a valid one obeys.

use burn::config::Config;
use thiserror::Error;

/// The most parameters that a configuration may ask for: 40 GB of `f32`.
const MOST_PARAMETERS: u128 = 10_000_000_000;

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

/// A configuration that describes no network.
#[derive(Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum ConfigError {
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
    /// More parameters than any machine would hold.
    #[error("this configuration has {found} parameters; the most is {MOST_PARAMETERS}")]
    TooLarge {
        /// How many it has.
        found: u128,
    },
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
        1usize
            .checked_shl(self.blocks.len() as u32)
            .unwrap_or(usize::MAX)
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

    /// Number of trainable parameters, from the closed formulas: `(9·c_in + 1)·c_out` for a
    /// convolution, 2 per channel for a batch normalisation, `(n_in + 1)·n_out` for a linear
    /// layer.
    ///
    /// ```
    /// let config = vgg::VggConfig::named("vgg16-28")?;
    /// assert_eq!(config.parameter_count(), 26_557_642);
    /// # Ok::<(), vgg::ConfigError>(())
    /// ```
    pub fn parameter_count(&self) -> u128 {
        let counts = self.layer_sizes().into_iter().map(|size| {
            let of_output = size.inputs.saturating_add(size.beside);
            of_output
                .saturating_mul(size.outputs)
                .saturating_mul(size.count)
        });
        counts.fold(0, u128::saturating_add)
    }

    /// Bytes of the largest layer's weights in `f32`, for [`crate::check_tensor`].
    ///
    /// ```
    /// let config = vgg::VggConfig::named("vgg16")?;
    /// assert_eq!(config.largest_weight_bytes(), 7 * 7 * 512 * 4096 * 4);
    /// # Ok::<(), vgg::ConfigError>(())
    /// ```
    pub fn largest_weight_bytes(&self) -> u64 {
        let sizes = self.layer_sizes().into_iter();
        let largest = sizes
            .map(|size| size.inputs.saturating_mul(size.outputs))
            .max();
        let bytes = largest.unwrap_or(0).saturating_mul(4);
        u64::try_from(bytes).unwrap_or(u64::MAX)
    }

    /// The sizes of all layers with weights, in their order.
    fn layer_sizes(&self) -> Vec<LayerSize> {
        let mut sizes = Vec::new();
        let mut inputs = self.input_channels as u128;
        let beside = if self.batch_norm { 3 } else { 1 };
        for (block, channels) in self.blocks.iter().zip(self.channels()) {
            let outputs = channels as u128;
            let mut convolutions = |inputs: u128, count: usize| {
                sizes.push(LayerSize {
                    inputs: inputs.saturating_mul(9),
                    outputs,
                    beside,
                    count: count as u128,
                });
            };
            let Some(others) = block.convolutions.checked_sub(1) else {
                continue;
            };
            convolutions(inputs, 1);
            if others > 0 {
                convolutions(outputs, others);
            }
            inputs = outputs;
        }
        let mut inputs = self.feature_count() as u128;
        for size in self.hidden_sizes().into_iter().chain([self.classes]) {
            let outputs = size as u128;
            sizes.push(LayerSize {
                inputs,
                outputs,
                beside: 1,
                count: 1,
            });
            inputs = outputs;
        }
        sizes
    }

    /// Checks every rule; [`VggConfig::init`](crate::VggConfig::init) calls it.
    ///
    /// # Errors
    /// Says which field is wrong, what was found and what would be right.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let zero = |what: String| Err(ConfigError::Zero { what });
        if self.blocks.is_empty() {
            return zero("blocks".into());
        }
        for (index, block) in self.blocks.iter().enumerate() {
            if block.convolutions == 0 {
                return zero(format!("convolutions in block {}", index + 1));
            }
            if block.channels == 0 {
                return zero(format!("channels in block {}", index + 1));
            }
        }
        if self.input_channels == 0 {
            return zero("input channels".into());
        }
        if self.classes == 0 {
            return zero("classes".into());
        }
        if self.hidden.contains(&0) {
            return zero("values in every hidden layer".into());
        }
        if !(self.width.is_finite() && self.width > 0.0) {
            return Err(ConfigError::OutOfRange {
                what: "the width multiplier",
                range: "finite and above 0",
                found: self.width,
            });
        }
        if !(0.0..1.0).contains(&self.dropout) {
            return Err(ConfigError::OutOfRange {
                what: "the dropout probability",
                range: "at least 0 and below 1",
                found: self.dropout,
            });
        }
        self.check_size(self.input_size)?;
        match self.parameter_count() {
            found if found > MOST_PARAMETERS => Err(ConfigError::TooLarge { found }),
            _ => Ok(()),
        }
    }

    /// Checks that an input of `size` (height, width) survives the poolings.
    pub(crate) fn check_size(&self, size: [usize; 2]) -> Result<(), ConfigError> {
        let smallest = self.smallest_input();
        if size.iter().any(|&side| side < smallest) {
            return Err(ConfigError::InputTooSmall {
                found: size,
                blocks: self.blocks.len(),
                smallest,
            });
        }
        Ok(())
    }
}

/// Layers of one size that follow each other.
struct LayerSize {
    /// Weights of one output.
    inputs: u128,
    outputs: u128,
    /// Parameters of one output beside its weights: the bias, and a norm's two.
    beside: u128,
    count: u128,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn small() -> VggConfig {
        VggConfig::named("vgg16-28").expect("a known name")
    }

    #[test]
    fn every_broken_field_is_named() {
        let no_channels = vec![BlockConfig::new(1, 8), BlockConfig::new(1, 0)];
        let no_convolutions = vec![BlockConfig::new(0, 8)];
        let huge = vec![BlockConfig::new(3, usize::MAX / 2)];
        let cases: [(VggConfig, &str); 12] = [
            (
                small().with_blocks(vec![]),
                "at least one of its blocks, found 0",
            ),
            (
                small().with_blocks(no_channels),
                "channels in block 2, found 0",
            ),
            (
                small().with_blocks(no_convolutions),
                "convolutions in block 1, found 0",
            ),
            (small().with_blocks(huge), "the most is 10000000000"),
            (small().with_input_channels(0), "input channels, found 0"),
            (small().with_classes(0), "classes, found 0"),
            (
                small().with_hidden(vec![8, 0]),
                "values in every hidden layer, found 0",
            ),
            (
                small().with_width(0.0),
                "width multiplier must be finite and above 0, found 0",
            ),
            (
                small().with_width(f64::NAN),
                "finite and above 0, found NaN",
            ),
            (small().with_dropout(1.0), "at least 0 and below 1, found 1"),
            (
                small().with_input_size([15, 28]),
                "15×28 pixels does not survive 4 poolings",
            ),
            (small().with_input_size([28, 0]), "the smallest is 16×16"),
        ];
        for (config, expected) in cases {
            let message = config.validate().expect_err(expected).to_string();
            assert!(message.contains(expected), "{message:?} lacks {expected:?}");
        }
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
