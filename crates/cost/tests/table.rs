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

/// A line of a table: how far its name is indented, its name, and all cells.
struct Line {
    indent: usize,
    name: String,
    cells: Vec<String>,
}

/// The lines between the first rule and the second, and the total below it. Columns are at least
/// two spaces apart.
fn lines(table: &str) -> (Vec<Line>, Line) {
    let mut parts = table.split("──\n");
    let (_, rows, total) = (parts.next(), parts.next(), parts.next());
    let line = |text: &str| {
        let indent = text.len() - text.trim_start().len();
        let cells: Vec<String> = text
            .split("  ")
            .map(|cell| cell.trim().to_owned())
            .filter(|cell| !cell.is_empty())
            .collect();
        let name = cells.first().cloned().unwrap_or_default();
        Line {
            indent,
            name,
            cells,
        }
    };
    let is_line = |text: &&str| !text.starts_with('─');
    let rows = rows
        .expect("rows")
        .lines()
        .filter(is_line)
        .map(line)
        .collect();
    let total = total.and_then(|rest| rest.lines().next()).expect("a total");
    (rows, line(total))
}

fn wide(report: &Report, all: bool) -> String {
    report.to_table_with(&Layout { width: 300, all })
}

/// The exact number in a cell, from the end, without parentheses.
fn number(line: &Line, from_end: usize) -> u128 {
    let cell = &line.cells[line.cells.len() - from_end];
    let digits: String = cell.chars().filter(char::is_ascii_digit).collect();
    digits.parse().expect("a number")
}

/// Parameters and cost, in the columns before `%` and activations.
fn figures(line: &Line) -> [u128; 2] {
    [number(line, 4), number(line, 3)]
}

#[test]
fn shown_figures_add_up_folded_or_not() {
    let report = vgg();
    for depth in 0..6 {
        for all in [false, true] {
            let (rows, total) = lines(&wide(&report.folded(depth), all));
            let mut sum = [0; 2];
            for row in rows.iter().filter(|row| !row.cells.concat().contains('(')) {
                let [parameters, cost] = figures(row);
                sum = [sum[0] + parameters, sum[1] + cost];
            }
            if depth > 0 {
                assert_eq!(sum, figures(&total), "{depth} {all}");
            }
            assert_eq!(figures(&total), [138_357_544, 15_470_264_320]);
        }
    }
}

#[test]
fn a_line_is_the_sum_of_the_lines_right_below_it() {
    let (rows, _) = lines(&wide(&vgg(), false));
    let mut holders = 0;
    for (index, row) in rows.iter().enumerate() {
        let below = rows[index + 1..].iter();
        let below: Vec<&Line> = below
            .take_while(|below| below.indent > row.indent)
            .collect();
        let Some(first) = below.first() else { continue };
        let sum = below
            .iter()
            .filter(|line| line.indent == first.indent)
            .fold([0; 2], |sum, line| {
                let [parameters, cost] = figures(line);
                [sum[0] + parameters, sum[1] + cost]
            });
        assert_eq!(sum, figures(row), "{}", row.name);
        holders += 1;
    }
    assert!(holders > 10, "{holders}");
}

#[test]
fn equal_blocks_are_one_line() {
    let table = wide(&resnet(), false);
    let (rows, _) = lines(&table);
    let names: Vec<&str> = rows.iter().map(|row| row.name.as_str()).collect();
    for name in ["0.0–2 ×3", "1–3 ×3", "1–5 ×5", "1–2 ×2"] {
        assert!(names.contains(&name), "{name} is missing in\n{table}");
    }
    // Three blocks begin with a shortcut, and are like no other.
    assert_eq!(names.iter().filter(|name| **name == "0").count(), 3);
    let (all, _) = lines(&wide(&resnet(), true));
    assert!(all.iter().all(|row| !row.name.contains('×')));
    let blocks = all
        .iter()
        .filter(|row| row.cells[1] == "BasicBlock")
        .count();
    assert_eq!(blocks, 3 + 4 + 6 + 3);
}

#[test]
fn no_line_is_wider_than_asked_for() {
    for report in [vgg(), resnet(), resnet().with_bounds(PEAKS)] {
        for width in 40..220 {
            for depth in [1, 3, 9] {
                let layout = Layout::default().with_width(width);
                let table = report.folded(depth).to_table_with(&layout);
                let widest = table.lines().map(|line| line.chars().count()).max();
                assert!(widest <= Some(width), "{width}\n{table}");
            }
        }
    }
}

#[test]
fn bounds_of_a_network_lie_between_its_roofs_and_their_sum() {
    for report in [vgg(), resnet()] {
        let bounds = report.with_bounds(PEAKS).bounds.expect("asked for");
        let (arithmetic, memory) = (bounds.arithmetic_alone, bounds.memory_alone);
        let sum = bounds.sum.seconds();
        assert!(sum >= arithmetic.max(memory), "{bounds:?}");
        assert!(sum <= arithmetic + memory, "{bounds:?}");
    }
}
