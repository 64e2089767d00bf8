//! A small VGG in plain Burn: the whole network is in this file.

use burn::module::Module;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::pool::{AvgPool2dConfig, MaxPool2dConfig};
use burn::nn::{Initializer, Linear, LinearConfig, PaddingConfig2d};
use burn::tensor::activation::relu;
use burn::tensor::{Device, Tensor};

use crate::design::{CHANNELS, CLASSES, Design, HIDDEN, SIDE};

/// Blocks of convolutions, each ending in a pooling, then two linear layers.
#[derive(Module, Debug)]
pub struct Network {
    blocks: Vec<Vec<Conv2d>>,
    hidden: Linear,
    output: Linear,
    #[module(skip)]
    design: Design,
}

impl Network {
    /// A network with random weights.
    pub fn new(design: Design, device: &Device) -> Self {
        // As large as keeps values behind a ReLU as large as those before the layer.
        let random = Initializer::KaimingNormal {
            gain: f64::sqrt(2.0),
            fan_out_only: false,
        };
        let (mut inputs, mut side) = (1, SIDE);
        let mut blocks = Vec::new();
        for outputs in CHANNELS.into_iter().take(design.blocks) {
            let mut block = Vec::new();
            for _ in 0..design.layers {
                // Zeros around the image, so that the map stays as large as it is.
                let zeros = design.filter / 2;
                let convolution = Conv2dConfig::new([inputs, outputs], [design.filter; 2])
                    .with_padding(PaddingConfig2d::Explicit(zeros, zeros, zeros, zeros))
                    .with_initializer(random.clone());
                block.push(convolution.init(device));
                inputs = outputs;
            }
            blocks.push(block);
            side /= 2; // the pooling
        }
        let hidden = LinearConfig::new(inputs * side * side, HIDDEN)
            .with_initializer(random)
            .init(device);
        let output = LinearConfig::new(HIDDEN, CLASSES).init(device);
        Self {
            blocks,
            hidden,
            output,
            design,
        }
    }

    /// Images `[batch, 1, 28, 28]` to a number for each class, `[batch, 10]`: the largest is the answer.
    pub fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        let mut maps = images;
        for block in &self.blocks {
            for convolution in block {
                maps = self.activation(convolution.forward(maps));
            }
            maps = self.pooling(maps);
        }
        let values = self.activation(self.hidden.forward(maps.flatten(1, 3)));
        self.output.forward(values)
    }

    /// What is below zero becomes zero.
    fn activation<const D: usize>(&self, values: Tensor<D>) -> Tensor<D> {
        if self.design.relu {
            relu(values)
        } else {
            values
        }
    }

    /// Of each 2×2 values one is left: the largest, or the mean.
    fn pooling(&self, maps: Tensor<4>) -> Tensor<4> {
        if self.design.average {
            AvgPool2dConfig::new([2, 2]).init().forward(maps)
        } else {
            MaxPool2dConfig::new([2, 2]).init().forward(maps)
        }
    }
}
