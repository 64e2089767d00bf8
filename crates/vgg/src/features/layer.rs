//! Names of the places where a feature map can be taken.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use crate::config::{VggConfig, pixels_in_one};

/// A place in a network where a feature map can be taken, by the paper's counting: blocks, and
/// convolutions within a block, from 1. `conv3_3` is what the third convolution of block 3 puts
/// out, `norm3_3` the same behind its batch normalisation, `relu3_3` behind its ReLU; `pool3` is
/// what the block puts out. Layers are ordered as they are computed.
///
/// ```
/// use vgg::FeatureLayer;
///
/// let layer: FeatureLayer = "relu4_2".parse()?;
/// assert_eq!(layer, FeatureLayer::Relu { block: 4, layer: 2 });
/// assert_eq!((layer.to_string(), layer.stride()), ("relu4_2".to_owned(), 8));
/// # Ok::<(), vgg::LayerError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FeatureLayer {
    /// Behind a convolution.
    Conv {
        /// The block, from 1.
        block: usize,
        /// The convolution within it, from 1.
        layer: usize,
    },
    /// Behind a convolution's batch normalisation.
    Norm {
        /// The block, from 1.
        block: usize,
        /// The convolution within it, from 1.
        layer: usize,
    },
    /// Behind a convolution's ReLU.
    Relu {
        /// The block, from 1.
        block: usize,
        /// The convolution within it, from 1.
        layer: usize,
    },
    /// Behind a block's pooling.
    Pool {
        /// The block, from 1.
        block: usize,
    },
}

/// A name of no layer.
#[derive(Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum LayerError {
    /// Not the form of a layer's name.
    #[error(
        "\"{found}\" is no name of a layer; names are conv3_2, norm3_2 and relu3_2 (block 3, \
         convolution 2) and pool3"
    )]
    Form {
        /// What was found.
        found: String,
    },
    /// The network has no such layer.
    #[error("the network has no layer \"{found}\"; its layers are {valid}")]
    Absent {
        /// What was asked for.
        found: String,
        /// The names of all its layers.
        valid: String,
    },
}

impl FeatureLayer {
    /// The block that the layer lies in, from 1.
    pub fn block(self) -> usize {
        match self {
            Self::Conv { block, .. }
            | Self::Norm { block, .. }
            | Self::Relu { block, .. }
            | Self::Pool { block } => block,
        }
    }

    /// So many pixels of the image, in each direction, make one of the map: 2 to the number of
    /// poolings before it.
    pub fn stride(self) -> usize {
        pixels_in_one(self.poolings() as usize)
    }

    /// How many poolings the image has gone through.
    pub(super) fn poolings(self) -> u32 {
        match self {
            Self::Pool { block } => block as u32,
            _ => self.block().saturating_sub(1) as u32,
        }
    }

    fn position(self) -> [usize; 3] {
        match self {
            Self::Conv { block, layer } => [block, layer, 0],
            Self::Norm { block, layer } => [block, layer, 1],
            Self::Relu { block, layer } => [block, layer, 2],
            Self::Pool { block } => [block, usize::MAX, 3],
        }
    }
}

impl Ord for FeatureLayer {
    fn cmp(&self, other: &Self) -> Ordering {
        self.position().cmp(&other.position())
    }
}

impl PartialOrd for FeatureLayer {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for FeatureLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Conv { block, layer } => write!(f, "conv{block}_{layer}"),
            Self::Norm { block, layer } => write!(f, "norm{block}_{layer}"),
            Self::Relu { block, layer } => write!(f, "relu{block}_{layer}"),
            Self::Pool { block } => write!(f, "pool{block}"),
        }
    }
}

impl FromStr for FeatureLayer {
    type Err = LayerError;

    fn from_str(name: &str) -> Result<Self, LayerError> {
        parse(name).ok_or_else(|| LayerError::Form {
            found: name.to_owned(),
        })
    }
}

fn parse(name: &str) -> Option<FeatureLayer> {
    let digits = name.find(|c: char| c.is_ascii_digit())?;
    let (kind, numbers) = name.split_at(digits);
    if kind == "pool" {
        let block = number(numbers)?;
        return Some(FeatureLayer::Pool { block });
    }
    let (block, layer) = numbers.split_once('_')?;
    let (block, layer) = (number(block)?, number(layer)?);
    match kind {
        "conv" => Some(FeatureLayer::Conv { block, layer }),
        "norm" => Some(FeatureLayer::Norm { block, layer }),
        "relu" => Some(FeatureLayer::Relu { block, layer }),
        _ => None,
    }
}

/// A number from 1, as it is written: no sign, no zero in front.
fn number(text: &str) -> Option<usize> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
    plain.then(|| text.parse().ok()).flatten()
}

