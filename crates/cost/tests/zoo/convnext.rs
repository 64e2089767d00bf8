//! ConvNeXt-T: permutations around norms and linear layers, and a scale that is a parameter of
//! the block.

use burn::module::{Module, Param};
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::pool::{AdaptiveAvgPool2d, AdaptiveAvgPool2dConfig};
use burn::nn::{Gelu, Initializer, LayerNorm, LayerNormConfig, Linear, LinearConfig};
use burn::tensor::Tensor;

use crate::parts::{convolution, device};

/// Normalises the channels, which are not last.
#[derive(Module, Debug)]
pub struct LayerNorm2d {
    norm: LayerNorm,
}

impl LayerNorm2d {
    fn new(channels: usize) -> Self {
        Self {
            norm: LayerNormConfig::new(channels).init(&device()),
        }
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let x = self.norm.forward(x.permute([0, 2, 3, 1]));
        x.permute([0, 3, 1, 2])
    }
}

/// A depthwise convolution, and two linear layers over the channels.
#[derive(Module, Debug)]
pub struct Block {
    conv: Conv2d,
    norm: LayerNorm,
    linear_1: Linear,
    gelu: Gelu,
    linear_2: Linear,
    layer_scale: Param<Tensor<3>>,
}

impl Block {
    fn new(channels: usize) -> Self {
        Self {
            conv: convolution([channels, channels], 7, 1)
                .with_groups(channels)
                .init(&device()),
            norm: LayerNormConfig::new(channels).init(&device()),
            linear_1: LinearConfig::new(channels, 4 * channels).init(&device()),
            gelu: Gelu::new(),
            linear_2: LinearConfig::new(4 * channels, channels).init(&device()),
            layer_scale: Initializer::Constant { value: 1e-6 }.init([channels, 1, 1], &device()),
        }
    }

    fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        let x = self.conv.forward(input.clone()).permute([0, 2, 3, 1]);
        let x = self.linear_1.forward(self.norm.forward(x));
        let x = self.linear_2.forward(self.gelu.forward(x));
        let x = x.permute([0, 3, 1, 2]);
        self.layer_scale.val().unsqueeze() * x + input
    }
}

/// Half the size.
#[derive(Module, Debug)]
pub struct Downsample {
    norm: LayerNorm2d,
    conv: Conv2d,
}

/// Stages of three, three, nine and three blocks.
#[derive(Module, Debug)]
pub struct ConvNextTiny {
    stem: Conv2d,
    stem_norm: LayerNorm2d,
    stages: Vec<Vec<Block>>,
    downsamples: Vec<Downsample>,
    avgpool: AdaptiveAvgPool2d,
    norm: LayerNorm2d,
    classifier: Linear,
}

impl ConvNextTiny {
    pub fn new() -> Self {
        let conv = |channels, side| {
            Conv2dConfig::new(channels, [side, side])
                .with_stride([side, side])
                .init(&device())
        };
        let stages = [(96, 3), (192, 3), (384, 9), (768, 3)];
        Self {
            stem: conv([3, 96], 4),
            stem_norm: LayerNorm2d::new(96),
            stages: stages
                .map(|(channels, count)| (0..count).map(|_| Block::new(channels)).collect())
                .into(),
            downsamples: [96, 192, 384]
                .map(|channels| Downsample {
                    norm: LayerNorm2d::new(channels),
                    conv: conv([channels, 2 * channels], 2),
                })
                .into(),
            avgpool: AdaptiveAvgPool2dConfig::new([1, 1]).init(),
            norm: LayerNorm2d::new(768),
            classifier: LinearConfig::new(768, 1000).init(&device()),
        }
    }

    pub fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        let mut x = self.stem_norm.forward(self.stem.forward(images));
        for (index, stage) in self.stages.iter().enumerate() {
            if let Some(before) = index.checked_sub(1) {
                let downsample = &self.downsamples[before];
                x = downsample.conv.forward(downsample.norm.forward(x));
            }
            x = stage.iter().fold(x, |x, block| block.forward(x));
        }
        let x = self.norm.forward(self.avgpool.forward(x));
        self.classifier.forward(x.flatten(1, 3))
    }
}
