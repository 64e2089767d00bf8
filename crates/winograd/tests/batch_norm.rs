//! Batch normalisation in training against its definition in double precision.

mod common;

use common::{error, random, scale};
use proptest::prelude::*;
use winograd::{Activation, BatchNormLayer, Error, batch_norm, batch_norm_gradient};

const EPSILON: f64 = 1e-3;

/// Sizes of a case: batch, channels, pixels.
#[derive(Clone, Copy)]
struct Size {
    batch: usize,
    channels: usize,
    plane: usize,
}

impl Size {
    fn channel(self, index: usize) -> usize {
        index / self.plane % self.channels
    }

    /// Sums over each channel.
    fn sums(self, values: impl Fn(usize) -> f64) -> Vec<f64> {
        let mut sums = vec![0.0; self.channels];
        for index in 0..self.batch * self.channels * self.plane {
            sums[self.channel(index)] += values(index);
        }
        sums
    }
}

/// What is expected, from the definition.
struct Expected {
    mean: Vec<f64>,
    variance: Vec<f64>,
    /// In front of the ReLU.
    scaled: Vec<f64>,
    output: Vec<f64>,
    gamma: Vec<f64>,
    beta: Vec<f64>,
    input: Vec<f64>,
}

fn expect(size: Size, input: &[f32], layer: &BatchNormLayer, gradient: &[f32]) -> Expected {
    let count = (size.batch * size.plane) as f64;
    let x = |i: usize| f64::from(input[i]);
    let mean: Vec<f64> = size.sums(x).iter().map(|sum| sum / count).collect();
    let apart = |i: usize| x(i) - mean[size.channel(i)];
    let variance: Vec<f64> = size
        .sums(|i| apart(i).powi(2))
        .iter()
        .map(|sum| sum / count)
        .collect();
    let inverse = |i: usize| 1.0 / (variance[size.channel(i)] + EPSILON).sqrt();
    let scaled = |i: usize| {
        let channel = size.channel(i);
        apart(i) * inverse(i) * f64::from(layer.gamma[channel]) + f64::from(layer.beta[channel])
    };
    let active = |i: usize| !layer.relu || scaled(i) > 0.0;
    let g = |i: usize| {
        if active(i) {
            f64::from(gradient[i])
        } else {
            0.0
        }
    };
    let beta = size.sums(g);
    let gamma = size.sums(|i| g(i) * apart(i) * inverse(i));
    let all = 0..input.len();
    let before = all.clone().map(scaled);
    let output = all.clone().map(|i| if active(i) { scaled(i) } else { 0.0 });
    let back = all.map(|i| {
        let channel = size.channel(i);
        let rest = g(i) - beta[channel] / count - apart(i) * inverse(i) * gamma[channel] / count;
        rest * inverse(i) * f64::from(layer.gamma[channel])
    });
    Expected {
        scaled: before.collect(),
        output: output.collect(),
        input: back.collect(),
        mean,
        variance,
        gamma,
        beta,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn forward_and_backward(
        batch in 1usize..4,
        channels in 1usize..40,
        height in 1usize..30,
        width in 1usize..30,
        offset in -20i32..20,
        relu: bool,
    ) {
        let size = Size { batch, channels, plane: height * width };
        let count = batch * channels * height * width;
        let input: Vec<f32> = random(count, 1).iter().map(|x| x + offset as f32).collect();
        let gradient = random(count, 2);
        let (gamma, beta) = (random(channels, 3), random(channels, 4));
        let layer = BatchNormLayer { gamma: &gamma, beta: &beta, epsilon: EPSILON, relu };
        let expected = expect(size, &input, &layer, &gradient);

        let input = Activation::from_nchw(&input, [batch, channels, height, width]).unwrap();
        let mut output = Activation::new();
        let statistics = batch_norm(&input, &layer, &mut output).unwrap();
        let offset = f64::from(offset.abs()) + 1.0;
        prop_assert!(error(&statistics.mean, &expected.mean) < 1e-6 * offset);
        prop_assert!(error(&statistics.variance, &expected.variance) < 1e-6 * offset);
        // An input far from zero has lost what its distance takes of its digits.
        let lost = 4e-6 * offset;
        prop_assert!(error(&output.to_nchw(), &expected.output) < lost * 30.0);

        let mut back = Activation::from_nchw(&gradient, [batch, channels, height, width]).unwrap();
        let found = batch_norm_gradient(&input, &layer, &statistics, &mut back).unwrap();
        // Where rounding decides whether a value is positive, the mask may differ, from either side.
        let near = expected.scaled.iter().any(|&y| y.abs() < 1e-4);
        prop_assume!(!relu || !near);
        prop_assert!(error(&found.beta, &expected.beta) < 1e-5 * scale(&expected.beta).max(1.0));
        prop_assert!(error(&found.gamma, &expected.gamma) < lost * scale(&expected.gamma).max(1.0) * 10.0);
        prop_assert!(error(&back.to_nchw(), &expected.input) < lost * scale(&expected.input).max(1.0) * 10.0);
    }
}

#[test]
fn a_layer_of_other_channels_is_refused() {
    let input = Activation::from_nchw(&random(12, 1), [1, 3, 2, 2]).unwrap();
    let (gamma, beta) = ([1.0; 3], [0.0; 2]);
    let layer = BatchNormLayer {
        gamma: &gamma,
        beta: &beta,
        epsilon: EPSILON,
        relu: true,
    };
    let found = batch_norm(&input, &layer, &mut Activation::new());
    assert!(
        matches!(found, Err(Error::Length { what: "beta", .. })),
        "{found:?}"
    );
}
