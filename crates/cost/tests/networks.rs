//! Networks of one's own: shared blocks, tied weights, several inputs and outputs, modules
//! without parameters, and where their operations are shown.

use burn::module::{Module, Param};
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::pool::{AdaptiveAvgPool2d, AdaptiveAvgPool2dConfig, MaxPool2d, MaxPool2dConfig};
use burn::nn::{
    BatchNorm, BatchNormConfig, Dropout, DropoutConfig, Embedding, EmbeddingConfig, Gelu, Linear,
    LinearConfig, PaddingConfig2d, Relu, RmsNorm, RmsNormConfig,
};
use burn::tensor::{Device, Int, Tensor};
use cost::convention::TORCH;
use cost::{Analysis, Optimizer, Options, Report, analyse};

fn device() -> Device {
    Device::flex()
}

fn report(analysis: Result<Analysis, cost::Error>) -> Report {
    let options = Options::default()
        .with_convention(TORCH)
        .with_training(Optimizer::Sgd);
    let report = analysis.expect("it runs").report(&options);
    let sum = |value: fn(&cost::report::Row) -> u128| report.rows.iter().map(value).sum::<u128>();
    assert_eq!(sum(|row| row.cost), report.total.cost);
    assert_eq!(
        sum(|row| row.parameters.count()),
        report.total.parameters.count()
    );
    assert_eq!(sum(|row| row.work.flops()), report.total.work.flops());
    report
}

fn training(report: &Report) -> u128 {
    report.total.cost + report.total.backward_cost
}

#[track_caller]
fn row<'a>(report: &'a Report, path: &str) -> &'a cost::report::Row {
    let row = report.rows.iter().find(|row| row.path == path);
    row.unwrap_or_else(|| panic!("no row `{path}` in {:?}", paths(report)))
}

fn paths(report: &Report) -> Vec<&str> {
    report.rows.iter().map(|row| row.path.as_str()).collect()
}

#[derive(Module, Debug)]
struct Block {
    first: Conv2d,
    first_norm: BatchNorm,
    relu: Relu,
    second: Conv2d,
    second_norm: BatchNorm,
}

impl Block {
    fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        let x = self
            .relu
            .forward(self.first_norm.forward(self.first.forward(input.clone())));
        let x = self.second_norm.forward(self.second.forward(x));
        self.relu.forward(x + input)
    }
}

#[derive(Module, Debug)]
struct Residual {
    stem: Conv2d,
    block: Block,
    pool: AdaptiveAvgPool2d,
    output: Linear,
}

impl Residual {
    fn new() -> Self {
        let conv = |channels, bias| {
            Conv2dConfig::new(channels, [3, 3])
                .with_padding(PaddingConfig2d::Explicit(1, 1, 1, 1))
                .with_bias(bias)
                .init(&device())
        };
        Self {
            stem: conv([3, 8], true),
            block: Block {
                first: conv([8, 8], false),
                first_norm: BatchNormConfig::new(8).init(&device()),
                relu: Relu::new(),
                second: conv([8, 8], false),
                second_norm: BatchNormConfig::new(8).init(&device()),
            },
            pool: AdaptiveAvgPool2dConfig::new([1, 1]).init(),
            output: LinearConfig::new(8, 10).init(&device()),
        }
    }

    fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        let x = self.stem.forward(images);
        let x = self.block.forward(self.block.forward(x));
        self.output.forward(self.pool.forward(x).flatten(1, 3))
    }
}

#[test]
fn a_block_that_is_called_twice() {
    let network = Residual::new();
    let report = report(analyse(&network, |n, i| n.forward(i.float([2, 3, 9, 7]))));
    // FlopCounterMode's figures of the same network.
    assert_eq!(report.total.parameters.count(), 1498);
    assert_eq!(report.total.cost, 635_360);
    assert_eq!(training(&report), 1_851_648);
    let convolution = row(&report, "block.first");
    assert_eq!(
        (convolution.calls, convolution.parameters.count()),
        (2, 576)
    );
    assert_eq!(convolution.cost, 2 * 2 * 2 * 8 * 63 * 72);
    assert_eq!(row(&report, "block.first_norm").calls, 2);
    // Two ReLUs in each of two calls, one module.
    let relu = row(&report, "block.relu");
    assert_eq!((relu.calls, relu.work.comparisons), (4, 4 * 2 * 8 * 63));
    // The additions of the shortcut belong to nothing smaller than the block.
    let block = row(&report, "block");
    assert_eq!(
        (block.module.as_str(), block.work.additions),
        ("Block", 2 * 2 * 8 * 63)
    );
    assert_eq!(row(&report, "pool").module, "AdaptiveAvgPool2d");
}

#[derive(Module, Debug)]
struct Twice {
    linear: Linear,
}

#[test]
fn a_layer_that_is_called_twice() {
    let network = Twice {
        linear: LinearConfig::new(16, 16).init(&device()),
    };
    let forward = |n: &Twice, x| n.linear.forward(n.linear.forward(x));
    let report = report(analyse(&network, |n, i| forward(n, i.float::<2>([3, 16]))));
    assert_eq!(report.total.parameters.count(), 272);
    assert_eq!((report.total.cost, training(&report)), (3072, 7680));
    assert_eq!(row(&report, "linear").calls, 2);
}

#[derive(Module, Debug)]
struct Tied {
    embedding: Embedding,
    output: Linear,
}

