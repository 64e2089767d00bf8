//! SqueezeNet 1.1: layers of four sorts in one list, as an enum.

use burn::module::Module;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::pool::{AdaptiveAvgPool2d, AdaptiveAvgPool2dConfig, MaxPool2d, MaxPool2dConfig};
use burn::nn::{Dropout, DropoutConfig, Relu};
use burn::tensor::Tensor;

use crate::parts::{convolution, device};

/// A squeezing convolution, and two beside each other that expand.
#[derive(Module, Debug)]
pub struct Fire {
    squeeze: Conv2d,
    squeeze_activation: Relu,
    expand1x1: Conv2d,
    expand1x1_activation: Relu,
    expand3x3: Conv2d,
    expand3x3_activation: Relu,
}

impl Fire {
    fn new(inputs: usize, squeezed: usize, expanded: usize) -> Self {
        let conv = |channels, side| convolution(channels, side, 1).init(&device());
        Self {
            squeeze: conv([inputs, squeezed], 1),
            squeeze_activation: Relu::new(),
            expand1x1: conv([squeezed, expanded], 1),
            expand1x1_activation: Relu::new(),
            expand3x3: conv([squeezed, expanded], 3),
            expand3x3_activation: Relu::new(),
        }
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let x = self.squeeze_activation.forward(self.squeeze.forward(x));
        let one = self.expand1x1.forward(x.clone());
        let three = self.expand3x3.forward(x);
        let sides = vec![
            self.expand1x1_activation.forward(one),
            self.expand3x3_activation.forward(three),
        ];
        Tensor::cat(sides, 1)
    }
}

/// What stands in the list.
#[derive(Module, Debug)]
#[allow(
    clippy::large_enum_variant,
    reason = "as a user writes it; there are thirteen of them"
)]
pub enum Layer {
    Conv(Conv2d),
    Relu(Relu),
    Pool(MaxPool2d),
    Fire(Fire),
}

impl Layer {
    fn pool() -> Self {
        let pool = MaxPool2dConfig::new([3, 3]).with_strides([2, 2]);
        Self::Pool(pool.with_ceil_mode(true).init())
    }

    fn fire(inputs: usize, squeezed: usize, expanded: usize) -> Self {
        Self::Fire(Fire::new(inputs, squeezed, expanded))
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        match self {
            Self::Conv(conv) => conv.forward(x),
            Self::Relu(relu) => relu.forward(x),
            Self::Pool(pool) => pool.forward(x),
            Self::Fire(fire) => fire.forward(x),
        }
    }
}

/// Its last layer is a convolution, not a linear one.
#[derive(Module, Debug)]
pub struct SqueezeNet {
    features: Vec<Layer>,
    dropout: Dropout,
    conv: Conv2d,
    relu: Relu,
    avgpool: AdaptiveAvgPool2d,
}

impl SqueezeNet {
    pub fn new() -> Self {
        let stem = Conv2dConfig::new([3, 64], [3, 3]).with_stride([2, 2]);
        Self {
            features: vec![
                Layer::Conv(stem.init(&device())),
                Layer::Relu(Relu::new()),
                Layer::pool(),
                Layer::fire(64, 16, 64),
                Layer::fire(128, 16, 64),
                Layer::pool(),
                Layer::fire(128, 32, 128),
                Layer::fire(256, 32, 128),
                Layer::pool(),
                Layer::fire(256, 48, 192),
                Layer::fire(384, 48, 192),
                Layer::fire(384, 64, 256),
                Layer::fire(512, 64, 256),
            ],
            dropout: DropoutConfig::new(0.5).init(),
            conv: Conv2dConfig::new([512, 1000], [1, 1]).init(&device()),
            relu: Relu::new(),
            avgpool: AdaptiveAvgPool2dConfig::new([1, 1]).init(),
        }
    }

    pub fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        let x = self
            .features
            .iter()
            .fold(images, |x, layer| layer.forward(x));
        let x = self
            .relu
            .forward(self.conv.forward(self.dropout.forward(x)));
        self.avgpool.forward(x).flatten(1, 3)
    }
}
