//! Convolutions prepared for inference against Burn's modules.

use burn::module::RunningState;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::{BatchNorm, BatchNormConfig, PaddingConfig2d};
use burn::tensor::{Device, activation::relu};
use winograd::Error;
use winograd::burn::PreparedConv2d;

use super::{close, devices, tensor};

/// 3x3 and 1x1, with stride 1 and 2, with a bias and without.
fn convolutions(device: &Device) -> Vec<Conv2d> {
    let mut convolutions = Vec::new();
    for (kernel, padding) in [(3, PaddingConfig2d::Same), (1, PaddingConfig2d::Valid)] {
        for (stride, bias) in [(1, true), (1, false), (2, true)] {
            let padding = match stride {
                1 => padding.clone(),
                _ => PaddingConfig2d::Explicit(1, 1, 1, 1),
            };
            let config = Conv2dConfig::new([7, 18], [kernel; 2])
                .with_stride([stride; 2])
                .with_padding(padding)
                .with_bias(bias);
            convolutions.push(config.init(device));
        }
    }
    convolutions
}

fn norm(channels: usize, device: &Device) -> BatchNorm {
    let mut norm = BatchNormConfig::new(channels).init(device);
    norm.gamma = norm.gamma.map(|_| tensor([channels], 0.5, device) + 1.0);
    norm.beta = norm.beta.map(|_| tensor([channels], 0.3, device));
    norm.running_mean = RunningState::new(tensor([channels], 0.4, device));
    norm.running_var = RunningState::new(tensor([channels], 0.4, device) + 0.6);
    norm
}

#[test]
fn every_combination() {
    for device in devices() {
        let norm = norm(18, &device);
        for conv in convolutions(&device) {
            let plain = PreparedConv2d::new(&conv);
            let with_relu = PreparedConv2d::new(&conv).with_relu();
            let normed = PreparedConv2d::new(&conv).with_batch_norm(&norm);
            let normed = normed.expect("it has the channels");
            let both = PreparedConv2d::new(&conv)
                .with_relu()
                .with_batch_norm(&norm);
            let both = both.expect("it has the channels");
            // Sizes for which different algorithms are the fastest, and the first one again.
            for shape in [[2, 7, 12, 12], [1, 7, 2, 3], [5, 7, 21, 6], [2, 7, 12, 12]] {
                let input = tensor(shape, 1.0, &device);
                let expected = conv.forward(input.clone());
                let expected_norm = norm.forward(expected.clone());
                close(plain.forward(input.clone()), expected.clone());
                close(with_relu.forward(input.clone()), relu(expected));
                close(normed.forward(input.clone()), expected_norm.clone());
                close(both.forward(input), relu(expected_norm));
            }
        }
    }
}

#[test]
fn on_an_autodiff_device_the_gradient_reaches_the_input() {
    for device in devices() {
        let device = device.autodiff();
        for conv in convolutions(&device) {
            let prepared = PreparedConv2d::new(&conv).with_relu();
            let input = tensor([2, 7, 6, 6], 1.0, &device).require_grad();
            let found = prepared.forward(input.clone()).sum().backward();
            assert!(conv.weight.grad(&found).is_none());
            let expected = relu(conv.forward(input.clone())).sum().backward();
            close(
                input.grad(&found).expect("a gradient"),
                input.grad(&expected).expect("a gradient"),
            );
        }
    }
}

#[test]
fn a_norm_of_other_channels_is_refused() {
    for device in devices() {
        let conv = &convolutions(&device)[0];
        let refused = PreparedConv2d::new(conv).with_batch_norm(&norm(17, &device));
        let expected = Error::Size {
            what: "channels of the norm",
            expected: 18,
            found: 17,
        };
        assert_eq!(refused.err(), Some(expected));
    }
}
