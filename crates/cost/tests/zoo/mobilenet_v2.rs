//! MobileNetV2: depthwise convolutions between narrow ends, ReLU6, and a shortcut only where
//! the shapes allow it.

use burn::module::Module;
use burn::nn::activation::Relu6;
use burn::nn::conv::Conv2d;
use burn::nn::pool::{AdaptiveAvgPool2d, AdaptiveAvgPool2dConfig};
use burn::nn::{BatchNorm, Dropout, DropoutConfig, Linear, LinearConfig};
use burn::tensor::Tensor;

use crate::parts::{conv, convolution, device, norm};

/// torchvision's `Conv2dNormActivation`.
#[derive(Module, Debug)]
pub struct ConvNormActivation {
    conv: Conv2d,
    norm: BatchNorm,
    activation: Relu6,
}

impl ConvNormActivation {
    fn new([inputs, outputs]: [usize; 2], side: usize, stride: usize, groups: usize) -> Self {
        Self {
            conv: convolution([inputs, outputs], side, stride)
                .with_groups(groups)
                .with_bias(false)
                .init(&device()),
            norm: norm(outputs),
            activation: Relu6::new(),
        }
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        self.activation
            .forward(self.norm.forward(self.conv.forward(x)))
    }
}

/// Expansion, depthwise convolution, projection.
#[derive(Module, Debug)]
pub struct InvertedResidual {
    expand: Option<ConvNormActivation>,
    depthwise: ConvNormActivation,
    project: Conv2d,
    norm: BatchNorm,
    use_res_connect: bool,
}

impl InvertedResidual {
    fn new(inputs: usize, outputs: usize, stride: usize, expansion: usize) -> Self {
        let width = inputs * expansion;
        Self {
            expand: (expansion != 1).then(|| ConvNormActivation::new([inputs, width], 1, 1, 1)),
            depthwise: ConvNormActivation::new([width, width], 3, stride, width),
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
        let narrow = self.project.forward(self.depthwise.forward(wide));
        let narrow = self.norm.forward(narrow);
        if self.use_res_connect {
            x + narrow
        } else {
            narrow
        }
    }
}

/// Expansion, channels, blocks and first stride of each stage.
const STAGES: [[usize; 4]; 7] = [
    [1, 16, 1, 1],
    [6, 24, 2, 2],
    [6, 32, 3, 2],
    [6, 64, 4, 2],
    [6, 96, 3, 1],
    [6, 160, 3, 2],
    [6, 320, 1, 1],
];

/// What torchvision holds in one list, `features`, is three fields here.
#[derive(Module, Debug)]
pub struct MobileNetV2 {
    stem: ConvNormActivation,
    blocks: Vec<InvertedResidual>,
    head: ConvNormActivation,
    avgpool: AdaptiveAvgPool2d,
    dropout: Dropout,
    classifier: Linear,
}

impl MobileNetV2 {
    pub fn new() -> Self {
        let mut blocks = Vec::new();
        let mut inputs = 32;
        for [expansion, outputs, count, first] in STAGES {
            for index in 0..count {
                let stride = if index == 0 { first } else { 1 };
                blocks.push(InvertedResidual::new(inputs, outputs, stride, expansion));
                inputs = outputs;
            }
        }
        Self {
            stem: ConvNormActivation::new([3, 32], 3, 2, 1),
            blocks,
            head: ConvNormActivation::new([320, 1280], 1, 1, 1),
            avgpool: AdaptiveAvgPool2dConfig::new([1, 1]).init(),
            dropout: DropoutConfig::new(0.2).init(),
            classifier: LinearConfig::new(1280, 1000).init(&device()),
        }
    }

    pub fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        let x = self.stem.forward(images);
        let x = self.blocks.iter().fold(x, |x, block| block.forward(x));
        let x = self.avgpool.forward(self.head.forward(x)).flatten(1, 3);
        self.classifier.forward(self.dropout.forward(x))
    }
}
