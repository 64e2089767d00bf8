//! What the networks take, give and store.

#![cfg(feature = "flex")]

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{Device, Distribution, Tensor, Tolerance};
use vgg::{Engine, Pooling, Precision, Vgg, VggConfig, WeightInit, WeightsError};

/// A named network, narrow enough for a test.
fn narrow(name: &str) -> VggConfig {
    let config = VggConfig::named(name).expect("a known name");
    let hidden = config.hidden.iter().map(|size| size / 8).collect();
    config.with_width(1.0 / 16.0).with_hidden(hidden)
}

fn network(config: &VggConfig) -> Vgg {
    config.init(&Device::flex()).expect("valid")
}

fn zeros(shape: [usize; 4]) -> Tensor<4> {
    Tensor::zeros(shape, &Device::flex())
}

#[derive(Default)]
struct Trainable(usize);

impl ModuleVisitor for Trainable {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if param.is_require_grad() {
            self.0 += param.lazy_shape().num_elements();
        }
    }
}

#[test]
fn every_named_network_has_the_parameters_that_the_formula_says() {
    for name in VggConfig::names() {
        let config = VggConfig::named(&name).expect("a known name");
        let mut counted = Trainable::default();
        // Weights are drawn when they are first used: nothing is allocated here.
        config
            .init(&Device::flex().autodiff())
            .expect("valid")
            .visit(&mut counted);
        assert_eq!(counted.0 as u128, config.parameter_count(), "{name}");
    }
}

#[test]
fn every_named_network_gives_logits_features_and_probabilities() {
    for name in VggConfig::names() {
        let config = narrow(&name).with_classes(7);
        let network = network(&config);
        let side = if config.pooling == Pooling::Flatten {
            config.input_size[0]
        } else {
            33
        };
        let images = zeros([2, config.input_channels, side, side]);
        assert_eq!(
            network.forward(images.clone()).expect("fits").dims(),
            [2, 7],
            "{name}"
        );
        let map = side / config.smallest_input();
        let features = network
            .forward_features(images.clone())
            .expect("fits")
            .dims();
        assert_eq!(features, [2, 32, map, map], "{name}");
        let sums = network.probabilities(images).expect("fits").sum_dim(1);
        for sum in sums.into_data().try_into_vec::<f32>().expect("floats") {
            assert!((sum - 1.0).abs() < 1e-5, "{name}: {sum}");
        }
    }
}

#[test]
fn inputs_that_do_not_fit_are_refused() {
    let small = network(&narrow("vgg16-28"));
    let large = network(&narrow("vgg11"));
    for (network, shape, expected) in [
        (
            &small,
            [1, 3, 28, 28],
            "takes images of 1 channels, found 3",
        ),
        (&small, [0, 1, 28, 28], "the batch holds no images"),
        (
            &small,
            [1, 1, 15, 28],
            "15×28 pixels does not survive 4 poolings; the smallest is 16×16",
        ),
        (
            &small,
            [1, 1, 32, 32],
            "1×1 feature map of a 28×28 image; an image of 32×32 gives 2×2",
        ),
        (
            &large,
            [1, 3, 31, 224],
            "31×224 pixels does not survive 5 poolings; the smallest is 32×32",
        ),
    ] {
        let error = network
            .forward(zeros(shape))
            .expect_err(expected)
            .to_string();
        assert!(error.contains(expected), "{error:?} lacks {expected:?}");
    }
    small
        .forward(zeros([1, 1, 31, 17]))
        .expect("the same map as 28×28");
    large
        .forward(zeros([1, 3, 32, 32]))
        .expect("the smallest size");
}

#[test]
fn a_global_average_takes_any_size() {
    let config = narrow("vgg11-cifar").with_pooling(Pooling::GlobalAverage);
    let network = network(&config);
    for side in [32, 50, 64] {
        assert_eq!(
            network
                .forward(zeros([1, 3, side, side]))
                .expect("fits")
                .dims(),
            [1, 10]
        );
    }
}

