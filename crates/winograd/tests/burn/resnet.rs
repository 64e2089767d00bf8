//! A small ResNet with Burn's own convolutions, with this crate's in their place, and prepared.

#[path = "../../examples/resnet18/model.rs"]
mod model;

use burn::nn::conv::Conv2d;
use burn::tensor::{Device, Tensor, Tolerance};
use winograd::burn::Conv2dExt;

use super::{devices, tensor};
use model::{PreparedResNet, ResNet};

fn images(device: &Device) -> Tensor<4> {
    tensor([2, 3, 70, 61], 1.0, device)
}

/// Within 1e-4 of the largest logit.
fn agree(found: Tensor<2>, expected: Tensor<2>) {
    let scale: f32 = expected.clone().abs().max().into_scalar();
    let tolerance = Tolerance::absolute(1e-4 * scale);
    found
        .into_data()
        .assert_approx_eq::<f32>(&expected.into_data(), tolerance);
}

#[test]
fn the_logits_agree() {
    for device in devices() {
        device.seed(1);
        let network = ResNet::new(16, 10, &device);
        let images = images(&device);
        let expected = network.forward(images.clone(), Conv2d::forward);
        let found = network.forward(images.clone(), Conv2d::forward_winograd);
        agree(found, expected.clone());
        let prepared = PreparedResNet::new(&network).expect("norms fit");
        agree(prepared.forward(images), expected);
    }
}

#[test]
fn they_agree_in_training_too() {
    for device in devices() {
        let device = device.autodiff();
        device.seed(2);
        let network = ResNet::new(16, 10, &device);
        let expected = network.forward(images(&device), Conv2d::forward);
        let found = network.forward(images(&device), Conv2d::forward_winograd);
        agree(found.inner(), expected.inner());
    }
}
