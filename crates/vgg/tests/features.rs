//! Feature maps by name, against PyTorch's hooks (files made by scripts/features.py), and what
//! a network does without its head.

#![cfg(feature = "flex")]

mod common;

use burn::module::Module;
use burn::tensor::{Device, Tensor, TensorData, Tolerance};
use common::{assert_close, golden, input, tensors};
use vgg::{Engine, FeatureError, FeatureLayer, Vgg, VggConfig};

const NETWORKS: [&str; 3] = ["features-vgg11", "features-vgg16-bn", "features-vgg19"];

/// Burn's own operations, and what takes their place on a CPU.
fn engines() -> Vec<Engine> {
    let mut engines = vec![Engine::Burn, Engine::default()];
    engines.dedup();
    engines
}

fn network(name: &str, device: &Device) -> Vgg {
    Vgg::from_file(golden(&format!("{name}.safetensors")), device).expect("golden weights")
}

#[test]
fn every_layer_is_that_of_pytorchs_hooks() {
    let device = Device::flex();
    for name in NETWORKS {
        let expected = tensors(&golden(&format!("{name}.expected.safetensors")));
        let images = input(&expected, "images", &device);
        for engine in engines() {
            let network = network(name, &device).with_engine(engine);
            let layers = network.config().feature_layers();
            let all = network.forward_at(images.clone(), &layers).expect("fits");
            for (&layer, from_all) in layers.iter().zip(all) {
                let (shape, golden) = &expected[&layer.to_string()];
                let alone = network.forward_at(images.clone(), &[layer]).expect("fits");
                for map in [from_all, alone[0].clone()] {
                    let what = format!("{name} {layer} {engine}");
                    assert_eq!(map.dims()[..], shape[..], "{what}");
                    assert_eq!(
                        Some(shape[1]),
                        network.config().channels_at(layer),
                        "{what}"
                    );
                    assert_eq!(shape[2], images.dims()[2] / layer.stride(), "{what}");
                    assert_close(&what, map, golden);
                }
            }
            let before = network.pre_logits(images.clone()).expect("fits");
            assert_close(name, before, &expected["pre_logits"].1);
        }
    }
}

#[test]
fn maps_come_in_the_order_asked_for_and_repeat() {
    let device = Device::flex();
    let network = network("features-vgg19", &device);
    let expected = tensors(&golden("features-vgg19.expected.safetensors"));
    let names = ["pool2", "conv1_1", "relu3_4", "pool2"];
    let layers = names.map(|name| network.config().feature_layer(name).expect(name));
    let images = input(&expected, "images", &device);
    let maps = network.forward_at(images.clone(), &layers).expect("fits");
    assert_eq!(maps.len(), 4);
    for (name, map) in names.into_iter().zip(maps) {
        assert_close(name, map, &expected[name].1);
    }
    assert!(network.forward_at(images, &[]).expect("nothing").is_empty());
}

#[test]
fn the_pyramid_and_the_features_are_those_of_the_whole_network() {
    let device = Device::flex();
    let network = network("features-vgg16-bn", &device);
    let expected = tensors(&golden("features-vgg16-bn.expected.safetensors"));
    let images = input(&expected, "images", &device);
    let levels = network.forward_pyramid(images.clone()).expect("fits");
    let strides: Vec<_> = levels.iter().map(|level| level.stride).collect();
    assert_eq!(strides, [1, 2, 4, 8, 16, 32]);
    let last = levels[5].map.clone().into_data();
    let same = network.forward_features(images.clone()).expect("fits");
    same.into_data()
        .assert_approx_eq::<f32>(&last, Tolerance::default());
    let features = network.into_features();
    let alone = features.forward(images.clone()).expect("fits");
    alone
        .into_data()
        .assert_approx_eq::<f32>(&last, Tolerance::default());
    let again = features.forward_pyramid(images).expect("fits");
    again[5].map.to_data().assert_eq(&last, true);
}

