//! The prepared network against the network that it is made of.

use burn::tensor::{Device, Distribution, Tensor};
use vgg::{Engine, InputError, Precision, PreparedError, Vgg, VggConfig};

fn network(name: &str) -> Vgg {
    let device = Device::flex();
    device.seed(1);
    let config = VggConfig::named(name).expect("a name").with_width(0.125);
    config.init(&device).expect("a valid network")
}

fn images(network: &Vgg, batch: usize, [height, width]: [usize; 2]) -> Tensor<4> {
    let shape = [batch, network.config().input_channels, height, width];
    Tensor::random(shape, Distribution::Normal(0.0, 1.0), &Device::flex())
}

fn largest(tensor: Tensor<2>) -> f32 {
    tensor.abs().max().into_scalar()
}

fn engines() -> Vec<Engine> {
    let mut engines = vec![Engine::Burn, Engine::default()];
    engines.dedup();
    engines
}

/// How far logits are from those that are expected, in parts of the largest one.
fn difference(found: Tensor<2>, expected: &Tensor<2>) -> f32 {
    largest(found - expected.clone()) / largest(expected.clone())
}

#[test]
fn logits_are_the_networks() {
    for (name, sizes) in [
        ("vgg16-28", &[[28, 28]][..]),
        ("vgg11-bn-cifar", &[[32, 32]]),
        // Another size than the network is meant for goes through the average.
        ("vgg11-bn", &[[224, 224], [97, 64]]),
        ("vgg13", &[[64, 96]]),
    ] {
        let network = network(name).with_engine(Engine::Burn);
        for engine in engines() {
            let prepared = network.clone().with_engine(engine).prepare();
            assert_eq!(prepared.engine(), engine);
            for &size in sizes {
                for batch in [1, 3, 9] {
                    let images = images(&network, batch, size);
                    let expected = network.forward(images.clone()).expect("it fits");
                    let found = prepared.forward(images).expect("it fits");
                    let difference = difference(found, &expected);
                    assert!(difference <= 1e-4, "{name} {engine} {size:?}: {difference}");
                }
            }
        }
    }
}

#[cfg(feature = "winograd")]
#[test]
fn half_precision_is_near() {
    for (name, size) in [("vgg16-28", [28, 28]), ("vgg11-bn", [97, 64])] {
        let network = network(name);
        let half = network.prepare_half().expect("it is prepared");
        for batch in [1, 3] {
            let images = images(&network, batch, size);
            let expected = network.forward(images.clone()).expect("it fits");
            let found = half.forward(images).expect("it fits");
            let difference = difference(found, &expected);
            assert!(
                difference > 0.0 && difference <= 1e-2,
                "{name}: {difference}"
            );
        }
    }
}

/// A norm's statistics and weights move far from where they begin, so that folding them matters.
#[test]
fn a_network_that_has_learned_is_prepared_for_inference() {
    let device = Device::flex().autodiff();
    device.seed(2);
    let config = VggConfig::named("vgg11-bn-cifar").expect("a name");
    let network = config.with_width(0.125).init(&device).expect("valid");
    for batch in 0..4 {
        let images = images(&network, 8, [32, 32]) * (1.0 + batch as f32) + 0.5;
        let images = Tensor::from_inner(images);
        network.forward(images).expect("a step of training");
    }
    let prepared = network.prepare();
    let images = images(&network, 2, [32, 32]);
    let expected = burn::module::Module::valid(&network)
        .forward(images.clone())
        .expect("it fits");
    // Images that are tracked change nothing.
    for images in [images.clone(), Tensor::from_inner(images)] {
        let found = prepared.forward(images).expect("it fits");
        assert!(!found.device().is_autodiff());
        let difference = difference(found, &expected);
        assert!(difference <= 1e-4, "{difference}");
    }
}

#[test]
fn inputs_that_do_not_fit() {
    for engine in engines() {
        let prepared = network("vgg16-28").with_engine(engine).prepare();
        for (shape, expected) in [
            (
                [1, 3, 28, 28],
                InputError::Channels {
                    expected: 1,
                    found: 3,
                },
            ),
            ([0, 1, 28, 28], InputError::EmptyBatch),
        ] {
            let wrong = Tensor::<4>::zeros(shape, &Device::flex());
            match prepared.forward(wrong) {
                Err(PreparedError::Input(error)) => assert_eq!(error, expected),
                other => panic!("{other:?}"),
            }
        }
        let small = Tensor::<4>::zeros([1, 1, 9, 28], &Device::flex());
        let error = prepared.forward(small).expect_err("too small").to_string();
        assert!(error.contains("does not survive 4 poolings"), "{error}");
    }
}

#[test]
fn the_same_bits_from_several_threads() {
    let network = network("vgg16-28");
    let images = images(&network, 4, [28, 28]);
    let expected = network.prepare().forward(images.clone());
    let expected = expected.expect("it fits").into_data();
    // Weights are transformed when they are first used, by whoever is first.
    let prepared = network.prepare();
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                for _ in 0..5 {
                    let found = prepared.forward(images.clone()).expect("it fits");
                    assert_eq!(found.into_data(), expected);
                }
            });
        }
    });
}

/// Weights of a file are stored the other way round.
#[test]
fn a_loaded_network_is_prepared() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("weights.safetensors");
    for name in ["vgg16-28", "vgg11-bn-cifar"] {
        let network = network(name);
        let saved = network.save(&path, Precision::F32, &[]);
        saved.expect("the weights are saved");
        let loaded = Vgg::from_file(&path, &Device::flex()).expect("it is loaded");
        for batch in [1, 2, 7, 17] {
            let images = images(&network, batch, network.config().input_size);
            let found = loaded.prepare().forward(images.clone()).expect("they fit");
            let expected = network.prepare().forward(images).expect("they fit");
            let difference = difference(found, &expected);
            assert!(difference <= 1e-5, "{name}, {batch}: {difference}");
        }
    }
}
