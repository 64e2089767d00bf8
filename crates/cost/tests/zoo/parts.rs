//! What most of the networks are made of.

use burn::module::Module;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::{BatchNorm, BatchNormConfig, PaddingConfig2d};
use burn::tensor::Device;

/// The device of the weights, which stay lazy: no network of the zoo takes memory for them.
pub fn device() -> Device {
    Device::flex()
}

/// The same padding on all sides.
pub fn padding(side: usize) -> PaddingConfig2d {
    PaddingConfig2d::Explicit(side, side, side, side)
}

/// A square convolution that keeps the size but for its stride, for what is normalised or biased
/// as `bias` says.
pub fn convolution(channels: [usize; 2], side: usize, stride: usize) -> Conv2dConfig {
    Conv2dConfig::new(channels, [side, side])
        .with_stride([stride, stride])
        .with_padding(padding(side / 2))
}

/// [`convolution`] without a bias, as in front of a normalisation.
pub fn conv(channels: [usize; 2], side: usize, stride: usize) -> Conv2d {
    convolution(channels, side, stride)
        .with_bias(false)
        .init(&device())
}

/// Batch normalisation.
pub fn norm(channels: usize) -> BatchNorm {
    BatchNormConfig::new(channels).init(&device())
}

/// A projection of the shortcut where a block changes the shape, as most write it.
#[derive(Module, Debug)]
pub struct Downsample {
    pub conv: Conv2d,
    pub norm: BatchNorm,
}
