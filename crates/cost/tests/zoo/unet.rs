//! A small U-Net: what the way down makes is kept until the way up needs it.

use burn::module::Module;
use burn::nn::conv::{Conv2d, Conv2dConfig, ConvTranspose2d, ConvTranspose2dConfig};
use burn::nn::pool::{MaxPool2d, MaxPool2dConfig};
use burn::nn::{BatchNorm, Relu};
use burn::tensor::Tensor;

use crate::parts::{conv, device, norm};

/// Two convolutions with one ReLU module each.
#[derive(Module, Debug)]
pub struct DoubleConv {
    conv1: Conv2d,
    bn1: BatchNorm,
    relu1: Relu,
    conv2: Conv2d,
    bn2: BatchNorm,
    relu2: Relu,
}

impl DoubleConv {
    fn new(inputs: usize, outputs: usize) -> Self {
        Self {
            conv1: conv([inputs, outputs], 3, 1),
            bn1: norm(outputs),
            relu1: Relu::new(),
            conv2: conv([outputs, outputs], 3, 1),
            bn2: norm(outputs),
            relu2: Relu::new(),
        }
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let x = self.relu1.forward(self.bn1.forward(self.conv1.forward(x)));
        self.relu2.forward(self.bn2.forward(self.conv2.forward(x)))
    }
}

/// Half the size, twice the channels.
#[derive(Module, Debug)]
pub struct Down {
    pool: MaxPool2d,
    conv: DoubleConv,
}

impl Down {
    fn new(inputs: usize) -> Self {
        Self {
            pool: MaxPool2dConfig::new([2, 2]).with_strides([2, 2]).init(),
            conv: DoubleConv::new(inputs, 2 * inputs),
        }
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        self.conv.forward(self.pool.forward(x))
    }
}

/// Twice the size, half the channels, beside what the way down had there.
#[derive(Module, Debug)]
pub struct Up {
    up: ConvTranspose2d,
    conv: DoubleConv,
}

impl Up {
    fn new(inputs: usize) -> Self {
        let outputs = inputs / 2;
        Self {
            up: ConvTranspose2dConfig::new([inputs, outputs], [2, 2])
                .with_stride([2, 2])
                .init(&device()),
            conv: DoubleConv::new(inputs, outputs),
        }
    }

    fn forward(&self, x: Tensor<4>, kept: Tensor<4>) -> Tensor<4> {
        let x = self.up.forward(x);
        self.conv.forward(Tensor::cat(vec![kept, x], 1))
    }
}

/// Three steps down and up.
#[derive(Module, Debug)]
pub struct UNet {
    inc: DoubleConv,
    downs: Vec<Down>,
    ups: Vec<Up>,
    outc: Conv2d,
}

impl UNet {
    pub fn new() -> Self {
        Self {
            inc: DoubleConv::new(3, 16),
            downs: [16, 32, 64].map(Down::new).into(),
            ups: [128, 64, 32].map(Up::new).into(),
            outc: Conv2dConfig::new([16, 2], [1, 1]).init(&device()),
        }
    }

    pub fn forward(&self, images: Tensor<4>) -> Tensor<4> {
        let mut kept = Vec::new();
        let mut x = self.inc.forward(images);
        for down in &self.downs {
            kept.push(x.clone());
            x = down.forward(x);
        }
        for up in &self.ups {
            let beside = kept.pop().expect("one for each step");
            x = up.forward(x, beside);
        }
        self.outc.forward(x)
    }
}
