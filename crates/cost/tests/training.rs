//! The backward pass and the memory of a training step.

use burn::module::Module;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::{Linear, LinearConfig, PaddingConfig2d, Relu};
use burn::tensor::{Device, Tensor};
use cost::convention::TORCH;
use cost::{Analysis, Optimizer, Options, Report, analyse};

fn device() -> Device {
    Device::flex()
}

fn options() -> Options {
    Options::default()
        .with_convention(TORCH)
        .with_training(Optimizer::Sgd)
}

fn training(report: &Report) -> u128 {
    report.total.cost + report.total.backward_cost
}

#[test]
fn grouped_convolutions_cost_twice_their_forward_pass_going_back() {
    // FlopCounterMode reports 45,360 and 54,432 for this layer. It evaluates the gradient of
    // the weights as a convolution over all pairs of input and output channels, though only
    // pairs of one group have a weight, and so counts it `groups` times. Each gradient has one
    // product for each product of the forward pass, whatever the groups: three times 9,072
    // with the input's gradient, twice without.
    let layer = Conv2dConfig::new([4, 4], [3, 3])
        .with_padding(PaddingConfig2d::Explicit(1, 1, 1, 1))
        .with_groups(4)
        .init(&device());
    let analysis = analyse(&layer, |l, i| l.forward(i.float([2, 4, 9, 7]))).expect("it runs");
    assert_eq!(training(&analysis.report(&options())), 18144);
    let with_input = analysis.report(&options().with_input_gradients());
    assert_eq!(training(&with_input), 27216);
}

#[derive(Module, Debug)]
struct Three {
    first: Linear,
    second: Linear,
    third: Linear,
}

impl Three {
    fn new() -> Self {
        Self {
            first: LinearConfig::new(8, 16).init(&device()),
            second: LinearConfig::new(16, 16).init(&device()),
            third: LinearConfig::new(16, 4).init(&device()),
        }
    }

    fn analyse(&self, batch: usize) -> Analysis {
        let analysis = analyse(self, |n, i| {
            let x = n.first.forward(i.float::<2>([batch, 8]));
            n.third.forward(n.second.forward(x))
        });
        analysis.expect("it runs")
    }
}

#[test]
fn frozen_layers_have_no_gradient_of_their_weights() {
    let whole = Three::new();
    let forward = 2 * 3 * (128 + 256 + 64);
    let report = whole.analyse(3).report(&options());
    assert_eq!(training(&report), 3 * forward - 2 * 3 * 128);

    // Behind something trainable, a frozen layer still hands the gradient on.
    let mut middle = Three::new();
    middle.second = middle.second.freeze();
    let report = middle.analyse(3).report(&options());
    assert_eq!(training(&report), 5760);
    assert_eq!(report.total.parameters.frozen, 272);
    let report = middle.analyse(3).report(&options().with_input_gradients());
    assert_eq!(training(&report), 6528);

    // Before everything trainable it has nothing to do.
    let mut first = Three::new();
    first.first = first.first.freeze();
    let report = first.analyse(3).report(&options());
    assert_eq!(training(&report), 4992);

    let frozen = Three::new().freeze();
    let report = frozen.analyse(3).report(&options());
    assert_eq!(report.total.backward_cost, 0);
    assert_eq!(report.training.expect("asked for").memory.gradients, 0);
}

#[test]
fn costs_grow_with_the_batch() {
    let network = Three::new();
    let one = network.analyse(1).report(&options());
    let eight = network.analyse(8).report(&options());
    assert_eq!(training(&eight), 8 * training(&one));
    let (one, eight) = (
        one.training.expect("asked for"),
        eight.training.expect("asked for"),
    );
    assert_eq!(eight.memory.inputs, 8 * one.memory.inputs);
    assert_eq!(eight.memory.gradients, one.memory.gradients);
}

#[test]
fn optimizers_keep_and_do_what_they_are_defined_by() {
    let analysis = Three::new().analyse(1);
    let parameters = 144 + 272 + 68;
    for (optimizer, state, per_parameter) in [
        (Optimizer::Sgd, 0, 2),
        (Optimizer::Momentum, 1, 4),
        (Optimizer::Adam, 2, 13),
    ] {
        let report = analysis.report(&options().with_training(optimizer));
        let step = report.training.expect("asked for");
        assert_eq!(step.memory.optimizer, state * 4 * parameters, "{optimizer}");
        assert_eq!(
            step.update.flops(),
            per_parameter * parameters,
            "{optimizer}"
        );
    }
}

#[derive(Module, Debug)]
struct Small {
    conv: Conv2d,
    relu: Relu,
}

#[test]
fn memory_by_hand() {
    let network = Small {
        conv: Conv2dConfig::new([1, 4], [3, 3])
            .with_padding(PaddingConfig2d::Explicit(1, 1, 1, 1))
            .init(&device()),
        relu: Relu::new(),
    };
    let analysis = analyse(&network, |n, i| {
        n.relu.forward(n.conv.forward(i.float([2, 1, 8, 8])))
    });
    let report = analysis.expect("it runs").report(&options());
    let (parameters, input, map) = (4 * 40, 4 * 2 * 64, 4 * 2 * 4 * 64);
    // Input and output of the convolution; ReLU then writes into the output's memory.
    assert_eq!(report.inference.peak, parameters + input + map);
    assert_eq!(report.inference.peak_operation, "conv2d");
    assert_eq!(report.inference.peak_path, "conv");
    // In training ReLU's input is kept, its output is the result; both and their gradients are
    // alive when ReLU is reversed.
    let memory = report.training.expect("asked for").memory;
    assert_eq!(memory.saved, map);
    assert_eq!(memory.peak, parameters + input + 2 * map + 2 * map);
    assert_eq!(memory.peak_operation, "relu (backward)");
}

#[test]
fn a_dead_branch_has_no_backward_pass() {
    let network = Three::new();
    let analysis = analyse(&network, |n, i| {
        let x = n.first.forward(i.float::<2>([3, 8]));
        let _unused: Tensor<2> = n.second.forward(x.clone());
        n.third.forward(x)
    });
    let report = analysis.expect("it runs").report(&options());
    let row = |path: &str| {
        report
            .rows
            .iter()
            .find(|row| row.path == path)
            .expect("a row")
            .clone()
    };
    assert_eq!(row("second").backward_cost, 0);
    assert_eq!(row("third").backward_cost, 2 * row("third").cost);
    assert_eq!(row("first").backward_cost, row("first").cost);
}
