//! Other heads on a network: what changes, and what must not.

#![cfg(feature = "flex")]

use burn::module::Module;
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor, TensorData, Tolerance};
use vgg::{ConfigError, LayerGroup, Pooling, Vgg, VggConfig};

fn network(name: &str, device: &Device) -> Vgg {
    let config = VggConfig::named(name)
        .expect("a known name")
        .with_width(1.0 / 16.0);
    config.init(device).expect("valid")
}

fn images(shape: [usize; 4], device: &Device) -> Tensor<4> {
    let count: usize = shape.iter().product();
    let values: Vec<f32> = (0..count).map(|i| (i as f32 * 0.37).sin()).collect();
    Tensor::from_data(TensorData::new(values, shape), device)
}

fn close<const D: usize>(found: Tensor<D>, expected: Tensor<D>) {
    let tolerance = Tolerance::rel_abs(1e-4, 1e-6);
    found
        .into_data()
        .assert_approx_eq::<f32>(&expected.into_data(), tolerance);
}

#[test]
fn other_classes_keep_all_but_the_output() {
    let device = Device::flex();
    let images = images([2, 3, 32, 32], &device);
    let network = network("vgg11-bn", &device);
    let before = network.pre_logits(images.clone()).expect("fits");
    let network = network.with_classes(7).expect("valid");
    assert_eq!(network.config().classes, 7);
    assert_eq!(
        network.forward(images.clone()).expect("fits").dims(),
        [2, 7]
    );
    let after = network.pre_logits(images).expect("fits");
    after.into_data().assert_eq(&before.into_data(), true);
    let error = network.with_classes(0).expect_err("no classes");
    assert_eq!(
        error,
        ConfigError::Zero {
            what: "classes".into()
        }
    );
}

#[test]
fn global_pooling_is_the_mean_of_the_same_features() {
    let device = Device::flex();
    let images = images([2, 3, 70, 40], &device);
    let network = network("vgg13", &device);
    let features = network.forward_features(images.clone()).expect("fits");
    let network = network.with_global_pooling(5).expect("valid");
    assert_eq!(network.config().pooling, Pooling::GlobalAverage);
    assert_eq!(
        network.num_params() as u128,
        network.config().parameter_count()
    );
    let [batch, channels, ..] = features.dims();
    let mean = features
        .reshape([batch, channels, 2])
        .mean_dim(2)
        .reshape([batch, channels]);
    close(network.pre_logits(images.clone()).expect("fits"), mean);
    assert_eq!(network.forward(images).expect("fits").dims(), [2, 5]);
}

#[test]
fn a_convolutional_head_gives_the_same_logits() {
    let device = Device::flex();
    for (name, shape) in [
        ("vgg11", [1, 3, 224, 224]),
        ("vgg16-bn-28", [3, 1, 28, 28]),
        ("vgg13-bn-cifar", [3, 3, 32, 32]),
    ] {
        let network = network(name, &device);
        let images = images(shape, &device);
        let logits = network.forward(images.clone()).expect("fits");
        let dense = network.into_dense().forward(images).expect("fits");
        assert_eq!(dense.dims()[2..], [1, 1], "{name}");
        close(dense.flatten::<2>(1, 3), logits);
    }
}

/// Each place of a larger image is the head on that part of the feature map.
#[test]
fn dense_predictions_are_the_head_at_every_place() {
    let device = Device::flex();
    let network = network("vgg16-28", &device);
    let images = images([2, 1, 61, 48], &device);
    let map = network
        .clone()
        .into_features()
        .forward(images.clone())
        .expect("fits");
    assert_eq!(map.dims()[2..], [3, 3]);
    let dense = network.clone().into_dense();
    let logits = dense.forward(images).expect("fits");
    assert_eq!(logits.dims(), [2, 10, 3, 3]);
    for (row, column) in [(0, 0), (2, 1), (1, 2)] {
        let part = map
            .clone()
            .narrow(2, row, 1)
            .narrow(3, column, 1)
            .flatten::<2>(1, 3);
        let hidden = network
            .hidden
            .iter()
            .fold(part, |input, layer| layer.forward(input));
        let place = logits.clone().narrow(2, row, 1).narrow(3, column, 1);
        close(place.flatten::<2>(1, 3), network.output.forward(hidden));
    }
    let error = self::network("vgg11", &device).into_dense();
    let error = error
        .forward(self::images([1, 3, 200, 224], &device))
        .expect_err("too low");
    assert_eq!(
        error.to_string(),
        "the head needs a feature map of 7×7, the image gives 6×7"
    );
}

/// Without hidden layers, the mean over the places is what global pooling gives.
#[test]
fn places_of_a_pooling_network_have_its_logits_as_mean() {
    let device = Device::flex();
    let network = network("vgg11", &device)
        .with_global_pooling(4)
        .expect("valid");
    let images = images([1, 3, 96, 64], &device);
    let logits = network.forward(images.clone()).expect("fits");
    let dense = network.into_dense().forward(images).expect("fits");
    assert_eq!(dense.dims(), [1, 4, 3, 2]);
    close(dense.reshape([1, 4, 6]).mean_dim(2).reshape([1, 4]), logits);
}

#[test]
fn frozen_parts_get_no_gradients_and_keep_their_statistics() {
    let device = Device::flex().autodiff();
    for (part, frozen) in [
        (LayerGroup::Blocks(0), 0..0),
        (LayerGroup::Blocks(2), 0..2),
        (LayerGroup::Features, 0..4),
        (LayerGroup::Blocks(9), 0..4),
        (LayerGroup::Head, 4..6),
    ] {
        let network = network("vgg16-bn-28", &device).with_frozen(part);
        let statistics = |network: &Vgg, block: usize| {
            let norm = network.blocks[block].layers[0]
                .norm
                .as_ref()
                .expect("a norm");
            norm.running_mean.value_sync().into_data()
        };
        let before: Vec<_> = (0..4).map(|block| statistics(&network, block)).collect();
        let loss = network
            .forward(images([4, 1, 28, 28], &device))
            .expect("fits")
            .powi_scalar(2);
        let gradients = GradientsParams::from_grads(loss.mean().backward(), &network);
        let learns = |group: usize| match group {
            0..4 => gradients
                .get::<4>(network.blocks[group].layers[0].conv.weight.id)
                .is_some(),
            4 => gradients
                .get::<2>(network.hidden[0].linear.weight.id)
                .is_some(),
            _ => gradients.get::<2>(network.output.weight.id).is_some(),
        };
        for group in 0..6 {
            assert_eq!(
                learns(group),
                !frozen.contains(&group),
                "{part:?}, group {group}"
            );
        }
        for (block, before) in before.iter().enumerate() {
            let same = statistics(&network, block) == *before;
            assert_eq!(same, frozen.contains(&block), "{part:?}, block {block}");
        }
        let thawed = network.unfreeze();
        let loss = thawed
            .forward(images([4, 1, 28, 28], &device))
            .expect("fits")
            .mean();
        let gradients = GradientsParams::from_grads(loss.backward(), &thawed);
        assert!(
            gradients
                .get::<4>(thawed.blocks[0].layers[0].conv.weight.id)
                .is_some()
        );
    }
}