/// Every second layer differentiated in the image, with both engines, against differences.
#[test]
fn maps_are_differentiable_in_the_image() {
    let device = Device::flex().autodiff();
    let mut gradients = Vec::new();
    for engine in engines() {
        let network = network("features-vgg16-bn", &device)
            .with_engine(engine)
            .freeze();
        let expected = tensors(&golden("features-vgg16-bn.expected.safetensors"));
        let images = input(&expected, "images", &device).require_grad();
        let names = ["norm1_1", "relu2_1", "conv3_3"];
        let layers = names.map(|name| network.config().feature_layer(name).expect(name));
        let maps = network.forward_at(images.clone(), &layers).expect("fits");
        let sums = maps.into_iter().map(|map| map.powi_scalar(2).mean());
        let sum: Tensor<1> = sums.reduce(|sum, other| sum + other).expect("three maps");
        let gradient = images.grad(&sum.backward()).expect("a gradient");
        assert_close("gradient", gradient.clone(), &expected["gradient"].1);
        gradients.push(gradient);
    }
}

#[test]
fn only_what_is_asked_for_has_to_fit() {
    let device = Device::flex();
    let config = VggConfig::named("vgg16")
        .expect("a known name")
        .with_width(1.0 / 32.0);
    let network = config.init(&device).expect("valid");
    let small = Tensor::zeros([1, 3, 9, 7], &device);
    let pool2 = FeatureLayer::Pool { block: 2 };
    let maps = network
        .forward_at(small.clone(), &[pool2])
        .expect("4×4 is enough");
    assert_eq!(maps[0].dims(), [1, 4, 2, 1]);
    let pool3 = FeatureLayer::Pool { block: 3 };
    let error = network.forward_at(small, &[pool3]).expect_err("7 < 8");
    assert_eq!(
        error.to_string(),
        "an input of 9×7 pixels does not survive 3 poolings; the smallest is 8×8"
    );
    let grey = Tensor::zeros([1, 1, 32, 32], &device);
    let error = network.forward_at(grey, &[pool2]).expect_err("one channel");
    assert_eq!(
        error.to_string(),
        "the network takes images of 3 channels, found 1"
    );
    let images = Tensor::zeros([1, 3, 32, 32], &device);
    let norm = FeatureLayer::Norm { block: 1, layer: 1 };
    let error = network
        .forward_at(images, &[norm])
        .expect_err("no norms")
        .to_string();
    assert!(
        error.contains("no layer \"norm1_1\"; its layers are conv1_1, relu1_1"),
        "{error}"
    );
}

#[test]
fn grad_cam_is_that_of_pytorch() {
    let device = Device::flex();
    for name in NETWORKS {
        let expected = tensors(&golden(&format!("{name}.expected.safetensors")));
        let images = input(&expected, "images", &device).narrow(0, 0, 1);
        for engine in engines() {
            let network = network(name, &device).with_engine(engine);
            for (key, layer) in [("cam.last", None), ("cam.relu3_1", Some("relu3_1"))] {
                let layer = layer.map(|name| network.config().feature_layer(name).expect(name));
                let heat = network.grad_cam(images.clone(), 3, layer).expect("fits");
                let (shape, golden) = &expected[key];
                assert_eq!(heat.dims()[..], shape[..], "{name} {key}");
                assert_close(&format!("{name} {key} {engine}"), heat, golden);
            }
        }
    }
}

#[test]
fn grad_cam_takes_small_networks_and_names_what_does_not_fit() {
    let device = Device::flex();
    let config = VggConfig::named("vgg16-bn-28")
        .expect("a known name")
        .with_width(0.1);
    let network = config.init(&device).expect("valid");
    let values: Vec<f32> = (0..784).map(|i| (i as f32 * 0.05).sin()).collect();
    let image = Tensor::from_data(TensorData::new(values, [1, 1, 28, 28]), &device);
    let heat = network.grad_cam(image.clone(), 9, None).expect("fits");
    assert_eq!(heat.dims(), [3, 3]);
    let values = heat.into_data().try_into_vec::<f32>().expect("floats");
    assert!(
        values.iter().all(|value| (0.0..=1.0).contains(value)),
        "{values:?}"
    );

    // Tracked images and networks give the same.
    let training = network.clone().train();
    let tracked = training
        .grad_cam(Tensor::from_inner(image.clone()), 9, None)
        .expect("fits");
    assert_eq!(
        tracked.into_data().try_into_vec::<f32>().expect("floats"),
        values
    );

    let error = network
        .grad_cam(image.clone(), 10, None)
        .expect_err("ten classes");
    assert_eq!(
        error,
        FeatureError::Class {
            found: 10,
            classes: 10
        }
    );
    let two = Tensor::cat(vec![image.clone(), image], 0);
    let error = network.grad_cam(two, 0, None).expect_err("two images");
    assert_eq!(error, FeatureError::Batch { found: 2 });
}
