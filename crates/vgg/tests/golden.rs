//! The networks against PyTorch: files made by scripts/golden.py.

#![cfg(all(feature = "flex", feature = "train"))]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use burn::module::{Module, ModuleMapper, Param};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor, TensorData};
use burn::train::TrainStep;
use safetensors::SafeTensors;
use safetensors::tensor::Dtype;
use vgg::train::{ImageBatch, Learning, OptimizerKind, TrainConfig, optimizer};
use vgg::{Engine, Precision, Vgg};

/// Largest difference, relative to the largest value of the tensor.
const TOLERANCE: f32 = 1e-4;

type Tensors = BTreeMap<String, (Vec<usize>, Vec<f32>)>;

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(format!("{name}.safetensors"))
}

fn tensors(path: &Path) -> Tensors {
    let bytes = std::fs::read(path).expect("a golden file");
    let file = SafeTensors::deserialize(&bytes).expect("safetensors");
    let values = |view: safetensors::tensor::TensorView| {
        let words = view
            .data()
            .chunks_exact(4)
            .map(|word| [word[0], word[1], word[2], word[3]]);
        let values = match view.dtype() {
            Dtype::I32 => words.map(|word| i32::from_le_bytes(word) as f32).collect(),
            Dtype::F32 => words.map(f32::from_le_bytes).collect(),
            other => panic!("a golden file with {other:?}"),
        };
        (view.shape().to_vec(), values)
    };
    file.iter()
        .map(|(name, view)| (name.to_owned(), values(view)))
        .collect()
}

/// The named tensors of a network in torchvision's naming and layout.
fn own(network: &Vgg) -> Tensors {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("own.safetensors");
    network.save(&path, Precision::F32, &[]).expect("saved");
    tensors(&path)
}

fn largest(values: &[f32]) -> f32 {
    values
        .iter()
        .fold(0.0, |largest, value| largest.max(value.abs()))
}

#[track_caller]
fn assert_close(what: &str, found: &[f32], expected: &[f32], scale: f32) {
    assert_eq!(found.len(), expected.len(), "{what}");
    let differences = found.iter().zip(expected).map(|(a, b)| (a - b).abs());
    let difference = differences.fold(0.0, f32::max);
    assert!(
        difference <= TOLERANCE * scale,
        "{what}: differs by {difference:e}, largest value {scale:e}"
    );
}

fn values(tensor: Tensor<2>) -> Vec<f32> {
    tensor.into_data().try_into_vec().expect("floats")
}

fn images(expected: &Tensors, device: &Device) -> Tensor<4> {
    let Some((shape, values)) = expected.get("images") else {
        return waves(device);
    };
    let shape: [usize; 4] = shape[..].try_into().expect("four dimensions");
    Tensor::from_data(TensorData::new(values.clone(), shape), device)
}

/// The image of 224×224 that scripts/golden.py computes instead of storing it.
fn waves(device: &Device) -> Tensor<4> {
    let plane = |value: &dyn Fn(f32, f32) -> f32| -> Vec<f32> {
        let pixel = |index: usize| value((index % 224) as f32, (index / 224) as f32);
        (0..224 * 224).map(pixel).collect()
    };
    let planes = [
        plane(&|x, _| (0.1 * x).sin()),
        plane(&|_, y| (0.07 * y).sin()),
        plane(&|x, y| 0.01 * (x - y)),
    ];
    Tensor::from_data(TensorData::new(planes.concat(), [1, 3, 224, 224]), device)
}

/// Burn's own operations, and what takes their place on a CPU.
fn engines() -> Vec<Engine> {
    let mut engines = vec![Engine::Burn, Engine::default()];
    engines.dedup();
    engines
}

fn check_logits(name: &str) {
    engines()
        .into_iter()
        .for_each(|engine| check_logits_with(name, engine));
}

fn check_logits_with(name: &str, engine: Engine) {
    let device = Device::flex();
    let expected = tensors(&path(&format!("{name}.expected")));
    let network = Vgg::from_file(&path(name), &device)
        .expect("golden weights")
        .with_engine(engine);
    let logits = network.forward(images(&expected, &device)).expect("fits");
    let (_, golden) = &expected["logits"];
    assert_close(name, &values(logits), golden, largest(golden));

    let Some((_, golden)) = expected.get("train.logits") else {
        return;
    };
    let device = device.autodiff();
    let network = Vgg::from_file(&path(name), &device)
        .expect("golden weights")
        .with_engine(engine)
        .train();
    let logits = network.forward(images(&expected, &device)).expect("fits");
    assert_close(
        &format!("{name} in training"),
        &values(logits),
        golden,
        largest(golden),
    );
    let own = own(&network.valid());
    for (key, (_, golden)) in &expected {
        if let Some(key) = key
            .strip_prefix("train.")
            .filter(|key| key.contains("running"))
        {
            assert_close(
                &format!("{name} {key}"),
                &own[key].1,
                golden,
                largest(golden),
            );
        }
    }
}

#[test]
fn logits_vgg11_imagenet() {
    check_logits("vgg11-imagenet");
}

