//! A short training, step by step beside Flex.

use burn::module::Module;
use burn::tensor::Device;
use burn::train::TrainStep;
use vgg::train::{Learning, OptimizerKind, TrainConfig, optimizer};
use vgg::{Engine, Vgg};

use crate::Side;
use crate::common::tensors;
use crate::golden::path;
use crate::step::batch;

/// Losses within 1 % of those on Flex: rounding differs, and every step builds on the one before.
pub(crate) fn twenty_steps(side: Side) {
    let expected = losses(&vgg::device("flex").expect("always there"));
    let found = losses(&side.device());
    assert!(
        expected[19] < 0.7 * expected[0],
        "it learns nothing: {expected:?}"
    );
    for (step, (found, expected)) in found.iter().zip(&expected).enumerate() {
        assert!(
            (found - expected).abs() <= 0.01 * expected,
            "{}, step {step}: {found}, on flex {expected}",
            side.backend
        );
    }
}

fn losses(device: &Device) -> Vec<f32> {
    let device = device.clone().autodiff();
    let expected = tensors(&path("vgg16-28.expected"));
    let network = Vgg::from_file(path("vgg16-28"), &device).expect("golden weights");
    let mut learning = Learning::new(network.train(), 0.0);
    let config = TrainConfig::new(OptimizerKind::Sgd, 0.005);
    let mut optimizer = optimizer(&config, Engine::default()).expect("valid");
    (0..20)
        .map(|_| {
            let output = TrainStep::step(&learning, batch(&expected, &device));
            learning = optimizer.step(0.005, learning.clone(), output.grads);
            let loss: Vec<f32> = output.item.loss.into_data().try_into_vec().expect("floats");
            loss[0]
        })
        .collect()
}
