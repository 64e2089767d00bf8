//! Chains on Burn's tensors against Burn's own operations.

#![cfg(feature = "burn")]

use burn::tensor::module::{batch_norm_train, conv2d, max_pool2d};
use burn::tensor::ops::{ConvOptions, MaxPoolOptions};
use burn::tensor::{Device, Gradients, Tensor, Tolerance, activation::relu};
use winograd::burn::{ChainLayer, ChainNorm, chain, linear, takes};

/// Values without a pattern that a symmetry could hide.
fn tensor<const D: usize>(shape: [usize; D], scale: f32, device: &Device) -> Tensor<D> {
    let count = shape.iter().product::<usize>();
    let values: Vec<f32> = (0..count)
        .map(|i| (((i * 7919 + 13) % 1009) as f32 / 504.5 - 1.0) * scale)
        .collect();
    Tensor::<1>::from_floats(values.as_slice(), device).reshape(shape)
}

fn layers(channels: &[usize], activate: bool, device: &Device) -> Vec<ChainLayer> {
    channels
        .windows(2)
        .map(|pair| ChainLayer {
            weight: tensor([pair[1], pair[0], 3, 3], 0.3, device),
            bias: tensor([pair[1]], 0.2, device),
            norm: None,
            relu: activate,
        })
        .collect()
}

fn by_burn(input: Tensor<4>, layers: &[ChainLayer], pool: bool) -> Tensor<4> {
    let output = layers.iter().fold(input, |map, layer| {
        let options = ConvOptions::new([1, 1], [1, 1], [1, 1], 1);
        let mut map = conv2d(map, layer.weight.clone(), Some(layer.bias.clone()), options);
        if let Some(norm) = &layer.norm {
            let (gamma, beta) = (norm.gamma.clone(), norm.beta.clone());
            map = batch_norm_train(map, gamma, beta, norm.epsilon).output;
        }
        if layer.relu { relu(map) } else { map }
    });
    match pool {
        true => max_pool2d(output, MaxPoolOptions::new([2, 2]).with_stride([2, 2])),
        false => output,
    }
}

/// The backward pass of a chain, or of Burn's operations, from a gradient that differs from place to place.
fn backward(ours: bool, input: &Tensor<4>, layers: &[ChainLayer], pool: bool) -> Gradients {
    let output = match ours {
        true => {
            let chained = chain(input.clone(), layers, pool);
            chained.expect("it is taken").output
        }
        false => by_burn(input.clone(), layers, pool),
    };
    let weights = tensor(output.dims(), 1.0, &input.device());
    (output * weights).sum().backward()
}

/// Equal up to the rounding of a few layers, relative to the largest value.
fn close<const D: usize>(found: Tensor<D>, expected: Tensor<D>) {
    let scale: f32 = expected.clone().abs().max().into_scalar();
    let tolerance = Tolerance::absolute(5e-5 * scale.max(1.0));
    found
        .into_data()
        .assert_approx_eq::<f32>(&expected.into_data(), tolerance);
}

const CASES: [(&[usize], [usize; 3], bool, bool); 6] = [
    (&[1, 5], [2, 7, 9], true, false),
    (&[3, 16, 8], [1, 8, 8], true, true),
    (&[20, 7, 33], [3, 5, 6], false, false),
    (&[4, 8, 8, 8], [2, 3, 3], true, true),
    (&[4, 8, 8, 8, 8, 8, 8], [2, 12, 10], true, true),
    (&[17, 18], [1, 1, 4], true, false),
];

#[test]
fn forward() {
    let device = Device::flex();
    for (channels, [batch, height, width], activate, pool) in CASES {
        let layers = layers(channels, activate, &device);
        let input = tensor([batch, channels[0], height, width], 1.0, &device);
        let found = chain(input.clone(), &layers, pool).expect("it is taken");
        close(found.output, by_burn(input, &layers, pool));
    }
}

#[test]
fn gradients() {
    let device = Device::flex().autodiff();
    for (channels, [batch, height, width], activate, pool) in CASES {
        let run = |ours: bool| {
            let mut layers = layers(channels, activate, &device);
            for layer in &mut layers {
                layer.weight = layer.weight.clone().require_grad();
                layer.bias = layer.bias.clone().require_grad();
            }
            let input = tensor([batch, channels[0], height, width], 1.0, &device).require_grad();
            let gradients = backward(ours, &input, &layers, pool);
            let of_layers: Vec<_> = layers
                .iter()
                .map(|layer| {
                    let weight = layer.weight.grad(&gradients).expect("a gradient");
                    (weight, layer.bias.grad(&gradients).expect("a gradient"))
                })
                .collect();
            (input.grad(&gradients).expect("a gradient"), of_layers)
        };
        let ((input, found), (expected_input, expected)) = (run(true), run(false));
        close(input, expected_input);
        for ((weight, bias), (expected_weight, expected_bias)) in found.into_iter().zip(expected) {
            close(weight, expected_weight);
            close(bias, expected_bias);
        }
    }
}

