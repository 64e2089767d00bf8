//! ResNet-18: two convolutions a block, the projection as a pair, the way torchvision's
//! `Sequential` names it.

use burn::module::Module;
use burn::nn::conv::Conv2d;
use burn::nn::pool::{AdaptiveAvgPool2d, AdaptiveAvgPool2dConfig, MaxPool2d, MaxPool2dConfig};
use burn::nn::{BatchNorm, Linear, LinearConfig, Relu};
use burn::tensor::Tensor;

use crate::parts::{conv, device, norm, padding};

/// One ReLU for both of its places.
#[derive(Module, Debug)]
pub struct BasicBlock {
    conv1: Conv2d,
    bn1: BatchNorm,
    relu: Relu,
    conv2: Conv2d,
    bn2: BatchNorm,
    downsample: Option<(Conv2d, BatchNorm)>,
}

impl BasicBlock {
    fn new(inputs: usize, outputs: usize, stride: usize) -> Self {
        let changes = inputs != outputs || stride != 1;
        Self {
            conv1: conv([inputs, outputs], 3, stride),
            bn1: norm(outputs),
            relu: Relu::new(),
            conv2: conv([outputs, outputs], 3, 1),
            bn2: norm(outputs),
            downsample: changes.then(|| (conv([inputs, outputs], 1, stride), norm(outputs))),
        }
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let identity = x.clone();
        let out = self.relu.forward(self.bn1.forward(self.conv1.forward(x)));
        let out = self.bn2.forward(self.conv2.forward(out));
        let identity = match &self.downsample {
            Some((conv, norm)) => norm.forward(conv.forward(identity)),
            None => identity,
        };
        self.relu.forward(out + identity)
    }
}

/// Four stages in four fields.
#[derive(Module, Debug)]
pub struct ResNet18 {
    conv1: Conv2d,
    bn1: BatchNorm,
    relu: Relu,
    maxpool: MaxPool2d,
    layer1: Vec<BasicBlock>,
    layer2: Vec<BasicBlock>,
    layer3: Vec<BasicBlock>,
    layer4: Vec<BasicBlock>,
    avgpool: AdaptiveAvgPool2d,
    fc: Linear,
}

impl ResNet18 {
    pub fn new() -> Self {
        let layer = |inputs, outputs, stride| {
            vec![
                BasicBlock::new(inputs, outputs, stride),
                BasicBlock::new(outputs, outputs, 1),
            ]
        };
        Self {
            conv1: conv([3, 64], 7, 2),
            bn1: norm(64),
            relu: Relu::new(),
            maxpool: MaxPool2dConfig::new([3, 3])
                .with_strides([2, 2])
                .with_padding(padding(1))
                .init(),
            layer1: layer(64, 64, 1),
            layer2: layer(64, 128, 2),
            layer3: layer(128, 256, 2),
            layer4: layer(256, 512, 2),
            avgpool: AdaptiveAvgPool2dConfig::new([1, 1]).init(),
            fc: LinearConfig::new(512, 1000).init(&device()),
        }
    }

    pub fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        let x = self
            .relu
            .forward(self.bn1.forward(self.conv1.forward(images)));
        let mut x = self.maxpool.forward(x);
        for layer in [&self.layer1, &self.layer2, &self.layer3, &self.layer4] {
            for block in layer {
                x = block.forward(x);
            }
        }
        self.fc.forward(self.avgpool.forward(x).flatten(1, 3))
    }
}
