//! DenseNet-121: every layer reads what all layers before it in its block made.

use burn::module::Module;
use burn::nn::conv::Conv2d;
use burn::nn::pool::{
    AdaptiveAvgPool2d, AdaptiveAvgPool2dConfig, AvgPool2d, AvgPool2dConfig, MaxPool2d,
    MaxPool2dConfig,
};
use burn::nn::{BatchNorm, Linear, LinearConfig, Relu};
use burn::tensor::Tensor;

use crate::parts::{conv, device, norm, padding};

/// Channels that each layer adds.
const GROWTH: usize = 32;

/// Norm, ReLU, convolution, twice.
#[derive(Module, Debug)]
pub struct DenseLayer {
    norm1: BatchNorm,
    relu1: Relu,
    conv1: Conv2d,
    norm2: BatchNorm,
    relu2: Relu,
    conv2: Conv2d,
}

impl DenseLayer {
    fn new(inputs: usize) -> Self {
        Self {
            norm1: norm(inputs),
            relu1: Relu::new(),
            conv1: conv([inputs, 4 * GROWTH], 1, 1),
            norm2: norm(4 * GROWTH),
            relu2: Relu::new(),
            conv2: conv([4 * GROWTH, GROWTH], 3, 1),
        }
    }

    fn forward(&self, features: &[Tensor<4>]) -> Tensor<4> {
        let x = Tensor::cat(features.to_vec(), 1);
        let x = self
            .conv1
            .forward(self.relu1.forward(self.norm1.forward(x)));
        self.conv2
            .forward(self.relu2.forward(self.norm2.forward(x)))
    }
}

/// Layers that pass a growing list on.
#[derive(Module, Debug)]
pub struct DenseBlock {
    layers: Vec<DenseLayer>,
}

impl DenseBlock {
    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let mut features = vec![x];
        for layer in &self.layers {
            features.push(layer.forward(&features));
        }
        Tensor::cat(features, 1)
    }
}

/// Half the channels and half the size.
#[derive(Module, Debug)]
pub struct Transition {
    norm: BatchNorm,
    relu: Relu,
    conv: Conv2d,
    pool: AvgPool2d,
}

impl Transition {
    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let x = self.conv.forward(self.relu.forward(self.norm.forward(x)));
        self.pool.forward(x)
    }
}

/// Blocks of 6, 12, 24 and 16 layers with transitions between them.
#[derive(Module, Debug)]
pub struct DenseNet121 {
    conv0: Conv2d,
    norm0: BatchNorm,
    relu0: Relu,
    pool0: MaxPool2d,
    blocks: Vec<DenseBlock>,
    transitions: Vec<Transition>,
    norm5: BatchNorm,
    relu5: Relu,
    avgpool: AdaptiveAvgPool2d,
    classifier: Linear,
}

impl DenseNet121 {
    pub fn new() -> Self {
        let (mut blocks, mut transitions) = (Vec::new(), Vec::new());
        let mut channels = 64;
        for (index, count) in [6, 12, 24, 16].into_iter().enumerate() {
            let layers = (0..count).map(|layer| DenseLayer::new(channels + layer * GROWTH));
            blocks.push(DenseBlock {
                layers: layers.collect(),
            });
            channels += count * GROWTH;
            if index < 3 {
                transitions.push(Transition {
                    norm: norm(channels),
                    relu: Relu::new(),
                    conv: conv([channels, channels / 2], 1, 1),
                    pool: AvgPool2dConfig::new([2, 2]).with_strides([2, 2]).init(),
                });
                channels /= 2;
            }
        }
        Self {
            conv0: conv([3, 64], 7, 2),
            norm0: norm(64),
            relu0: Relu::new(),
            pool0: MaxPool2dConfig::new([3, 3])
                .with_strides([2, 2])
                .with_padding(padding(1))
                .init(),
            blocks,
            transitions,
            norm5: norm(channels),
            relu5: Relu::new(),
            avgpool: AdaptiveAvgPool2dConfig::new([1, 1]).init(),
            classifier: LinearConfig::new(channels, 1000).init(&device()),
        }
    }

    pub fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        let x = self
            .relu0
            .forward(self.norm0.forward(self.conv0.forward(images)));
        let mut x = self.pool0.forward(x);
        for (index, block) in self.blocks.iter().enumerate() {
            x = block.forward(x);
            if let Some(transition) = self.transitions.get(index) {
                x = transition.forward(x);
            }
        }
        let x = self.relu5.forward(self.norm5.forward(x));
        self.classifier
            .forward(self.avgpool.forward(x).flatten(1, 3))
    }
}
