//! Chains on Burn's tensors against Burn's own operations.

#![cfg(feature = "burn")]

use burn::tensor::module::{conv2d, max_pool2d};
use burn::tensor::ops::{ConvOptions, MaxPoolOptions};
use burn::tensor::{Device, Tensor, Tolerance, activation::relu};
use winograd::burn::{ChainLayer, chain, takes};

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
            relu: activate,
        })
        .collect()
}

fn by_burn(input: Tensor<4>, layers: &[ChainLayer], pool: bool) -> Tensor<4> {
    let output = layers.iter().fold(input, |map, layer| {
        let options = ConvOptions::new([1, 1], [1, 1], [1, 1], 1);
        let map = conv2d(map, layer.weight.clone(), Some(layer.bias.clone()), options);
        if layer.relu { relu(map) } else { map }
    });
    match pool {
        true => max_pool2d(output, MaxPoolOptions::new([2, 2]).with_stride([2, 2])),
        false => output,
    }
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
        close(found, by_burn(input, &layers, pool));
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
            let output = match ours {
                true => chain(input.clone(), &layers, pool).expect("it is taken"),
                false => by_burn(input.clone(), &layers, pool),
            };
            // A gradient that differs from place to place.
            let weights = tensor(output.dims(), 1.0, &device);
            let gradients = (output * weights).sum().backward();
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
        .sum()
        .backward();
    assert!(layers[0].weight.grad(&gradients).is_some());
    assert!(layers[1].weight.grad(&gradients).is_none());
}
