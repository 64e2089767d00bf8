//! Small networks of the test.

use burn::module::{Module, Param};
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::{BatchNorm, BatchNormConfig, LayerNorm, Linear, LinearConfig, Relu};
use burn::tensor::{Tensor, activation};

use crate::{device, padding};

/// A function as a network without layers.
#[derive(Module, Debug)]
pub struct Nothing;

#[derive(Module, Debug)]
pub struct Projections {
    pub query: Linear,
    pub key: Linear,
    pub value: Linear,
    pub output: Linear,
}

impl Projections {
    pub fn new() -> Self {
        let layer = || LinearConfig::new(16, 16).init(&device());
        Self {
            query: layer(),
            key: layer(),
            value: layer(),
            output: layer(),
        }
    }

    pub fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        let [batch, length, width] = x.dims();
        let heads = |layer: &Linear| {
            let y = layer.forward(x.clone());
            y.reshape([batch, length, 4, 4]).swap_dims(1, 2)
        };
        let scores = heads(&self.query).matmul(heads(&self.key).transpose()) / 2.0;
        let context = activation::softmax(scores, 3).matmul(heads(&self.value));
        let context = context.swap_dims(1, 2).reshape([batch, length, width]);
        self.output.forward(context)
    }
}

#[derive(Module, Debug)]
pub struct Scaled {
    pub scale: Param<Tensor<3>>,
    pub conv: Conv2d,
}

#[derive(Module, Debug)]
pub struct Tokens {
    pub table: Param<Tensor<3>>,
    pub norm: LayerNorm,
}

#[derive(Module, Debug)]
pub struct Block {
    pub first: Conv2d,
    pub first_norm: BatchNorm,
    pub relu: Relu,
    pub second: Conv2d,
    pub second_norm: BatchNorm,
}

impl Block {
    pub fn new() -> Self {
        let conv = || {
            let config = Conv2dConfig::new([4, 4], [3, 3]).with_padding(padding(1, 1));
            config.with_bias(false).init(&device())
        };
        let norm = || BatchNormConfig::new(4).init(&device());
        Self {
            first: conv(),
            first_norm: norm(),
            relu: Relu::new(),
            second: conv(),
            second_norm: norm(),
        }
    }

    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let y = self.first_norm.forward(self.first.forward(x.clone()));
        let y = self.second.forward(self.relu.forward(y));
        self.relu.forward(self.second_norm.forward(y) + x)
    }
}
