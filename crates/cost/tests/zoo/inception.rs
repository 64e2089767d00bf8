//! Two modules like Inception-v3's: branches beside each other, one of them a pooling.

use burn::module::Module;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::pool::{
    AdaptiveAvgPool2d, AdaptiveAvgPool2dConfig, AvgPool2d, AvgPool2dConfig, MaxPool2d,
    MaxPool2dConfig,
};
use burn::nn::{BatchNorm, Linear, LinearConfig, PaddingConfig2d, Relu};
use burn::tensor::Tensor;

use crate::parts::{device, norm, padding};

/// Convolution, norm, ReLU.
#[derive(Module, Debug)]
pub struct BasicConv2d {
    conv: Conv2d,
    bn: BatchNorm,
    relu: Relu,
}

impl BasicConv2d {
    fn new(config: Conv2dConfig) -> Self {
        let outputs = config.channels[1];
        Self {
            conv: config.with_bias(false).init(&device()),
            bn: norm(outputs),
            relu: Relu::new(),
        }
    }

    fn square(channels: [usize; 2], side: usize) -> Self {
        let config = Conv2dConfig::new(channels, [side, side]);
        Self::new(config.with_padding(padding(side / 2)))
    }

    fn strided(channels: [usize; 2]) -> Self {
        Self::new(Conv2dConfig::new(channels, [3, 3]).with_stride([2, 2]))
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        self.relu.forward(self.bn.forward(self.conv.forward(x)))
    }
}

/// Four branches; two of them end in kernels of one row and one column.
#[derive(Module, Debug)]
pub struct Mixed {
    branch1x1: BasicConv2d,
    branch7x7_1: BasicConv2d,
    branch7x7_2: BasicConv2d,
    branch7x7_3: BasicConv2d,
    branch3x3dbl_1: BasicConv2d,
    branch3x3dbl_2: BasicConv2d,
    branch3x3dbl_3: BasicConv2d,
    pool: AvgPool2d,
    branch_pool: BasicConv2d,
}

impl Mixed {
    fn new(inputs: usize) -> Self {
        let row = Conv2dConfig::new([12, 12], [1, 7]);
        let column = Conv2dConfig::new([12, 16], [7, 1]);
        Self {
            branch1x1: BasicConv2d::square([inputs, 16], 1),
            branch7x7_1: BasicConv2d::square([inputs, 12], 1),
            branch7x7_2: BasicConv2d::new(row.with_padding(PaddingConfig2d::Explicit(0, 3, 0, 3))),
            branch7x7_3: BasicConv2d::new(
                column.with_padding(PaddingConfig2d::Explicit(3, 0, 3, 0)),
            ),
            branch3x3dbl_1: BasicConv2d::square([inputs, 16], 1),
            branch3x3dbl_2: BasicConv2d::square([16, 24], 3),
            branch3x3dbl_3: BasicConv2d::square([24, 24], 3),
            pool: AvgPool2dConfig::new([3, 3])
                .with_strides([1, 1])
                .with_padding(padding(1))
                .init(),
            branch_pool: BasicConv2d::square([inputs, 8], 1),
        }
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let one = self.branch1x1.forward(x.clone());
        let seven = self.branch7x7_1.forward(x.clone());
        let seven = self.branch7x7_3.forward(self.branch7x7_2.forward(seven));
        let three = self.branch3x3dbl_1.forward(x.clone());
        let three = self
            .branch3x3dbl_3
            .forward(self.branch3x3dbl_2.forward(three));
        let pooled = self.branch_pool.forward(self.pool.forward(x));
        Tensor::cat(vec![one, seven, three, pooled], 1)
    }
}

/// Half the size in three ways.
#[derive(Module, Debug)]
pub struct Reduction {
    branch3x3: BasicConv2d,
    branch3x3dbl_1: BasicConv2d,
    branch3x3dbl_2: BasicConv2d,
    pool: MaxPool2d,
}

impl Reduction {
    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let three = self.branch3x3.forward(x.clone());
        let twice = self.branch3x3dbl_1.forward(x.clone());
        let twice = self.branch3x3dbl_2.forward(twice);
        Tensor::cat(vec![three, twice, self.pool.forward(x)], 1)
    }
}

/// A stem, the two modules and a classifier.
#[derive(Module, Debug)]
pub struct Inception {
    stem: BasicConv2d,
    mixed: Mixed,
    reduction: Reduction,
    avgpool: AdaptiveAvgPool2d,
    fc: Linear,
}

impl Inception {
    pub fn new() -> Self {
        Self {
            stem: BasicConv2d::strided([3, 24]),
            mixed: Mixed::new(24),
            reduction: Reduction {
                branch3x3: BasicConv2d::strided([64, 32]),
                branch3x3dbl_1: BasicConv2d::square([64, 16], 1),
                branch3x3dbl_2: BasicConv2d::strided([16, 24]),
                pool: MaxPool2dConfig::new([3, 3]).with_strides([2, 2]).init(),
            },
            avgpool: AdaptiveAvgPool2dConfig::new([1, 1]).init(),
            fc: LinearConfig::new(120, 10).init(&device()),
        }
    }

    pub fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        let x = self.mixed.forward(self.stem.forward(images));
        let x = self.avgpool.forward(self.reduction.forward(x));
        self.fc.forward(x.flatten(1, 3))
    }
}
