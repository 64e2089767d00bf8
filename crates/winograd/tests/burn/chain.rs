//! Chains against Burn's own operations.

use burn::tensor::module::{batch_norm_train, conv2d, max_pool2d};
use burn::tensor::ops::{ConvOptions, MaxPoolOptions};
use burn::tensor::{Device, Gradients, Tensor, activation::relu};
use winograd::burn::{ChainLayer, ChainNorm, chain, takes};

use super::{close, cpu_devices, devices, tensor};

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
    for device in devices() {
        for (channels, [batch, height, width], activate, pool) in CASES {
            let layers = layers(channels, activate, &device);
            let input = tensor([batch, channels[0], height, width], 1.0, &device);
            let found = chain(input.clone(), &layers, pool).expect("it is taken");
            close(found.output, by_burn(input, &layers, pool));
        }
    }
}

#[test]
fn gradients() {
    for device in devices() {
        let device = device.autodiff();
        for (channels, [batch, height, width], activate, pool) in CASES {
            let run = |ours: bool| {
                let mut layers = layers(channels, activate, &device);
                for layer in &mut layers {
                    layer.weight = layer.weight.clone().require_grad();
                    layer.bias = layer.bias.clone().require_grad();
                }
                let input =
                    tensor([batch, channels[0], height, width], 1.0, &device).require_grad();
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
            for ((weight, bias), (expected_weight, expected_bias)) in
                found.into_iter().zip(expected)
            {
                close(weight, expected_weight);
                close(bias, expected_bias);
            }
        }
    }
}

#[test]
fn an_input_beside_an_autodiff_device_is_a_constant() {
    for device in devices() {
        let mut layers = layers(&[2, 4], true, &device.clone().autodiff());
        layers[0].weight = layers[0].weight.clone().require_grad();
        let gradient = |input: Tensor<4>| {
            let chained = chain(input, &layers, true).expect("it is taken");
            let gradients = chained.output.sum().backward();
            layers[0].weight.grad(&gradients).expect("a gradient")
        };
        let expected = gradient(tensor([2, 2, 6, 6], 1.0, &device.clone().autodiff()));
        close(gradient(tensor([2, 2, 6, 6], 1.0, &device)), expected);
    }
}

#[test]
fn what_does_not_fit_is_left_to_burn() {
    for device in devices() {
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
}

#[test]
fn a_frozen_layer_gets_no_gradient_and_hands_its_input_s_on() {
    for device in devices() {
        let device = device.autodiff();
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
}

fn with_norms(mut layers: Vec<ChainLayer>, device: &Device) -> Vec<ChainLayer> {
    for (index, layer) in layers.iter_mut().enumerate() {
        let [channels] = layer.bias.dims();
        layer.norm = Some(ChainNorm {
            gamma: tensor([channels], 0.5, device) + 1.0,
            beta: tensor([channels], 0.3 + index as f32 / 10.0, device),
            epsilon: 1e-5,
            across: None,
        });
    }
    layers
}

#[test]
fn batch_norm_uses_the_batch_and_tells_its_statistics() {
    for device in cpu_devices() {
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
}

#[test]
fn gradients_through_batch_norm() {
    for device in cpu_devices() {
        let device = device.autodiff();
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
                let input =
                    tensor([batch, channels[0], height, width], 1.0, &device).require_grad();
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
}

/// Bit for bit: the kernels are the same, whatever backend the memory belongs to.
#[cfg(feature = "ndarray")]
#[test]
fn backends_agree() {
    for (channels, [batch, height, width], activate, pool) in CASES {
        let results = cpu_devices().into_iter().map(|device| {
            let device = device.autodiff();
            let mut layers = with_norms(layers(channels, activate, &device), &device);
            for layer in &mut layers {
                layer.weight = layer.weight.clone().require_grad();
            }
            let input = tensor([batch, channels[0], height, width], 1.0, &device).require_grad();
            let chained = chain(input.clone(), &layers, pool).expect("it is taken");
            let weights = tensor(chained.output.dims(), 1.0, &device);
            let gradients = (chained.output.clone() * weights).sum().backward();
            let mut found = vec![chained.output.into_data()];
            found.push(input.grad(&gradients).expect("a gradient").into_data());
            for layer in &layers {
                let gradient = layer.weight.grad(&gradients).expect("a gradient");
                found.push(gradient.into_data());
            }
            found
        });
        let results: Vec<_> = results.collect();
        assert!(results.windows(2).all(|pair| pair[0] == pair[1]));
    }
}
