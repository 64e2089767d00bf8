//! Linear layers against Burn's own operations.

use winograd::burn::linear;

use super::{close, cpu_devices, devices, tensor};

/// Batch, features in and out: few rows and many, sizes that fill lines and that do not, inputs of more than
/// one packed panel.
const LINEAR: [[usize; 3]; 11] = [
    [1, 64, 48],
    [1, 37, 21],
    [3, 35, 70],
    [4, 16, 1],
    [5, 1, 33],
    [16, 40, 33],
    [2, 1100, 19],
    [9, 2500, 40],
    [17, 40, 33],
    [20, 2100, 50],
    [70, 48, 35],
];

#[test]
fn linear_layers() {
    for device in devices() {
        for [batch, inputs, outputs] in LINEAR {
            let input = tensor([batch, inputs], 1.0, &device);
            let bias = tensor([outputs], 0.5, &device);
            let weights = [
                tensor([inputs, outputs], 0.3, &device),
                tensor([outputs, inputs], 0.3, &device).transpose(),
                tensor([inputs, outputs + 1], 0.3, &device).narrow(1, 1, outputs),
            ];
            for weight in weights {
                let found = linear(&input, &weight, &bias).expect("it is taken");
                let product = input.clone().matmul(weight);
                close(found, product + bias.clone().unsqueeze());
            }
        }
    }
}

/// Weights that lie the other way round are taken in blocks, which changes no digit.
#[test]
fn a_row_among_others_is_the_row_alone() {
    for device in cpu_devices() {
        for [batch, inputs, outputs] in [[2, 70, 5], [5, 1024, 16], [16, 3333, 37]] {
            let input = tensor([batch, inputs], 1.0, &device);
            let weight = tensor([outputs, inputs], 0.3, &device).transpose();
            let bias = tensor([outputs], 0.5, &device);
            let together = linear(&input, &weight, &bias).expect("it is taken");
            for row in 0..batch {
                let alone = input.clone().narrow(0, row, 1);
                let alone = linear(&alone, &weight, &bias).expect("it is taken");
                let found = together.clone().narrow(0, row, 1);
                assert_eq!(found.into_data(), alone.into_data());
            }
        }
    }
}

#[test]
fn linear_gradients() {
    for device in devices() {
        let device = device.autodiff();
        for [batch, inputs, outputs] in LINEAR {
            for turned in [false, true] {
                let run = |ours: bool| {
                    let input = tensor([batch, inputs], 1.0, &device).require_grad();
                    let bias = tensor([outputs], 0.5, &device).require_grad();
                    let weight = match turned {
                        true => tensor([outputs, inputs], 0.3, &device).transpose(),
                        false => tensor([inputs, outputs], 0.3, &device),
                    };
                    let weight = weight.detach().require_grad();
                    let output = match ours {
                        true => linear(&input, &weight, &bias).expect("it is taken"),
                        false => input.clone().matmul(weight.clone()) + bias.clone().unsqueeze(),
                    };
                    let scale = tensor([batch, outputs], 1.0, &device);
                    let gradients = (output * scale).sum().backward();
                    (
                        input.grad(&gradients).expect("a gradient"),
                        weight.grad(&gradients).expect("a gradient"),
                        bias.grad(&gradients).expect("a gradient"),
                    )
                };
                let ((input, weight, bias), expected) = (run(true), run(false));
                close(input, expected.0);
                close(weight, expected.1);
                close(bias, expected.2);
            }
        }
    }
}

#[test]
fn a_frozen_linear_layer_hands_its_input_s_gradient_on() {
    for device in devices() {
        let device = device.autodiff();
        let input = tensor([3, 20], 1.0, &device).require_grad();
        let (weight, bias) = (tensor([20, 7], 0.3, &device), tensor([7], 0.5, &device));
        let output = linear(&input, &weight, &bias).expect("it is taken");
        let gradients = output.sum().backward();
        assert!(weight.grad(&gradients).is_none() && bias.grad(&gradients).is_none());
        let expected = weight.sum_dim(1).transpose().repeat_dim(0, 3);
        close(
            input.grad(&gradients).expect("a gradient"),
            expected.inner(),
        );
    }
}

#[test]
fn a_linear_layer_that_does_not_fit_is_left_to_burn() {
    for device in devices() {
        let input = tensor([2, 5], 1.0, &device);
        let bias = tensor([3], 1.0, &device);
        assert!(linear(&input, &tensor([6, 3], 1.0, &device), &bias).is_none());
        assert!(linear(&input, &tensor([5, 4], 1.0, &device), &bias).is_none());
    }
}
