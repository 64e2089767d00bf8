//! Forward passes that cannot work, and many at once.

use std::thread;

use burn::module::{Module, Param};
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::{BatchNorm, BatchNormConfig, Linear, LinearConfig, Relu};
use burn::tensor::{Device, Tensor};
use cost::{Analysis, Error, Options, analyse};

fn device() -> Device {
    Device::flex()
}

#[derive(Module, Debug)]
struct Network {
    conv: Conv2d,
    norm: BatchNorm,
    relu: Relu,
    output: Linear,
}

impl Network {
    fn new(device: &Device) -> Self {
        Self {
            conv: Conv2dConfig::new([3, 4], [3, 3]).init(device),
            norm: BatchNormConfig::new(4).init(device),
            relu: Relu::new(),
            output: LinearConfig::new(4 * 36, 10).init(device),
        }
    }

    fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        let x = self
            .relu
            .forward(self.norm.forward(self.conv.forward(images)));
        self.output.forward(x.flatten(1, 3))
    }

    fn analyse(&self, size: usize) -> Result<Analysis, Error> {
        analyse(self, |n, i| n.forward(i.float([1, 3, size, size])))
    }
}

fn macs(analysis: Result<Analysis, Error>) -> u128 {
    analysis
        .expect("it runs")
        .report(&Options::default())
        .total
        .cost
}

const MACS: u128 = 4 * 36 * 27 + 4 * 36 * 10;

#[test]
fn a_wrong_shape_names_the_place() {
    let network = Network::new(&device());
    let error = network
        .analyse(9)
        .expect_err("the linear layer does not fit")
        .to_string();
    for part in [
        "the forward pass stopped after",
        "`reshape` in `Network`, which gave [1, 196]",
        "expected 144",
    ] {
        assert!(error.contains(part), "{part}: {error}");
    }
    let error = analyse(&network, |n, i| n.forward(i.float([1, 5, 8, 8]))).expect_err("channels");
    assert!(
        error
            .to_string()
            .contains("on inputs of shape [1, 5, 8, 8]"),
        "{error}"
    );
    // Nothing is left behind.
    assert_eq!(macs(network.analyse(8)), MACS);
}

#[test]
fn a_panic_is_an_error() {
    let network = Network::new(&device());
    let error = analyse(&network, |n, i| -> Tensor<4> {
        let _ = n.conv.forward(i.float([1, 3, 8, 8]));
        panic!("the forward pass does not like this");
    });
    let error = error.expect_err("it panics").to_string();
    assert!(
        error.contains("`conv2d` in `conv` (Conv2d), which gave [1, 4, 6, 6]"),
        "{error}"
    );
    assert!(error.contains("does not like this"), "{error}");
    assert_eq!(macs(network.analyse(8)), MACS);
}

#[test]
fn an_error_of_the_forward_pass_is_handed_on() {
    let network = Network::new(&device());
    let error = analyse(&network, |_, _| Err::<Tensor<2>, _>("no such image"));
    assert!(matches!(error, Err(Error::Rejected(reason)) if reason == "no such image"));
}

#[test]
fn tensors_of_another_device() {
    let network = Network::new(&device());
    let elsewhere = Tensor::<4>::zeros([1, 3, 8, 8], &device());
    let error = analyse(&network, |n, _| n.forward(elsewhere.clone()));
    assert!(matches!(error, Err(Error::Forward { .. })), "{error:?}");
    let error = analyse(&network, |n, i| {
        let output = n.forward(i.float([1, 3, 8, 8]));
        (output, elsewhere)
    });
    assert!(
        matches!(error, Err(Error::ForeignOutput { index: 1 })),
        "{error:?}"
    );
    assert_eq!(macs(network.analyse(8)), MACS);
}

#[test]
fn a_module_on_an_autodiff_device() {
    let network = Network::new(&device().autodiff());
    assert_eq!(macs(network.analyse(8)), MACS);
}

