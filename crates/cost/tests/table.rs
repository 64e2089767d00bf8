//! The table that people read, of networks as they are written.

use burn::module::Module;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::pool::{AdaptiveAvgPool2d, AdaptiveAvgPool2dConfig, MaxPool2d, MaxPool2dConfig};
use burn::nn::{BatchNorm, BatchNormConfig, Linear, LinearConfig, PaddingConfig2d, Relu};
use burn::tensor::{Device, Tensor};
use cost::bounds::Peaks;
use cost::render::Layout;
use cost::{Optimizer, Options, Report, analyse};

fn device() -> Device {
    Device::flex()
}

fn conv(channels: [usize; 2], kernel: usize, stride: usize, bias: bool) -> Conv2d {
    let side = kernel / 2;
    Conv2dConfig::new(channels, [kernel; 2])
        .with_stride([stride; 2])
        .with_padding(PaddingConfig2d::Explicit(side, side, side, side))
        .with_bias(bias)
        .init(&device())
}

#[derive(Module, Debug)]
struct Unit {
    conv: Conv2d,
    relu: Relu,
}

#[derive(Module, Debug)]
struct Stage {
    units: Vec<Unit>,
    pool: MaxPool2d,
}

/// VGG-16's layers.
#[derive(Module, Debug)]
struct Vgg {
    stages: Vec<Stage>,
    hidden: Vec<Linear>,
    relu: Relu,
    output: Linear,
}

impl Vgg {
    fn new() -> Self {
        let mut from = 3;
        let mut stage = |(units, to)| {
            let units = (0..units)
                .map(|_| Unit {
                    conv: conv([std::mem::replace(&mut from, to), to], 3, 1, true),
                    relu: Relu::new(),
                })
                .collect();
            let pool = MaxPool2dConfig::new([2, 2]).with_strides([2, 2]).init();
            Stage { units, pool }
        };
        let stages = [(2, 64), (2, 128), (3, 256), (3, 512), (3, 512)];
        Self {
            stages: stages.into_iter().map(&mut stage).collect(),
            hidden: [25_088, 4096]
                .map(|from| LinearConfig::new(from, 4096).init(&device()))
                .into(),
            relu: Relu::new(),
            output: LinearConfig::new(4096, 1000).init(&device()),
        }
    }

    fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        let mut x = images;
        for stage in &self.stages {
            for unit in &stage.units {
                x = unit.relu.forward(unit.conv.forward(x));
            }
            x = stage.pool.forward(x);
        }
        let mut x: Tensor<2> = x.flatten(1, 3);
        for hidden in &self.hidden {
            x = self.relu.forward(hidden.forward(x));
        }
        self.output.forward(x)
    }
}

#[derive(Module, Debug)]
struct Shortcut {
    conv: Conv2d,
    norm: BatchNorm,
}

#[derive(Module, Debug)]
struct BasicBlock {
    conv1: Conv2d,
    norm1: BatchNorm,
    conv2: Conv2d,
    norm2: BatchNorm,
    relu: Relu,
    shortcut: Option<Shortcut>,
}

impl BasicBlock {
    fn new(from: usize, to: usize) -> Self {
        let stride = if from == to { 1 } else { 2 };
        let norm = || BatchNormConfig::new(to).init(&device());
        Self {
            conv1: conv([from, to], 3, stride, false),
            norm1: norm(),
            conv2: conv([to, to], 3, 1, false),
            norm2: norm(),
            relu: Relu::new(),
            shortcut: (from != to).then(|| Shortcut {
                conv: conv([from, to], 1, stride, false),
                norm: norm(),
            }),
        }
    }

    fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        let x = self.norm1.forward(self.conv1.forward(input.clone()));
        let x = self.norm2.forward(self.conv2.forward(self.relu.forward(x)));
        let input = match &self.shortcut {
            Some(shortcut) => shortcut.norm.forward(shortcut.conv.forward(input)),
            None => input,
        };
        self.relu.forward(x + input)
    }
}

/// ResNet-34's layers.
#[derive(Module, Debug)]
struct ResNet {
    conv: Conv2d,
    norm: BatchNorm,
    relu: Relu,
    pool: MaxPool2d,
    layers: Vec<Vec<BasicBlock>>,
    average: AdaptiveAvgPool2d,
    output: Linear,
}

impl ResNet {
    fn new(blocks: [usize; 4]) -> Self {
        let widths = [64, 64, 128, 256, 512];
        let layer = |(index, &blocks): (usize, &usize)| {
            let (from, to) = (widths[index], widths[index + 1]);
            (0..blocks)
                .map(|block| BasicBlock::new(if block == 0 { from } else { to }, to))
                .collect()
        };
        Self {
            conv: conv([3, 64], 7, 2, false),
            norm: BatchNormConfig::new(64).init(&device()),
            relu: Relu::new(),
            pool: MaxPool2dConfig::new([3, 3])
                .with_strides([2, 2])
                .with_padding(PaddingConfig2d::Explicit(1, 1, 1, 1))
                .init(),
            layers: blocks.iter().enumerate().map(layer).collect(),
            average: AdaptiveAvgPool2dConfig::new([1, 1]).init(),
            output: LinearConfig::new(512, 1000).init(&device()),
        }
    }

    fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        let x = self.norm.forward(self.conv.forward(images));
        let mut x = self.pool.forward(self.relu.forward(x));
        for block in self.layers.iter().flatten() {
            x = block.forward(x);
        }
        let x = self.average.forward(x).flatten(1, 3);
        self.output.forward(x)
    }
}

fn vgg() -> Report {
    let analysis = analyse(&Vgg::new(), |n, i| n.forward(i.float([1, 3, 224, 224])));
    analysis.expect("it runs").report(&Options::default())
}

fn resnet() -> Report {
    let network = ResNet::new([3, 4, 6, 3]);
    let analysis = analyse(&network, |n, i| n.forward(i.float([1, 3, 224, 224])));
    let options = Options::default().with_training(Optimizer::Sgd);
    analysis.expect("it runs").report(&options)
}

const PEAKS: Peaks = Peaks {
    flops_per_second: 2.1e12,
    bytes_per_second: 60e9,
};

#[test]
fn show() {
    for (report, width) in [(vgg(), 100), (vgg(), 140), (resnet(), 100), (resnet(), 160)] {
        println!(
            "{}",
            report.to_table_with(&Layout::default().with_width(width))
        );
    }
    let report = resnet().with_bounds(PEAKS);
    println!(
        "{}",
        report.to_table_with(&Layout::default().with_width(100))
    );
    println!(
        "{}",
        report.to_table_with(&Layout::default().with_width(200))
    );
    println!(
        "{}",
        report
            .folded(2)
            .to_table_with(&Layout::default().with_width(80))
    );
}
