//! Batch normalisation in training against its definition in double precision.

mod common;

use std::ops::Range;
use std::sync::{Barrier, Mutex};

use common::{error, random, scale};
use proptest::prelude::*;
use winograd::{
    Activation, BatchNormGradient, BatchNormLayer, BatchStatistics, Error, SumAcross, batch_norm,
    batch_norm_gradient,
};

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
        let layer = BatchNormLayer { gamma: &gamma, beta: &beta, epsilon: EPSILON, relu, across: None };
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
        // What sums of so many random numbers have on the way, wherever they end.
        let way = ((batch * height * width) as f64).sqrt();
        prop_assert!(error(&found.beta, &expected.beta) < 1e-5 * scale(&expected.beta).max(way));
        prop_assert!(error(&found.gamma, &expected.gamma) < lost * scale(&expected.gamma).max(way) * 10.0);
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
        across: None,
    };
    let found = batch_norm(&input, &layer, &mut Activation::new());
    assert!(
        matches!(found, Err(Error::Length { what: "beta", .. })),
        "{found:?}"
    );
}

/// Threads that add up numbers.
#[derive(Debug)]
struct Workers {
    sums: Mutex<Vec<f64>>,
    all_in: Barrier,
    all_out: Barrier,
}

impl SumAcross for Workers {
    fn sum(&self, values: &mut [f64]) {
        {
            let mut sums = self.sums.lock().unwrap();
            sums.resize(values.len(), 0.0);
            sums.iter_mut()
                .zip(values.iter())
                .for_each(|(sum, value)| *sum += value);
        }
        self.all_in.wait();
        values.copy_from_slice(&self.sums.lock().unwrap());
        if self.all_out.wait().is_leader() {
            self.sums.lock().unwrap().clear();
        }
        self.all_out.wait();
    }
}

/// What comes of both passes over some images.
type Both = (BatchStatistics, Vec<f32>, BatchNormGradient, Vec<f32>);

#[test]
fn parts_of_several_workers_are_normalised_as_the_whole() {
    const CHANNELS: usize = 20;
    const IMAGE: usize = CHANNELS * 3 * 5;
    // Parts of different sizes, far from zero.
    let parts = [1, 3, 2];
    let batch = parts.iter().sum::<usize>();
    let input: Vec<f32> = random(batch * IMAGE, 1).iter().map(|x| x + 7.0).collect();
    let gradient = random(batch * IMAGE, 2);
    let (gamma, beta) = (random(CHANNELS, 3), random(CHANNELS, 4));
    let layer = |across| BatchNormLayer {
        gamma: &gamma,
        beta: &beta,
        epsilon: EPSILON,
        relu: true,
        across,
    };
    let run = |images: Range<usize>, across| {
        let (shape, values) = (
            [images.len(), CHANNELS, 3, 5],
            images.start * IMAGE..images.end * IMAGE,
        );
        let input = Activation::from_nchw(&input[values.clone()], shape).unwrap();
        let mut output = Activation::new();
        let statistics = batch_norm(&input, &layer(across), &mut output).unwrap();
        let mut back = Activation::from_nchw(&gradient[values], shape).unwrap();
        let found = batch_norm_gradient(&input, &layer(across), &statistics, &mut back).unwrap();
        (statistics, output.to_nchw(), found, back.to_nchw())
    };
    let (statistics, output, found, back) = run(0..batch, None);
    let workers = Workers {
        sums: Mutex::default(),
        all_in: Barrier::new(parts.len()),
        all_out: Barrier::new(parts.len()),
    };
    let mut start = 0;
    let ranges = parts.map(|images| {
        start += images;
        start - images..start
    });
    let of_parts: Vec<_> = std::thread::scope(|scope| {
        let (run, workers) = (&run, &workers);
        let threads =
            ranges.map(|images| scope.spawn(move || run(images, Some(workers as &dyn SumAcross))));
        threads.map(|thread| thread.join().unwrap()).into()
    });
    let wide = |values: &[f32]| values.iter().copied().map(f64::from).collect::<Vec<_>>();
    let join = |part: fn(&Both) -> &Vec<f32>| {
        of_parts
            .iter()
            .flat_map(part)
            .copied()
            .collect::<Vec<f32>>()
    };
    for (of_part, ..) in &of_parts {
        assert_eq!(of_part.pixels, batch * 15);
        assert_eq!(
            (&of_part.mean, &of_part.variance),
            (&of_parts[0].0.mean, &of_parts[0].0.variance)
        );
        assert!(error(&of_part.mean, &wide(&statistics.mean)) < 1e-5);
        assert!(error(&of_part.variance, &wide(&statistics.variance)) < 1e-6);
    }
    assert!(error(&join(|part| &part.1), &wide(&output)) < 1e-5);
    assert!(error(&join(|part| &part.3), &wide(&back)) < 1e-5);
    // The parameters' gradients of the parts add up to those of the whole.
    for channel in 0..CHANNELS {
        let sum: f32 = of_parts.iter().map(|part| part.2.gamma[channel]).sum();
        assert!((sum - found.gamma[channel]).abs() < 1e-4, "gamma {channel}");
        let sum: f32 = of_parts.iter().map(|part| part.2.beta[channel]).sum();
        assert!((sum - found.beta[channel]).abs() < 1e-4, "beta {channel}");
    }
}
