//! Batch normalisation in training: by the statistics of the batch, with the ReLU behind it.
//!
//! With mean μ and variance σ² of a channel over the batch's m pixels, x̂ = (x − μ) / √(σ² + ε) and
//! y = γ·x̂ + β. Backwards, with g the gradient of y: ∂β = Σ g, ∂γ = Σ g·x̂ and
//! ∂x = γ / √(σ² + ε) · (g − ∂β / m − x̂ · ∂γ / m)
//! (Ioffe and Szegedy 2015, section 3).

mod across;
pub(crate) mod fold;
mod statistics;
mod sums;

use rayon::prelude::*;

use crate::error::{Error, check_length, check_nonzero, check_size};
use crate::maps::activation::Activation;
use crate::maps::line::{LANES, Line, lines_for};
use crate::simd::{Kernel, Op, Vector};
use crate::threads::planes_per_task;

pub use across::SumAcross;
pub use statistics::BatchStatistics;
use statistics::statistics;
use sums::{CHUNK, Sums};

/// The normalisation of a layer with `channels` channels.
#[derive(Clone, Copy, Debug)]
pub struct BatchNormLayer<'a> {
    /// Scale, `[channels]`.
    pub gamma: &'a [f32],
    /// Shift, `[channels]`.
    pub beta: &'a [f32],
    /// Added to the variance.
    pub epsilon: f64,
    /// Whether a ReLU follows.
    pub relu: bool,
    /// The other workers, where the maps are those of one worker's part of the batch: statistics are those of all parts.
    pub across: Option<&'a dyn SumAcross>,
}

/// The gradients of a normalisation's parameters.
#[derive(Clone, Debug, PartialEq)]
pub struct BatchNormGradient {
    /// `[channels]`
    pub gamma: Vec<f32>,
    /// `[channels]`
    pub beta: Vec<f32>,
}

/// Normalises a batch by its own statistics, and returns them.
///
/// # Shapes
/// - `input`: `[batch, channels, height, width]`
/// - `output`: the same; it is given that shape
///
/// # Errors
/// [`Error::Length`] if the layer has another number of channels, [`Error::Zero`] if there are no images.
pub fn batch_norm(
    input: &Activation,
    layer: &BatchNormLayer,
    output: &mut Activation,
) -> Result<BatchStatistics, Error> {
    let [batch, channels, height, width] = shape(input, layer)?;
    output.reshape([batch, channels, height, width])?;
    let statistics = statistics(input, layer.across);
    let factors = factors(layer, &statistics);
    let (kernel, plane) = (Kernel::detect(), height * width);
    output
        .lines_mut()
        .par_chunks_exact_mut(plane)
        .zip(input.lines().par_chunks_exact(plane))
        .enumerate()
        .with_min_len(planes_per_task(plane))
        .for_each(|(index, (output, input))| {
            kernel.run(Normalise {
                input,
                output,
                factors: &factors[index % factors.len()],
                relu: layer.relu,
            });
        });
    Ok(statistics)
}

/// Carries a gradient back through [`batch_norm`] and its ReLU.
///
/// # Shapes
/// - `input`: `[batch, channels, height, width]`, as it was in the forward pass
/// - `gradient`: the same; of the output before, of the input after
///
/// # Errors
/// [`Error::Length`] or [`Error::Size`] if the shapes do not fit together, [`Error::Zero`] if there are no
/// images.
pub fn batch_norm_gradient(
    input: &Activation,
    layer: &BatchNormLayer,
    statistics: &BatchStatistics,
    gradient: &mut Activation,
) -> Result<BatchNormGradient, Error> {
    let [batch, channels, height, width] = shape(input, layer)?;
    check_length("mean", channels, statistics.mean.len())?;
    check_length("variance", channels, statistics.variance.len())?;
    check_size("batch of the gradient", batch, gradient.batch())?;
    check_size("channels of the gradient", channels, gradient.channels())?;
    check_size("height of the gradient", height, gradient.height())?;
    check_size("width of the gradient", width, gradient.width())?;

    let mut factors = factors(layer, statistics);
    let (kernel, plane) = (Kernel::detect(), height * width);
    // First the sums, masking the gradient on the way.
    let parts: Vec<[Sums; 2]> = gradient
        .lines_mut()
        .par_chunks_exact_mut(plane)
        .zip(input.lines().par_chunks_exact(plane))
        .enumerate()
        .with_min_len(planes_per_task(plane))
        .map(|(index, (gradient, input))| {
            let factors = &factors[index % factors.len()];
            let relu = layer.relu;
            let mut sums = [[0.0; LANES]; 2];
            for (gradient, input) in gradient.chunks_mut(CHUNK).zip(input.chunks(CHUNK)) {
                let part = kernel.run(MaskAndSum {
                    input,
                    gradient,
                    factors,
                    relu,
                });
                add(&mut sums[0], &part[0]);
                add(&mut sums[1], &part[1]);
            }
            sums
        })
        .collect();

    let mut found = BatchNormGradient {
        gamma: vec![0.0; channels],
        beta: vec![0.0; channels],
    };
    let blocks = factors.len();
    let total = |channel: usize, which: usize| -> f64 {
        let parts = parts.iter().skip(channel / LANES).step_by(blocks);
        parts.map(|part| part[which][channel % LANES]).sum()
    };
    // The number of pixels, then both sums of each channel. The parameters' gradients are of this worker's part.
    let mut sums = vec![(batch * plane) as f64];
    sums.extend((0..channels).flat_map(|channel| [total(channel, 0), total(channel, 1)]));
    for (channel, pair) in sums[1..].as_chunks::<2>().0.iter().enumerate() {
        found.beta[channel] = pair[0] as f32;
        found.gamma[channel] = (pair[1] * inverse_deviation(layer, statistics, channel)) as f32;
    }
    if let Some(across) = layer.across {
        across.sum(&mut sums);
    }
    let count = sums[0];
    for (channel, &[sum, product]) in sums[1..].as_chunks::<2>().0.iter().enumerate() {
        let (block, lane) = (channel / LANES, channel % LANES);
        let inverse = inverse_deviation(layer, statistics, channel);
        factors[block].shift_back.0[lane] = (sum / count) as f32;
        factors[block].slope_back.0[lane] = (product * inverse * inverse / count) as f32;
    }

    gradient
        .lines_mut()
        .par_chunks_exact_mut(plane)
        .zip(input.lines().par_chunks_exact(plane))
        .enumerate()
        .with_min_len(planes_per_task(plane))
        .for_each(|(index, (gradient, input))| {
            kernel.run(CarryBack {
                input,
                gradient,
                factors: &factors[index % blocks],
            });
        });
    Ok(found)
}