#[test]
fn logits_vgg13_imagenet() {
    check_logits("vgg13-imagenet");
}

#[test]
fn logits_vgg16_bn_imagenet() {
    check_logits("vgg16-bn-imagenet");
}

#[test]
fn logits_vgg19_imagenet_at_full_size() {
    check_logits("vgg19-imagenet");
}

#[test]
fn logits_vgg13_cifar() {
    check_logits("vgg13-cifar");
}

#[test]
fn logits_vgg19_bn_cifar() {
    check_logits("vgg19-bn-cifar");
}

#[test]
fn logits_vgg16_28() {
    check_logits("vgg16-28");
}

#[test]
fn logits_vgg16_bn_28() {
    check_logits("vgg16-bn-28");
}

/// Puts each parameter's gradient in its place, so that gradients are saved like weights.
struct ToGradients(GradientsParams);

impl ModuleMapper for ToGradients {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        match self.0.get::<D>(param.id) {
            Some(gradient) => Param::initialized(param.id, gradient),
            None => param,
        }
    }
}

/// Keeps the values with a gradient that is more than rounding noise: AdamW's first step goes by
/// the gradient's sign, however small it is.
fn leave_noise(gradient: &[f32], values: &mut Vec<f32>) {
    let least = 1e-4 * largest(gradient);
    let mut gradients = gradient.iter();
    values.retain(|_| {
        gradients
            .next()
            .is_none_or(|gradient| gradient.abs() >= least)
    });
}

fn check_step(name: &str) {
    engines()
        .into_iter()
        .for_each(|engine| check_step_with(name, engine));
}

fn check_step_with(name: &str, engine: Engine) {
    let device = Device::flex().autodiff();
    let expected = tensors(&path(&format!("{name}.expected")));
    let golden = |prefix: &str| -> Vec<(String, Vec<f32>)> {
        let part = expected.iter().filter_map(|(key, (_, values))| {
            Some((key.strip_prefix(prefix)?.to_owned(), values.clone()))
        });
        part.collect()
    };
    let gradients = golden("gradient.");
    assert!(!gradients.is_empty());
    let scale = gradients
        .iter()
        .map(|(_, values)| largest(values))
        .fold(0.0, f32::max);
    // A convolution's bias in front of batch normalisation has no effect: its gradient is
    // rounding noise, which AdamW's first step blows up to the learning rate.
    let noise = |key: &str| {
        let gradient = gradients.iter().find(|(other, _)| other == key);
        gradient.is_none_or(|(_, values)| largest(values) < 1e-6 * scale)
    };

    for (kind, rate, prefix) in [
        (OptimizerKind::Sgd, 0.05, "sgd."),
        (OptimizerKind::AdamW, 0.001, "adamw."),
    ] {
        let network = Vgg::from_file(&path(name), &device)
            .expect("golden weights")
            .with_engine(engine)
            .train();
        let learning = Learning::new(network, 0.0);
        let output = TrainStep::step(&learning, batch(&expected, &device));
        let loss: Vec<f32> = output.item.loss.into_data().try_into_vec().expect("floats");
        assert_close(
            "loss",
            &loss[..1],
            &expected["loss"].1,
            expected["loss"].1[0],
        );

        let config = TrainConfig::new(kind, rate).with_weight_decay(0.01);
        let mut optimizer = optimizer(&config).expect("valid");
        let before = learning.clone();
        let learning = optimizer.step(rate, learning, output.grads);
        let own_weights = own(&learning.network.valid());
        for (key, golden) in golden(prefix) {
            if prefix == "adamw." && noise(&key) {
                continue;
            }
            let what = format!("{name} {prefix}{key}");
            let scale = largest(&golden).max(1e-2);
            let (mut found, mut golden) = (own_weights[&key].1.clone(), golden);
            if prefix == "adamw." {
                let gradient = gradients.iter().find(|(other, _)| *other == key);
                leave_noise(&gradient.expect("a gradient").1, &mut found);
                leave_noise(&gradient.expect("a gradient").1, &mut golden);
            }
            assert_close(&what, &found, &golden, scale);
        }

        let output = TrainStep::step(&before, batch(&expected, &device));
        let network = before.network.map(&mut ToGradients(output.grads));
        let own_gradients = own(&network);
        for (key, golden) in &gradients {
            let scale = if noise(key) { scale } else { largest(golden) };
            let what = format!("{name} gradient of {key}");
            assert_close(&what, &own_gradients[key].1, golden, scale);
        }
    }
}

fn batch(expected: &Tensors, device: &Device) -> ImageBatch {
    let labels: Vec<i64> = expected["labels"]
        .1
        .iter()
        .map(|&label| label as i64)
        .collect();
    let count = labels.len();
    ImageBatch {
        images: images(expected, device),
        targets: Tensor::from_data(TensorData::new(labels, [count]), device),
    }
}

#[test]
fn a_training_step_of_vgg16_28() {
    check_step("vgg16-28");
}

#[test]
fn a_training_step_of_vgg16_bn_28() {
    check_step("vgg16-bn-28");
}
