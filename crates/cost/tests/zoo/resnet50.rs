//! ResNet-50: three convolutions a block. The shortcut may be computed before them or after
//! them, which is the same network in another order of operations.

use burn::module::Module;
use burn::nn::conv::Conv2d;
use burn::nn::pool::{AdaptiveAvgPool2d, AdaptiveAvgPool2dConfig, MaxPool2d, MaxPool2dConfig};
use burn::nn::{BatchNorm, Linear, LinearConfig, Relu};
use burn::tensor::Tensor;

use crate::parts::{Downsample, conv, device, norm, padding};

/// When a block computes its shortcut.
#[derive(Debug, Clone, Copy)]
pub enum Shortcut {
    First,
    Last,
}

/// One ReLU for all of its three places, of three shapes.
#[derive(Module, Debug)]
pub struct Bottleneck {
    conv1: Conv2d,
    bn1: BatchNorm,
    conv2: Conv2d,
    bn2: BatchNorm,
    conv3: Conv2d,
    bn3: BatchNorm,
    relu: Relu,
    downsample: Option<Downsample>,
}

impl Bottleneck {
    fn new(inputs: usize, width: usize, stride: usize) -> Self {
        let outputs = 4 * width;
        let changes = inputs != outputs || stride != 1;
        Self {
            conv1: conv([inputs, width], 1, 1),
            bn1: norm(width),
            conv2: conv([width, width], 3, stride),
            bn2: norm(width),
            conv3: conv([width, outputs], 1, 1),
            bn3: norm(outputs),
            relu: Relu::new(),
            downsample: changes.then(|| Downsample {
                conv: conv([inputs, outputs], 1, stride),
                norm: norm(outputs),
            }),
        }
    }

    fn forward(&self, x: Tensor<4>, shortcut: Shortcut) -> Tensor<4> {
        let (out, identity) = match shortcut {
            Shortcut::First => {
                let identity = self.identity(x.clone());
                (self.residual(x), identity)
            }
            Shortcut::Last => (self.residual(x.clone()), self.identity(x)),
        };
        self.relu.forward(out + identity)
    }

    fn identity(&self, x: Tensor<4>) -> Tensor<4> {
        match &self.downsample {
            Some(downsample) => downsample.norm.forward(downsample.conv.forward(x)),
            None => x,
        }
    }

    fn residual(&self, x: Tensor<4>) -> Tensor<4> {
        let x = self.relu.forward(self.bn1.forward(self.conv1.forward(x)));
        let x = self.relu.forward(self.bn2.forward(self.conv2.forward(x)));
        self.bn3.forward(self.conv3.forward(x))
    }
}

/// Stages of three, four, six and three blocks.
#[derive(Module, Debug)]
pub struct ResNet50 {
    conv1: Conv2d,
    bn1: BatchNorm,
    relu: Relu,
    maxpool: MaxPool2d,
    layer1: Vec<Bottleneck>,
    layer2: Vec<Bottleneck>,
    layer3: Vec<Bottleneck>,
    layer4: Vec<Bottleneck>,
    avgpool: AdaptiveAvgPool2d,
    fc: Linear,
}

impl ResNet50 {
    pub fn new() -> Self {
        let layer = |inputs: usize, width: usize, blocks: usize, stride: usize| {
            let first = Bottleneck::new(inputs, width, stride);
            let others = (1..blocks).map(|_| Bottleneck::new(4 * width, width, 1));
            std::iter::once(first).chain(others).collect::<Vec<_>>()
        };
        Self {
            conv1: conv([3, 64], 7, 2),
            bn1: norm(64),
            relu: Relu::new(),
            maxpool: MaxPool2dConfig::new([3, 3])
                .with_strides([2, 2])
                .with_padding(padding(1))
                .init(),
            layer1: layer(64, 64, 3, 1),
            layer2: layer(256, 128, 4, 2),
            layer3: layer(512, 256, 6, 2),
            layer4: layer(1024, 512, 3, 2),
            avgpool: AdaptiveAvgPool2dConfig::new([1, 1]).init(),
            fc: LinearConfig::new(2048, 1000).init(&device()),
        }
    }

    pub fn forward(&self, images: Tensor<4>, shortcut: Shortcut) -> Tensor<2> {
        let x = self
            .relu
            .forward(self.bn1.forward(self.conv1.forward(images)));
        let mut x = self.maxpool.forward(x);
        for layer in [&self.layer1, &self.layer2, &self.layer3, &self.layer4] {
            for block in layer {
                x = block.forward(x, shortcut);
            }
        }
        self.fc.forward(self.avgpool.forward(x).flatten(1, 3))
    }
}