#[test]
fn tied_weights_count_once() {
    // One parameter in two modules: the same identity, so the same tensor.
    let first = LinearConfig::new(16, 16).with_bias(false).init(&device());
    let network = Pair {
        second: first.clone(),
        first,
    };
    let report = report(analyse(&network, |n, i| {
        n.second.forward(n.first.forward(i.float::<2>([3, 16])))
    }));
    assert_eq!(report.total.parameters.count(), 256);
    assert_eq!(row(&report, "first").parameters.count(), 256);
    assert_eq!(row(&report, "second").parameters.count(), 0);
    assert_eq!(report.total.cost, 2 * 2 * 3 * 256);
}

#[derive(Module, Debug)]
struct Pair {
    first: Linear,
    second: Linear,
}

#[test]
fn an_embedding_that_is_the_output_layer_too() {
    let network = Tied {
        embedding: EmbeddingConfig::new(20, 16).init(&device()),
        output: LinearConfig::new(16, 20).with_bias(false).init(&device()),
    };
    let forward = |n: &Tied, tokens: Tensor<2, Int>| {
        let x = n.embedding.forward(tokens);
        x.matmul(n.embedding.weight.val().transpose().unsqueeze())
    };
    let report = report(analyse(&network, |n, i| forward(n, i.int([2, 5]))));
    // 2·(2·5)·16·20 of the product, which reads the embedding's weights.
    assert_eq!(report.total.cost, 6400);
    assert_eq!(row(&report, "embedding").cost, 6400);
    assert_eq!(training(&report), 19200);
}

#[derive(Module, Debug)]
struct TwoSided {
    left: Linear,
    right: Linear,
    relu: Relu,
    first: Linear,
    second: Linear,
}

#[test]
fn two_inputs_and_two_outputs() {
    let linear = |a, b| LinearConfig::new(a, b).init(&device());
    let network = TwoSided {
        left: linear(8, 16),
        right: linear(12, 16),
        relu: Relu::new(),
        first: linear(16, 4),
        second: linear(16, 3),
    };
    let report = report(analyse(&network, |n, i| {
        let (x, y) = (i.float::<2>([3, 8]), i.float::<2>([3, 12]));
        let hidden = n.relu.forward(n.left.forward(x) + n.right.forward(y));
        (n.first.forward(hidden.clone()), n.second.forward(hidden))
    }));
    assert_eq!(report.total.parameters.count(), 471);
    assert_eq!((report.total.cost, training(&report)), (2592, 5856));
    assert_eq!((report.inputs.len(), report.outputs.len()), (2, 2));
    assert_eq!(report.outputs[1].shape, [3, 3]);
}

#[derive(Module, Debug)]
struct Plain {
    conv: Conv2d,
    norm: Option<BatchNorm>,
    relu: Relu,
    pool: MaxPool2d,
    first: Linear,
    gelu: Gelu,
    dropout: Dropout,
    norms: Vec<RmsNorm>,
    last: Linear,
}

#[test]
fn operations_without_parameters_find_their_modules() {
    let network = Plain {
        conv: Conv2dConfig::new([1, 2], [3, 3]).init(&device()),
        norm: None,
        relu: Relu::new(),
        pool: MaxPool2dConfig::new([2, 2]).with_strides([2, 2]).init(),
        first: LinearConfig::new(18, 4).init(&device()),
        gelu: Gelu::new(),
        dropout: DropoutConfig::new(0.5).init(),
        norms: vec![RmsNormConfig::new(4).init(&device())],
        last: LinearConfig::new(4, 4).init(&device()),
    };
    let report = report(analyse(&network, |n, i| {
        let x = n.relu.forward(n.conv.forward(i.float([2, 1, 8, 8])));
        let x: Tensor<2> = n.pool.forward(x).flatten(1, 3);
        let x = n.dropout.forward(n.gelu.forward(n.first.forward(x)));
        let x = n.norms[0].forward(x.clone() + x);
        burn::tensor::activation::softmax(n.last.forward(x), 1)
    }));
    assert_eq!(row(&report, "relu").work.comparisons, 2 * 2 * 36);
    assert_eq!(row(&report, "pool").work.comparisons, 2 * 2 * 9 * 3);
    assert_eq!(row(&report, "gelu").work.elementary, 8);
    // The whole norm with its statistics, and nothing of the sum before it.
    assert_eq!(
        row(&report, "norms.0").work.flops(),
        2 * (4 + 4 + 1 + 4 + 4)
    );
    assert_eq!(row(&report, "norms.0").module, "RmsNorm");
    let root = row(&report, "");
    assert_eq!((root.module.as_str(), root.work.elementary), ("Plain", 8));
    assert_eq!(row(&report, "dropout").calls, 0);
    assert!(
        !paths(&report).contains(&"norm"),
        "an absent module has no row"
    );
}

#[derive(Module, Debug)]
struct Positions {
    table: Param<Tensor<2>>,
    linear: Linear,
}

#[test]
fn parameters_of_the_module_itself_and_folding() {
    let network = Positions {
        table: Param::from_tensor(Tensor::zeros([5, 16], &device())),
        linear: LinearConfig::new(16, 8).init(&device()),
    };
    let report = report(analyse(&network, |n, i| {
        let x = i.float::<3>([2, 5, 16]) + n.table.val().unsqueeze();
        n.linear.forward(x)
    }));
    assert_eq!(row(&report, "").parameters.trainable, 80);
    assert_eq!(row(&report, "").work.additions, 160);
    let folded = report.folded(0);
    assert_eq!(folded.rows.len(), 1);
    assert_eq!(folded.rows[0].cost, report.total.cost);
    assert_eq!(folded.rows[0].parameters, report.total.parameters);
}