fn deviation<const D: usize>(tensor: Tensor<D>) -> f64 {
    let values = tensor.into_data().try_into_vec::<f32>().expect("floats");
    let square = |value: &f32| f64::from(*value).powi(2);
    (values.iter().map(square).sum::<f64>() / values.len() as f64).sqrt()
}

#[test]
fn weights_are_drawn_as_torchvision_and_the_paper_do() {
    let config = VggConfig::named("vgg16-28").expect("known").with_width(0.5);
    for (init, expected) in [
        (WeightInit::Kaiming, (2.0f64 / (9.0 * 256.0)).sqrt()),
        (WeightInit::Paper, 0.01),
    ] {
        let network = network(&config.clone().with_weight_init(init));
        let conv = &network.blocks[3].layers[2].conv;
        let found = deviation(conv.weight.val());
        assert!(
            (found / expected - 1.0).abs() < 0.02,
            "{found} and {expected}"
        );
        let linear = deviation(network.hidden[1].linear.weight.val());
        assert!((linear / 0.01 - 1.0).abs() < 0.02, "{linear}");
        assert_eq!(deviation(conv.bias.as_ref().expect("a bias").val()), 0.0);
    }
}

fn logits(network: &Vgg) -> Vec<f32> {
    let images = Tensor::ones([1, 1, 28, 28], &Device::flex());
    network
        .forward(images)
        .expect("fits")
        .into_data()
        .try_into_vec()
        .expect("floats")
}

#[derive(Default)]
struct Weights(Vec<Vec<f32>>);

impl ModuleVisitor for Weights {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let data = param.val().into_data();
        self.0.push(data.try_into_vec().expect("floats"));
    }
}

/// The numbers of all parameters and running statistics.
fn weights(network: &Vgg) -> Vec<Vec<f32>> {
    let mut weights = Weights::default();
    network.visit(&mut weights);
    weights.0
}

#[test]
fn a_network_survives_its_file() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("weights.safetensors");
    for name in ["vgg16-28", "vgg16-bn-28"] {
        let network = network(&narrow(name));
        network.save(&path, Precision::F32, &[]).expect("saved");
        let loaded = Vgg::from_file(&path, &Device::flex()).expect("loaded");
        assert_eq!(loaded.config(), network.config());
        assert_eq!(weights(&loaded), weights(&network), "{name}");
        // A file's linear layers lie the other way round, so that sums are taken in another order.
        let scale = logits(&network)
            .iter()
            .fold(0f32, |most, logit| most.max(logit.abs()));
        for (found, expected) in logits(&loaded).iter().zip(logits(&network)) {
            assert!(
                (found - expected).abs() < 1e-6 * scale,
                "{name}: {found} and {expected}"
            );
        }

        loaded.save(&path, Precision::F32, &[]).expect("saved");
        let again = Vgg::from_file(&path, &Device::flex()).expect("loaded");
        assert_eq!(logits(&again), logits(&loaded), "{name}");

        let whole = std::fs::metadata(&path).expect("a file").len();
        network.save(&path, Precision::F16, &[]).expect("saved");
        assert!(std::fs::metadata(&path).expect("a file").len() < whole * 6 / 10);
        let halved = Vgg::from_file(&path, &Device::flex()).expect("loaded");
        for (half, full) in logits(&halved).iter().zip(logits(&network)) {
            assert!((half - full).abs() < 0.01 * scale, "{half} and {full}");
        }
    }
}

