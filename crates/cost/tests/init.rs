//! Modules that are built on the recording's device, and hints for those that are not.

use burn::module::{Module, Param};
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::{
    BatchNorm, BatchNormConfig, Embedding, EmbeddingConfig, Linear, LinearConfig,
    PositionalEncoding, PositionalEncodingConfig, Relu, RotaryEncoding, RotaryEncodingConfig,
};
use burn::tensor::{DType, Device, FloatDType, Int, Tensor};
use cost::{Error, Optimizer, Options, Report, analyse, analyse_init};

fn training(analysis: &cost::Analysis) -> Report {
    analysis.report(&Options::default().with_training(Optimizer::Adam))
}

/// As burn-onnx generates it: initialisers are parameters with values, the device is kept.
#[derive(Module, Debug)]
struct Generated {
    words: Embedding,
    scale: Param<Tensor<1>>,
    mask: Tensor<2>,
    output: Linear,
    #[module(skip)]
    device: Device,
}

impl Generated {
    fn new(device: &Device) -> Self {
        Self {
            words: EmbeddingConfig::new(100, 16).init(device),
            scale: Param::from_tensor(Tensor::ones([16], device)),
            mask: Tensor::ones([8, 8], device).tril(0),
            output: LinearConfig::new(16, 4).init(device),
            device: device.clone(),
        }
    }

    fn forward(&self, words: Tensor<2, Int>) -> Tensor<3> {
        let positions = Tensor::<1, Int>::arange(0..8, &self.device);
        let words = self.words.forward(words + positions.unsqueeze());
        let words = words * self.scale.val().unsqueeze();
        self.output
            .forward(self.mask.clone().unsqueeze().matmul(words))
    }
}

#[test]
fn a_module_that_keeps_its_device() {
    let analysis = analyse_init(Generated::new, |m, i| m.forward(i.int([1, 8]))).expect("it runs");
    let report = training(&analysis);
    assert_eq!(report.total.parameters.trainable, 1600 + 16 + 16 * 4 + 4);
    assert_eq!(report.total.parameters.frozen, 0);
    assert_eq!(report.total.cost, 8 * 8 * 16 + 8 * 16 * 4);
    // The mask was made before, so only its result is there; the positions are 64-bit integers.
    assert_eq!(report.inference.buffers, 8 * 8 * 4 + 8 * 8);
    let scale = report.rows.iter().find(|row| row.path.is_empty());
    assert_eq!(scale.expect("the root").parameters.trainable, 16);
    assert!(report.uncounted.is_empty(), "{:?}", report.uncounted);
    assert!(!report.by_kind.iter().any(|kind| kind.kind == "random"));
}

#[test]
fn the_way_out_is_named() {
    let device = Device::flex();
    let module = Generated::new(&device);
    let error = analyse(&module, |m, i| m.forward(i.int([1, 8]))).expect_err("two devices");
    let Error::Forward { hint, .. } = &error else {
        panic!("{error:?}");
    };
    assert!(hint.expect("a hint").contains("`analyse_init`"), "{error}");
    assert!(error.to_string().contains("another device"), "{error}");
}

#[derive(Module, Debug)]
struct Network {
    conv: Conv2d,
    norm: BatchNorm,
    relu: Relu,
    output: Linear,
    tied: Linear,
}

impl Network {
    fn new(device: &Device) -> Self {
        let output = LinearConfig::new(4 * 36, 4 * 36).init(device);
        Self {
            conv: Conv2dConfig::new([3, 4], [3, 3]).init(device),
            norm: BatchNormConfig::new(4).init(device),
            relu: Relu::new(),
            tied: output.clone(),
            output,
        }
    }

    fn half_frozen(device: &Device) -> Self {
        let mut network = Self::new(device);
        network.conv = network.conv.freeze();
        network.norm = network.norm.freeze();
        network
    }

    fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        let x = self.norm.forward(self.conv.forward(images));
        let x = self.output.forward(self.relu.forward(x).flatten(1, 3));
        self.tied.forward(x)
    }
}

