//! EfficientNet-B0: SiLU, and blocks that weigh their channels by a pooling of all of them.

use burn::module::Module;
use burn::nn::activation::{SiLU, Sigmoid};
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::pool::{AdaptiveAvgPool2d, AdaptiveAvgPool2dConfig};
use burn::nn::{BatchNorm, Dropout, DropoutConfig, Linear, LinearConfig};
use burn::tensor::Tensor;

use crate::parts::{conv, convolution, device, norm};

/// torchvision's `Conv2dNormActivation`.
#[derive(Module, Debug)]
pub struct ConvNormActivation {
    conv: Conv2d,
    norm: BatchNorm,
    activation: SiLU,
}

impl ConvNormActivation {
    fn new([inputs, outputs]: [usize; 2], side: usize, stride: usize, groups: usize) -> Self {
        Self {
            conv: convolution([inputs, outputs], side, stride)
                .with_groups(groups)
                .with_bias(false)
                .init(&device()),
            norm: norm(outputs),
            activation: SiLU::new(),
        }
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        self.activation
            .forward(self.norm.forward(self.conv.forward(x)))
    }
}

/// Weights for the channels, from 0 to 1.
#[derive(Module, Debug)]
pub struct SqueezeExcitation {
    avgpool: AdaptiveAvgPool2d,
    fc1: Conv2d,
    fc2: Conv2d,
    activation: SiLU,
    scale_activation: Sigmoid,
}

impl SqueezeExcitation {
    fn new(channels: usize, squeezed: usize) -> Self {
        let conv = |channels| Conv2dConfig::new(channels, [1, 1]).init(&device());
        Self {
            avgpool: AdaptiveAvgPool2dConfig::new([1, 1]).init(),
            fc1: conv([channels, squeezed]),
            fc2: conv([squeezed, channels]),
            activation: SiLU::new(),
            scale_activation: Sigmoid::new(),
        }
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let scale = self.avgpool.forward(x.clone());
        let scale = self.activation.forward(self.fc1.forward(scale));
        let scale = self.scale_activation.forward(self.fc2.forward(scale));
        scale * x
    }
}

/// Expansion, depthwise convolution, squeeze-and-excitation, projection.
#[derive(Module, Debug)]
pub struct MbConv {
    expand: Option<ConvNormActivation>,
    depthwise: ConvNormActivation,
    squeeze: SqueezeExcitation,
    project: Conv2d,
    norm: BatchNorm,
    use_res_connect: bool,
}

impl MbConv {
    fn new(inputs: usize, outputs: usize, side: usize, stride: usize, expansion: usize) -> Self {
        let width = inputs * expansion;
        Self {
            expand: (expansion != 1).then(|| ConvNormActivation::new([inputs, width], 1, 1, 1)),
            depthwise: ConvNormActivation::new([width, width], side, stride, width),
            squeeze: SqueezeExcitation::new(width, inputs / 4),
            project: conv([width, outputs], 1, 1),
            norm: norm(outputs),
            use_res_connect: stride == 1 && inputs == outputs,
        }
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let wide = match &self.expand {
            Some(expand) => expand.forward(x.clone()),
            None => x.clone(),
        };
        let wide = self.squeeze.forward(self.depthwise.forward(wide));
        let narrow = self.norm.forward(self.project.forward(wide));
        if self.use_res_connect {
            narrow + x
        } else {
            narrow
        }
    }
}

/// Expansion, kernel, stride, channels and blocks of each stage.
const STAGES: [[usize; 5]; 7] = [
    [1, 3, 1, 16, 1],
    [6, 3, 2, 24, 2],
    [6, 5, 2, 40, 2],
    [6, 3, 2, 80, 3],
    [6, 5, 1, 112, 3],
    [6, 5, 2, 192, 4],
    [6, 3, 1, 320, 1],
];

/// Lists of lists of blocks.
#[derive(Module, Debug)]
pub struct EfficientNetB0 {
    stem: ConvNormActivation,
    stages: Vec<Vec<MbConv>>,
    head: ConvNormActivation,
    avgpool: AdaptiveAvgPool2d,
    dropout: Dropout,
    classifier: Linear,
}

impl EfficientNetB0 {
    pub fn new() -> Self {
        let mut inputs = 32;
        let stages = STAGES.map(|[expansion, side, first, outputs, count]| {
            let stage = (0..count).map(|index| {
                let stride = if index == 0 { first } else { 1 };
                let block = MbConv::new(inputs, outputs, side, stride, expansion);
                inputs = outputs;
                block
            });
            stage.collect()
        });
        Self {
            stem: ConvNormActivation::new([3, 32], 3, 2, 1),
            stages: stages.into(),
            head: ConvNormActivation::new([320, 1280], 1, 1, 1),
            avgpool: AdaptiveAvgPool2dConfig::new([1, 1]).init(),
            dropout: DropoutConfig::new(0.2).init(),
            classifier: LinearConfig::new(1280, 1000).init(&device()),
        }
    }

    pub fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        let x = self.stem.forward(images);
        let x = self
            .stages
            .iter()
            .flatten()
            .fold(x, |x, block| block.forward(x));
        let x = self.avgpool.forward(self.head.forward(x)).flatten(1, 3);
        self.classifier.forward(self.dropout.forward(x))
    }
}