#[test]
fn reading_values_is_an_error() {
    let network = Network::new(&device());
    let error = analyse(&network, |n, i| {
        let x = n.forward(i.float([1, 3, 8, 8]));
        let first: f32 = x.clone().sum().into_scalar();
        x * first
    });
    assert!(matches!(error, Err(Error::Forward { .. })), "{error:?}");
}

#[test]
fn the_module_stays_as_it_was() {
    let network = Network::new(&device());
    let _ = network.analyse(8).expect("it runs");
    assert!(
        !network.conv.weight.is_initialized(),
        "no weight was allocated"
    );
    // Running statistics are shared between clones, so this would show a change.
    let images = || Tensor::<4>::ones([1, 3, 8, 8], &device());
    let before = network.forward(images()).into_data();
    let _ = network.analyse(8).expect("it runs");
    let _ = network.analyse(9).expect_err("it does not fit");
    assert_eq!(network.forward(images()).into_data(), before);
    assert_eq!(network.norm.running_mean.value().dims(), [4]);
}

#[derive(Module, Debug)]
struct Constant {
    scale: Tensor<1>,
    weight: Param<Tensor<1>>,
}

#[test]
fn plain_tensors_of_a_module_follow() {
    let module = Constant {
        scale: Tensor::ones([4], &device()),
        weight: Param::from_tensor(Tensor::ones([4], &device())),
    };
    let analysis = analyse(&module, |m, i| {
        i.float([4]) * m.scale.clone() + m.weight.val()
    });
    let report = analysis.expect("it runs").report(&Options::default());
    assert_eq!(report.total.parameters.count(), 4);
    assert_eq!(report.inference.buffers, 16);
    assert_eq!(report.total.work.flops(), 8);
}

#[test]
fn several_threads_at_once() {
    let network = Network::new(&device());
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..50 {
                    assert_eq!(macs(network.analyse(8)), MACS);
                    assert!(network.analyse(9).is_err());
                }
            });
        }
    });
}

#[test]
fn an_analysis_inside_an_analysis() {
    let (outer, inner) = (Network::new(&device()), Network::new(&device()));
    let analysis = analyse(&outer, |n, i| {
        assert_eq!(macs(inner.analyse(8)), MACS);
        n.forward(i.float([1, 3, 8, 8]))
    });
    assert_eq!(macs(analysis), MACS);
}

#[test]
fn counts_beyond_64_bits_are_exact() {
    let images = 4_000_000_000;
    let layer = Conv2dConfig::new([3, 64], [3, 3]).init(&device());
    let analysis = analyse(&layer, |l, i| l.forward(i.float([images, 3, 226, 226])));
    let report = analysis.expect("it runs").report(&Options::default());
    let macs = images as u128 * 64 * 224 * 224 * 27;
    assert_eq!(report.total.cost, macs);
    assert_eq!(report.rows[0].cost, macs);
    let json = report.to_json().expect("it can be written");
    let read: cost::Report = serde_json::from_str(&json).expect("it can be read");
    assert_eq!(read.total.cost, macs);
}

#[test]
fn tensors_beyond_any_memory_are_an_error() {
    let layer = LinearConfig::new(1 << 31, 1 << 31).init(&device());
    let error = analyse(&layer, |l, i| l.forward(i.float([1 << 20, 1 << 31])));
    let error = error.expect_err("a weight of 2^64 bytes").to_string();
    assert!(error.contains("[2147483648, 2147483648]"), "{error}");

    let layer = LinearConfig::new(8, 1 << 31).init(&device());
    let error = analyse(&layer, |l, i| l.forward(i.float([1 << 40, 8])));
    let error = error.expect_err("an output of 2^73 bytes").to_string();
    assert!(error.contains("[1099511627776, 2147483648]"), "{error}");

    let layer = Linear {
        weight: LinearConfig::new(8, 8).init(&device()).weight,
        bias: None,
    };
    let error = analyse(&layer, |l, i| l.forward(i.float([usize::MAX >> 8, 8])));
    assert!(matches!(error, Err(Error::TooLarge { .. })), "{error:?}");
}