impl VggConfig {
    /// Every layer of the network, in the order of computation.
    pub fn feature_layers(&self) -> Vec<FeatureLayer> {
        let mut layers = Vec::new();
        for (block, of_block) in (1..).zip(&self.blocks) {
            for layer in 1..=of_block.convolutions {
                layers.push(FeatureLayer::Conv { block, layer });
                if self.batch_norm {
                    layers.push(FeatureLayer::Norm { block, layer });
                }
                layers.push(FeatureLayer::Relu { block, layer });
            }
            layers.push(FeatureLayer::Pool { block });
        }
        layers
    }

    /// The network's layer called `name`, such as `relu4_2`.
    ///
    /// # Errors
    /// [`LayerError::Absent`], which lists the network's layers.
    pub fn feature_layer(&self, name: &str) -> Result<FeatureLayer, LayerError> {
        let layers = self.feature_layers();
        let found = layers.iter().find(|layer| layer.to_string() == name);
        found.copied().ok_or_else(|| absent(name, &layers))
    }

    /// Channels of the map at `layer`; `None` if the network has no such layer.
    pub fn channels_at(&self, layer: FeatureLayer) -> Option<usize> {
        let block = self.check_layer(layer).ok().map(|()| layer.block())?;
        self.channels().get(block - 1).copied()
    }

    /// The layers of a feature pyramid: the last ReLU of each block, and the last pooling. Their
    /// strides are 1, 2, 4, … : every resolution that the network sees, as late as possible.
    pub fn pyramid_layers(&self) -> Vec<FeatureLayer> {
        let last = |(block, of_block): (usize, &crate::BlockConfig)| FeatureLayer::Relu {
            block,
            layer: of_block.convolutions,
        };
        let relus = (1..).zip(&self.blocks).map(last);
        let block = self.blocks.len();
        relus.chain([FeatureLayer::Pool { block }]).collect()
    }

    pub(super) fn check_layer(&self, layer: FeatureLayer) -> Result<(), LayerError> {
        let layers = self.feature_layers();
        match layers.contains(&layer) {
            true => Ok(()),
            false => Err(absent(&layer.to_string(), &layers)),
        }
    }
}

fn absent(name: &str, layers: &[FeatureLayer]) -> LayerError {
    let names: Vec<_> = layers.iter().map(FeatureLayer::to_string).collect();
    LayerError::Absent {
        found: name.to_owned(),
        valid: names.join(", "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_of_every_network_is_read_back_and_in_order() {
        for name in VggConfig::names() {
            let config = VggConfig::named(&name).expect("a known name");
            let layers = config.feature_layers();
            assert!(layers.is_sorted(), "{name}");
            for layer in layers {
                assert_eq!(layer.to_string().parse(), Ok(layer));
                assert_eq!(config.feature_layer(&layer.to_string()), Ok(layer));
            }
        }
    }

    #[test]
    fn what_is_no_name_is_refused() {
        for wrong in [
            "",
            "relu",
            "relu3",
            "relu3_",
            "relu_3",
            "pool",
            "pool3_1",
            "pool0",
            "conv03_1",
            "conv3_1 ",
            "Relu3_1",
            "conv+3_1",
            "fc6",
            "conv3_1_1",
            "conv99999999999999999999_1",
        ] {
            let error = wrong.parse::<FeatureLayer>().expect_err(wrong);
            assert!(
                error
                    .to_string()
                    .starts_with(&format!("\"{wrong}\" is no name of a layer"))
            );
        }
    }

    #[test]
    fn a_network_lists_its_layers() {
        let config = VggConfig::named("vgg11").expect("a known name");
        for wrong in ["conv1_2", "norm1_1", "pool6", "nonsense"] {
            let error = config.feature_layer(wrong).expect_err(wrong).to_string();
            let expected = format!(
                "the network has no layer \"{wrong}\"; its layers are conv1_1, relu1_1, pool1, "
            );
            assert!(error.starts_with(&expected), "{error}");
            assert!(error.ends_with("relu5_2, pool5"), "{error}");
        }
    }

    #[test]
    fn a_pyramid_has_every_stride() {
        let config = VggConfig::named("vgg16").expect("a known name");
        let levels = config.pyramid_layers();
        let strides: Vec<_> = levels.iter().map(|layer| layer.stride()).collect();
        assert_eq!(strides, [1, 2, 4, 8, 16, 32]);
        let channels: Vec<_> = levels
            .iter()
            .map(|&layer| config.channels_at(layer))
            .collect();
        assert_eq!(channels, [64, 128, 256, 512, 512, 512].map(Some));
    }
}
