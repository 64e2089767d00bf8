//! Perceptual losses against PyTorch: content and style by scripts/features.py, LPIPS by the
//! authors' package (scripts/lpips_golden.py).

#![cfg(feature = "flex")]

mod common;

use burn::module::Param;
use burn::tensor::{Device, Tensor, TensorData};
use common::{assert_close, golden, input, tensors};
use vgg::{Engine, FeatureError, Lpips, PerceptualLoss, Vgg, VggConfig, VggFeatures, gram};

fn weighted(config: &VggConfig, layers: &[(&str, f64)]) -> Vec<(vgg::FeatureLayer, f64)> {
    let layer = |&(name, weight): &(&str, f64)| (config.feature_layer(name).expect(name), weight);
    layers.iter().map(layer).collect()
}

#[test]
fn content_and_style_are_those_of_pytorch() {
    let device = Device::flex();
    let expected = tensors(&golden("features-vgg19.expected.safetensors"));
    let network =
        Vgg::from_file(golden("features-vgg19.safetensors"), &device).expect("golden weights");
    for engine in [Engine::Burn, Engine::default()] {
        let features = network.clone().with_engine(engine).into_features();
        let config = features.config();
        let content = weighted(config, &[("relu2_1", 0.5)]);
        let style = weighted(
            config,
            &[("relu1_1", 1.0), ("relu2_1", 2.0), ("relu3_1", 4.0)],
        );
        let loss = PerceptualLoss::new(&features, &content, &style).expect("its layers");

        let style_image = input(&expected, "loss.style_image", &device);
        let relu2_1 = [config.feature_layer("relu2_1").expect("a layer")];
        let maps = features
            .forward_at(style_image.clone(), &relu2_1)
            .expect("fits");
        assert_close("gram", gram(maps[0].clone()), &expected["loss.gram"].1);

        let content_image = input(&expected, "loss.content_image", &device);
        let target = loss.target(content_image, style_image).expect("fits");
        let plain = input(&expected, "loss.image", &device);
        let parts = loss.forward(plain.clone(), &target).expect("fits");
        assert_close("content", parts.content, &expected["loss.content"].1);
        assert_close("style", parts.style, &expected["loss.style"].1);

        let image = Tensor::from_inner(plain).require_grad();
        for name in ["content", "style"] {
            // A backward pass uses up what the forward pass has recorded.
            let parts = loss.forward(image.clone(), &target).expect("fits");
            let part = match name {
                "content" => parts.content,
                _ => parts.style,
            };
            assert_close(
                name,
                part.clone().inner(),
                &expected[&format!("loss.{name}")].1,
            );
            let gradient = image.grad(&part.backward()).expect("tracked");
            assert_close(
                name,
                gradient,
                &expected[&format!("loss.{name}_gradient")].1,
            );
        }
    }
}

#[test]
fn what_does_not_fit_is_named() {
    let device = Device::flex();
    let features = narrow(&device);
    let missing = [(vgg::FeatureLayer::Pool { block: 6 }, 1.0)];
    let error = PerceptualLoss::new(&features, &missing, &[]).expect_err("five blocks");
    assert!(
        error
            .to_string()
            .starts_with("the network has no layer \"pool6\""),
        "{error}"
    );
    let content = weighted(features.config(), &[("relu1_1", 1.0)]);
    let loss = PerceptualLoss::new(&features, &content, &[]).expect("its layer");
    let image = Tensor::zeros([1, 3, 8, 8], &device);
    let target = loss.target(image.clone(), image).expect("fits");
    let larger = Tensor::zeros([1, 3, 8, 9], &device);
    let error = loss.forward(larger, &target).expect_err("another size");
    assert!(matches!(error, FeatureError::Shapes { .. }), "{error}");
    let error = Lpips::new(&features).expect_err("narrow");
    assert!(
        error
            .to_string()
            .starts_with("LPIPS needs the features of VGG-16"),
        "{error}"
    );
}

fn narrow(device: &Device) -> VggFeatures {
    let config = VggConfig::named("vgg16")
        .expect("a known name")
        .with_width(1.0 / 32.0);
    config.init(device).expect("valid").into_features()
}

/// Numbers in [-1, 1): a hash of their index, as in the script.
fn uniform(seed: u32, count: usize, scale: f32) -> Vec<f32> {
    let number = |index: u32| {
        let mut x = index.wrapping_add(seed.wrapping_mul(1_000_003));
        x = x.wrapping_mul(2_654_435_761);
        x ^= x >> 15;
        x = x.wrapping_mul(2_246_822_519);
        x ^= x >> 13;
        ((x >> 8) as f32 / (1 << 23) as f32 - 1.0) * scale
    };
    (0..count as u32).map(number).collect()
}

fn formula_features(device: &Device) -> VggFeatures {
    let config = VggConfig::named("vgg16").expect("a known name");
    let network = config.init(device).expect("valid");
    // Not Winograd: its rounding moves a few values of thirteen layers across zero, and where a ReLU
    // or a pooling decides otherwise, single gradients differ by a thousandth of the largest.
    let mut features = network.with_engine(Engine::Burn).into_features();
    let layers = features
        .blocks
        .iter_mut()
        .flat_map(|block| &mut block.layers);
    for (index, layer) in (0u32..).zip(layers) {
        let shape: [usize; 4] = layer.conv.weight.lazy_shape().dims();
        let [outputs, inputs, ..] = shape;
        let scale = (6.0 / (9 * inputs) as f64).sqrt() as f32;
        let weight = uniform(2 * index, shape.iter().product(), scale);
        let bias = uniform(2 * index + 1, outputs, 0.125);
        layer.conv.weight = Param::from_data(TensorData::new(weight, shape), device);
        layer.conv.bias = Some(Param::from_data(TensorData::new(bias, [outputs]), device));
    }
    features
}

#[test]
fn lpips_is_that_of_its_authors() {
    let device = Device::flex();
    let expected = tensors(&golden("lpips.safetensors"));
    let [a, b] = ["a", "b"].map(|name| input(&expected, name, &device));
    let lpips = Lpips::new(&formula_features(&device)).expect("VGG-16");
    let distance = lpips.forward(a.clone(), b.clone()).expect("fits");
    assert_close("distance", distance, &expected["distance"].1);

    let a = Tensor::from_inner(a).require_grad();
    let distance = lpips
        .forward(a.clone(), Tensor::from_inner(b.clone()))
        .expect("fits");
    let gradient = a.grad(&distance.sum().backward()).expect("tracked");
    assert_close("gradient", gradient, &expected["gradient"].1);

    let same = lpips.forward(b.clone(), b).expect("fits");
    assert_eq!(
        same.into_data().try_into_vec::<f32>().expect("floats"),
        [0.0, 0.0]
    );
}
