//! The prepared network against the network that it is made of.

#![cfg(feature = "winograd")]

use burn::tensor::{Device, Distribution, Tensor};
use vgg::{Engine, Precision, PreparedError, PreparedVgg, Vgg, VggConfig};

fn network(name: &str) -> Vgg {
    let device = Device::flex();
    device.seed(1);
    let config = VggConfig::named(name).expect("a name").with_width(0.125);
    let network = config.init(&device).expect("a valid network");
    network.with_engine(Engine::Burn)
}

fn images(network: &Vgg, batch: usize, [height, width]: [usize; 2]) -> Tensor<4> {
    let shape = [batch, network.config().input_channels, height, width];
    Tensor::random(shape, Distribution::Normal(0.0, 1.0), &Device::flex())
}

fn largest(tensor: Tensor<2>) -> f32 {
    tensor.abs().max().into_scalar()
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
        let network = network(name);
        let prepared = network.prepare(2).expect("it is prepared");
        let half = network.prepare_half(2).expect("it is prepared");
        assert!(half.bytes() < prepared.bytes());
        for &size in sizes {
            for batch in [1, 3] {
                let images = images(&network, batch, size);
                let expected = network.forward(images.clone()).expect("it fits");
                let scale = largest(expected.clone());
                let found = prepared.forward(images.clone()).expect("it fits");
                let difference = largest(found - expected.clone());
                assert!(
                    difference <= 1e-4 * scale,
                    "{name} {size:?}: {difference} of {scale}"
                );
                let found = half.forward(images).expect("it fits");
                let difference = largest(found - expected);
                assert!(
                    difference <= 1e-2 * scale,
                    "{name} {size:?}: {difference} of {scale}"
                );
            }
        }
    }
}

#[test]
fn inputs_that_do_not_fit() {
    let prepared = network("vgg16-28").prepare(1).expect("it is prepared");
    let wrong = Tensor::<4>::zeros([1, 3, 28, 28], &Device::flex());
    assert!(matches!(
        prepared.forward(wrong),
        Err(PreparedError::Input(_))
    ));
    let error = prepared.logits(&[0.0; 10], [1, 1, 28, 28]);
    assert!(matches!(error, Err(PreparedError::Layers(_))), "{error:?}");
}

#[test]
fn the_same_bits_from_several_threads() {
    let network = network("vgg16-28");
    let prepared = network.prepare(4).expect("it is prepared");
    let images = images(&network, 4, [28, 28]);
    let values: Vec<f32> = images.into_data().try_into_vec().expect("floats");
    let expected = prepared.logits(&values, [4, 1, 28, 28]).expect("it fits");
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                for _ in 0..5 {
                    let found = prepared.logits(&values, [4, 1, 28, 28]).expect("it fits");
                    assert_eq!(found, expected);
                }
            });
        }
    });
}

#[test]
fn a_file_is_loaded_without_the_network_in_between() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("weights.safetensors");
    for name in ["vgg16-28", "vgg11-bn-cifar"] {
        let network = network(name);
        network
            .save(&path, Precision::F32, &[])
            .expect("the weights are saved");
        let images = images(&network, 2, network.config().input_size);
        let loaded = PreparedVgg::load(network.config(), &path, 2).expect("it is loaded");
        let found = loaded.forward(images.clone()).expect("they fit");
        let prepared = network.prepare(2).expect("it is prepared");
        let expected = prepared.forward(images).expect("they fit");
        assert_eq!(found.into_data(), expected.into_data());
    }
    let other = VggConfig::named("vgg13").expect("a name");
    let error = PreparedVgg::load(&other, &path, 1).expect_err("the weights of another network");
    assert!(matches!(error, PreparedError::Weights(_)), "{error}");
}