#[test]
fn weights_of_another_network_are_refused_with_names() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("weights.safetensors");
    network(&narrow("vgg16-28"))
        .save(&path, Precision::F32, &[])
        .expect("saved");

    let wider = narrow("vgg16-28").with_classes(11);
    let error = network(&wider)
        .load(&path)
        .expect_err("another head")
        .to_string();
    assert!(
        error.contains("these are the weights of another network; of another shape: "),
        "{error}"
    );
    assert!(
        error.contains("classifier.6.bias (expected [11], found [10])"),
        "{error}"
    );

    let error = network(&narrow("vgg16-bn-28"))
        .load(&path)
        .expect_err("norms");
    let WeightsError::Mismatch {
        missing,
        unexpected,
        ..
    } = &error
    else {
        panic!("{error}");
    };
    assert!(
        missing.contains(&"features.1.running_var".to_owned()),
        "{missing:?}"
    );
    assert!(
        unexpected.contains(&"features.2.weight".to_owned()),
        "{unexpected:?}"
    );
    assert!(error.to_string().contains(" more"), "{error}");
}

#[test]
fn files_that_are_no_weights_are_refused() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("weights.safetensors");
    network(&narrow("vgg16-28"))
        .save(&path, Precision::F32, &[])
        .expect("saved");
    let whole = std::fs::read(&path).expect("a file");
    let refused = |bytes: &[u8], expected: &str| {
        std::fs::write(&path, bytes).expect("written");
        let error = Vgg::from_file(&path, &Device::flex())
            .expect_err(expected)
            .to_string();
        assert!(
            error.contains("weights.safetensors: ") && error.contains(expected),
            "{error}"
        );
    };
    let cut = format!(
        "{} bytes expected by its header, found {}",
        whole.len(),
        whole.len() / 2
    );
    refused(&whole[..whole.len() / 2], &cut);
    refused(
        &[whole.as_slice(), &[0]].concat(),
        "bytes expected by its header",
    );
    refused(&whole[..100], "bytes expected by its header, found 100");
    refused(&[0xff; 64], "not a safetensors file: its header would have");
    refused(b"", "not a safetensors file: 0 bytes are too few");
    refused(b"\x02\0\0\0\0\0\0\0{}", "no \"vgg.config\" in its metadata");
    std::fs::remove_file(&path).expect("removed");
    let error = Vgg::from_file(&path, &Device::flex())
        .expect_err("missing")
        .to_string();
    assert!(
        error.contains("weights.safetensors: No such file"),
        "{error}"
    );
}

/// A part of a network obeys the engine as the whole does: with Burn's, its operations one after the other, to the last
/// digit; with another, up to rounding.
#[test]
fn every_part_obeys_the_engine() {
    use burn::nn::pool::MaxPool2dConfig;
    use burn::tensor::activation::relu;

    let device = Device::flex();
    device.seed(7);
    let config = VggConfig::named("vgg11-cifar").expect("known");
    let network = config.with_width(0.25).with_hidden(vec![40]).init(&device);
    let network = network.expect("valid");
    let map = Tensor::<4>::random([2, 3, 32, 32], Distribution::Default, &device);
    let own = |map: Tensor<4>| {
        let conv = &network.blocks[0].layers[0].conv;
        let pool = MaxPool2dConfig::new([2, 2]).with_strides([2, 2]).init();
        pool.forward(relu(conv.forward(map)))
    };
    let values = Tensor::<2>::random(
        [2, network.config().feature_count()],
        Distribution::Default,
        &device,
    );
    for engine in [Engine::Burn, Engine::default()] {
        let other = network.clone().with_engine(engine);
        let block = other.blocks[0].forward(map.clone());
        let hidden = other.hidden[0].forward(values.clone());
        let expected = relu(network.hidden[0].linear.forward(values.clone()));
        if engine == Engine::Burn {
            assert_eq!(block.into_data(), own(map.clone()).into_data());
            assert_eq!(hidden.into_data(), expected.into_data());
        } else {
            let tolerance = Tolerance::<f32>::absolute(1e-4);
            let (found, expected) = (block.into_data(), own(map.clone()).into_data());
            assert_ne!(found, expected, "winograd rounds otherwise");
            found.assert_approx_eq(&expected, tolerance);
        }
    }
}
