//! A training step: loss, gradients, and what two optimizers make of them.

use burn::module::{Module, ModuleMapper, Param};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor, TensorData};
use burn::train::TrainStep;
use vgg::train::{ImageBatch, Learning, OptimizerKind, TrainConfig, optimizer};
use vgg::{Engine, Vgg};

use crate::Side;
use crate::common::{Tensors, largest, tensors};
use crate::golden::{images, own, path};

pub(crate) fn a_training_step(side: Side) {
    for name in ["vgg16-28", "vgg16-bn-28"] {
        for engine in side.engines() {
            check_step(side, name, engine);
        }
    }
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

fn check_step(side: Side, name: &str, engine: Engine) {
    let device = side.device().autodiff();
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
        let network = Vgg::from_file(path(name), &device)
            .expect("golden weights")
            .with_engine(engine)
            .train();
        let learning = Learning::new(network, 0.0);
        let output = TrainStep::step(&learning, batch(&expected, &device));
        let loss: Vec<f32> = output.item.loss.into_data().try_into_vec().expect("floats");
        side.assert_close(
            "loss",
            &loss[..1],
            &expected["loss"].1,
            expected["loss"].1[0],
        );

        let config = TrainConfig::new(kind, rate).with_weight_decay(0.01);
        let mut optimizer = optimizer(&config, engine).expect("valid");
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
            side.assert_close(&what, &found, &golden, scale);
        }

        let output = TrainStep::step(&before, batch(&expected, &device));
        let network = before.network.map(&mut ToGradients(output.grads));
        let own_gradients = own(&network);
        for (key, golden) in &gradients {
            let scale = if noise(key) { scale } else { largest(golden) };
            let what = format!("{name} gradient of {key}");
            side.assert_close(&what, &own_gradients[key].1, golden, scale);
        }
    }
}

pub(crate) fn batch(expected: &Tensors, device: &Device) -> ImageBatch {
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