#[test]
fn both_ways_give_the_same() {
    let device = Device::flex();
    for init in [Network::new, Network::half_frozen] {
        let built = init(&device);
        let there = analyse(&built, |n, i| n.forward(i.float([2, 3, 8, 8]))).expect("it runs");
        let autodiff = init(&device.clone().autodiff());
        let tracked = analyse(&autodiff, |n, i| n.forward(i.float([2, 3, 8, 8])));
        let here = analyse_init(init, |n, i| n.forward(i.float([2, 3, 8, 8]))).expect("it runs");
        assert_eq!(training(&there), training(&here));
        assert_eq!(training(&there), training(&tracked.expect("it runs")));
        // A closure may take another device than the one it is given.
        let away = analyse_init(|_| init(&device), |n, i| n.forward(i.float([2, 3, 8, 8])));
        assert_eq!(training(&there), training(&away.expect("it runs")));
    }
    let here = analyse_init(Network::half_frozen, |n, i| {
        n.forward(i.float([2, 3, 8, 8]))
    });
    let total = training(&here.expect("it runs")).total.parameters;
    assert_eq!((total.frozen, total.buffers), (3 * 4 * 9 + 4 + 8, 8));
}

#[derive(Module, Debug)]
struct Encodings {
    fixed: PositionalEncoding,
    rotary: RotaryEncoding,
}

#[test]
fn tables_that_are_computed_at_the_start() {
    let init = |device: &Device| Encodings {
        fixed: PositionalEncodingConfig::new(16).init(device),
        rotary: RotaryEncodingConfig::new(32, 16).init(device),
    };
    let forward = |e: &Encodings, i: &mut cost::Inputs| {
        e.rotary
            .forward(e.fixed.forward(i.float([1, 8, 16])).unsqueeze::<4>())
    };
    let built = init(&Device::flex());
    let there = analyse(&built, forward).expect("it runs");
    let here = analyse_init(init, forward).expect("it runs");
    assert_eq!(training(&there), training(&here));
}

#[test]
fn a_panic_while_it_is_built() {
    let error = analyse_init(
        |device| {
            let size: i32 = Tensor::<1>::ones([4], device).sum().int().into_scalar();
            LinearConfig::new(size as usize, 4).init(device)
        },
        |layer, i| layer.forward(i.float([1, 4])),
    );
    let error = error.expect_err("nothing is computed").to_string();
    assert!(error.contains("could not be built"), "{error}");
    assert!(error.contains("A value was read"), "{error}");
    let error = analyse_init(
        |_| -> Linear { panic!("no such size") },
        |layer, i| layer.forward(i.float([1, 4])),
    );
    assert!(
        matches!(&error, Err(Error::Init { message, hint: None }) if message == "no such size"),
        "{error:?}"
    );
}

fn hint(forward: impl FnOnce(&Linear, &mut cost::Inputs) -> Tensor<2>) -> &'static str {
    let layer = LinearConfig::new(4, 4).init(&Device::flex());
    match analyse(&layer, forward) {
        Err(Error::Forward { hint, .. }) => hint.unwrap_or("none"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn hints_for_what_happens_most() {
    let device = Device::flex();
    let read = "A value was read";
    let other = "another device";
    let dtype = "different element types";
    let found = hint(|l, i| {
        let x = l.forward(i.float([2, 4]));
        let data = x.clone().into_data();
        x * data.num_elements() as f32
    });
    assert!(found.starts_with(read), "{found}");
    let found = hint(|l, i| {
        let x = l.forward(i.float([2, 4]));
        match x.clone().sum().into_scalar::<f32>() > 1.0 {
            true => x,
            false => -x,
        }
    });
    assert!(found.starts_with(read), "{found}");
    let found = hint(|l, i| l.forward(i.float([2, 4])).to_device(&device));
    assert!(found.starts_with(read), "{found}");

    let found = hint(|l, i| l.forward(i.float([2, 4])) + Tensor::ones([2, 4], &device));
    assert!(found.contains(other), "{found}");
    let found = hint(|l, i| {
        let rows = Tensor::<1, Int>::arange(0..1, &device);
        l.forward(i.float([2, 4])).select(0, rows)
    });
    assert!(found.contains(other), "{found}");
    let found = hint(|l, _| l.forward(Tensor::ones([2, 4], &device)));
    assert!(found.contains(other), "{found}");

    let found = hint(|l, i| {
        let half = i.float_as([2, 4], FloatDType::F16);
        half + l.forward(i.float([2, 4]))
    });
    assert!(found.contains(dtype), "{found}");
    let found = hint(|_, i| {
        let half = Tensor::<2>::ones([2, 4], (i.device(), DType::BF16));
        Tensor::cat(vec![half, i.float([2, 4])], 0)
    });
    assert!(found.contains(dtype), "{found}");

    let found = hint(|l, i| l.forward(i.float([2, 4]).require_grad()));
    assert!(found.contains("with_training"), "{found}");
    assert_eq!(hint(|l, i| l.forward(i.float([2, 5]))), "none");
}