fn add(sums: &mut Sums, part: &Line) {
    for (sum, &part) in sums.iter_mut().zip(&part.0) {
        *sum += f64::from(part);
    }
}

fn shape(input: &Activation, layer: &BatchNormLayer) -> Result<[usize; 4], Error> {
    let channels = input.channels();
    check_length("gamma", channels, layer.gamma.len())?;
    check_length("beta", channels, layer.beta.len())?;
    // An activation without images has no other size either.
    check_nonzero("batch", input.batch())?;
    Ok([input.batch(), channels, input.height(), input.width()])
}

/// What sixteen channels are computed with; zeros in the lanes beyond the last channel.
#[derive(Clone, Copy, Default)]
struct Factors {
    mean: Line,
    /// γ / √(σ² + ε)
    scale: Line,
    beta: Line,
    /// ∂β / m
    shift_back: Line,
    /// ∂γ / (m · √(σ² + ε))
    slope_back: Line,
}

fn factors(layer: &BatchNormLayer, statistics: &BatchStatistics) -> Vec<Factors> {
    let channels = layer.gamma.len();
    let mut factors = vec![Factors::default(); lines_for(channels)];
    for channel in 0..channels {
        let (block, lane) = (channel / LANES, channel % LANES);
        let inverse = inverse_deviation(layer, statistics, channel);
        let factors = &mut factors[block];
        factors.mean.0[lane] = statistics.mean[channel];
        factors.scale.0[lane] = (f64::from(layer.gamma[channel]) * inverse) as f32;
        factors.beta.0[lane] = layer.beta[channel];
    }
    factors
}

fn inverse_deviation(layer: &BatchNormLayer, statistics: &BatchStatistics, channel: usize) -> f64 {
    1.0 / (f64::from(statistics.variance[channel]) + layer.epsilon).sqrt()
}

/// `(x − μ) · scale + β`, the same to the last bit in both passes.
#[inline(always)]
fn normalised<V: Vector>(input: V, mean: V, scale: V, beta: V) -> V {
    input.sub(mean).mul_add(scale, beta)
}

/// Normalises one plane.
struct Normalise<'a> {
    input: &'a [Line],
    output: &'a mut [Line],
    factors: &'a Factors,
    relu: bool,
}

impl Op for Normalise<'_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector>(self) {
        let mean = V::load(&self.factors.mean.0);
        let scale = V::load(&self.factors.scale.0);
        let beta = V::load(&self.factors.beta.0);
        for (output, input) in self.output.iter_mut().zip(self.input) {
            let mut value = normalised(V::load(&input.0), mean, scale, beta);
            if self.relu {
                value = value.relu();
            }
            value.store(&mut output.0);
        }
    }
}

/// Masks a piece of a gradient by the ReLU, and adds up g and g·(x − μ).
struct MaskAndSum<'a> {
    input: &'a [Line],
    gradient: &'a mut [Line],
    factors: &'a Factors,
    relu: bool,
}

impl Op for MaskAndSum<'_> {
    type Output = [Line; 2];

    #[inline(always)]
    fn run<V: Vector>(self) -> [Line; 2] {
        let mean = V::load(&self.factors.mean.0);
        let scale = V::load(&self.factors.scale.0);
        let beta = V::load(&self.factors.beta.0);
        let zero = V::splat(0.0);
        let (mut sum, mut product) = (zero, zero);
        for (gradient, input) in self.gradient.iter_mut().zip(self.input) {
            let input = V::load(&input.0);
            let mut value = V::load(&gradient.0);
            if self.relu {
                value = value.where_greater(normalised(input, mean, scale, beta), zero);
                value.store(&mut gradient.0);
            }
            sum = sum.add(value);
            product = value.mul_add(input.sub(mean), product);
        }
        let mut sums = [Line::ZERO; 2];
        sum.store(&mut sums[0].0);
        product.store(&mut sums[1].0);
        sums
    }
}

/// Turns the gradient of one plane's output into that of its input.
struct CarryBack<'a> {
    input: &'a [Line],
    gradient: &'a mut [Line],
    factors: &'a Factors,
}

impl Op for CarryBack<'_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector>(self) {
        let mean = V::load(&self.factors.mean.0);
        let scale = V::load(&self.factors.scale.0);
        let shift = V::load(&self.factors.shift_back.0);
        let slope = V::load(&self.factors.slope_back.0);
        for (gradient, input) in self.gradient.iter_mut().zip(self.input) {
            let along = V::load(&input.0).sub(mean).mul(slope);
            let value = V::load(&gradient.0).sub(shift).sub(along).mul(scale);
            value.store(&mut gradient.0);
        }
    }
}