#[test]
fn what_does_not_fit_is_left_to_burn() {
    let device = Device::flex();
    let input = || tensor([1, 3, 8, 8], 1.0, &device);
    assert!(takes(&input()));
    let fitting = layers(&[3, 4], true, &device);
    assert!(chain(input(), &fitting, true).is_some());
    // Other channels, another kernel, a bias of another size, an image without a pixel to pool.
    assert!(chain(input(), &layers(&[5, 4], true, &device), true).is_none());
    let mut large = fitting[0].clone();
    large.weight = tensor([4, 3, 5, 5], 1.0, &device);
    assert!(chain(input(), &[large], false).is_none());
    let mut short = fitting[0].clone();
    short.bias = tensor([3], 1.0, &device);
    assert!(chain(input(), &[short], false).is_none());
    assert!(chain(tensor([1, 3, 1, 8], 1.0, &device), &fitting, true).is_none());
    // Tracked and untracked tensors together.
    let tracked = tensor([1, 3, 8, 8], 1.0, &device.clone().autodiff());
    assert!(takes(&tracked));
    assert!(chain(tracked, &fitting, true).is_none());
}

#[test]
fn a_frozen_layer_gets_no_gradient_and_hands_its_input_s_on() {
    let device = Device::flex().autodiff();
    let mut layers = layers(&[2, 4, 4], true, &device);
    layers[0].weight = layers[0].weight.clone().require_grad();
    let input = tensor([1, 2, 6, 6], 1.0, &device);
    let gradients = chain(input, &layers, false)
        .expect("it is taken")
        .output
        .sum()
        .backward();
    assert!(layers[0].weight.grad(&gradients).is_some());
    assert!(layers[1].weight.grad(&gradients).is_none());
}

fn with_norms(mut layers: Vec<ChainLayer>, device: &Device) -> Vec<ChainLayer> {
    for (index, layer) in layers.iter_mut().enumerate() {
        let [channels] = layer.bias.dims();
        layer.norm = Some(ChainNorm {
            gamma: tensor([channels], 0.5, device) + 1.0,
            beta: tensor([channels], 0.3 + index as f32 / 10.0, device),
            epsilon: 1e-5,
        });
    }
    layers
}

#[test]
fn batch_norm_uses_the_batch_and_tells_its_statistics() {
    let device = Device::flex();
    for (channels, [batch, height, width], activate, pool) in CASES {
        let layers = with_norms(layers(channels, activate, &device), &device);
        let input = tensor([batch, channels[0], height, width], 1.0, &device);
        let found = chain(input.clone(), &layers, pool).expect("it is taken");
        assert_eq!(found.statistics.len(), layers.len());
        let first = &layers[0];
        let options = ConvOptions::new([1, 1], [1, 1], [1, 1], 1);
        let map = conv2d(
            input.clone(),
            first.weight.clone(),
            Some(first.bias.clone()),
            options,
        );
        let expected = batch_norm_train(
            map,
            tensor([channels[1]], 1.0, &device),
            first.bias.clone(),
            1e-5,
        );
        close(found.statistics[0].mean.clone(), expected.mean);
        close(found.statistics[0].variance.clone(), expected.variance);
        close(found.output, by_burn(input, &layers, pool));
    }
}

#[test]
fn gradients_through_batch_norm() {
    let device = Device::flex().autodiff();
    for (channels, [batch, height, width], activate, pool) in CASES {
        // Two pixels a channel make normalised values of ±1 whatever the input: no gradient but noise.
        if batch * height * width < 10 {
            continue;
        }
        let run = |ours: bool| {
            let mut layers = with_norms(layers(channels, activate, &device), &device);
            for layer in &mut layers {
                layer.weight = layer.weight.clone().require_grad();
                let norm = layer.norm.as_mut().expect("it was put there");
                norm.gamma = norm.gamma.clone().detach().require_grad();
                norm.beta = norm.beta.clone().detach().require_grad();
            }
            let input = tensor([batch, channels[0], height, width], 1.0, &device).require_grad();
            let gradients = backward(ours, &input, &layers, pool);
            let of_layers: Vec<_> = layers
                .iter()
                .map(|layer| {
                    let norm = layer.norm.as_ref().expect("it was put there");
                    let weight = layer.weight.grad(&gradients).expect("a gradient");
                    let gamma = norm.gamma.grad(&gradients).expect("a gradient");
                    (
                        weight,
                        gamma,
                        norm.beta.grad(&gradients).expect("a gradient"),
                    )
                })
                .collect();
            (input.grad(&gradients).expect("a gradient"), of_layers)
        };
        let ((input, found), (expected_input, expected)) = (run(true), run(false));
        close(input, expected_input);
        for (found, expected) in found.into_iter().zip(expected) {
            close(found.0, expected.0);
            close(found.1, expected.1);
            close(found.2, expected.2);
        }
    }
}

/// Batch, features in and out: few rows and many, sizes that fill lines and that do not, inputs of more than
/// one packed panel.
const LINEAR: [[usize; 3]; 9] = [
    [1, 64, 48],
    [1, 37, 21],
    [3, 35, 70],
    [4, 16, 1],
    [5, 1, 33],
    [16, 40, 33],
    [17, 40, 33],
    [20, 2100, 50],
    [70, 48, 35],
];

#[test]
fn linear_layers() {
    let device = Device::flex();
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

#[test]
fn linear_gradients() {
    let device = Device::flex().autodiff();
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

#[test]
fn a_frozen_linear_layer_hands_its_input_s_gradient_on() {
    let device = Device::flex().autodiff();
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

#[test]
fn a_linear_layer_that_does_not_fit_is_left_to_burn() {
    let device = Device::flex();
    let input = tensor([2, 5], 1.0, &device);
    let bias = tensor([3], 1.0, &device);
    assert!(linear(&input, &tensor([6, 3], 1.0, &device), &bias).is_none());
    assert!(linear(&input, &tensor([5, 4], 1.0, &device), &bias).is_none());
}
