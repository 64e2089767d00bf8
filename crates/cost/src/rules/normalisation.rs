//! Batch and layer normalisation.

use burn_ir::{BatchNormOpIr, LayerNormOpIr, TensorIr};

use super::Row;
use super::gradient::Gradient::{self, Whole};
use super::keep::Saves::Inputs;
use super::name::Name;
use super::shape::{elements, values};
use super::unit::{ADDITION, DIVISION, ELEMENTARY, MULTIPLICATION};
use crate::kind::Kind;
use crate::work::Work;

/// y = x·s + t with s = γ / √(σ² + ε) and t = β − μ·s, as implementations compute it: s and t
/// once for each channel, then one multiplication and one addition for each value.
///
/// Burn keeps the statistics of the batch.
pub(super) fn batch_norm(op: &BatchNormOpIr) -> Row {
    let channels = elements(&op.gamma);
    let work = (MULTIPLICATION + ADDITION) * elements(&op.out)
        + (ADDITION * 2 + MULTIPLICATION + DIVISION + ELEMENTARY) * channels;
    let gradient = gradient(&op.x, &op.gamma, Some(&op.beta));
    Row::new(
        Name::BatchNorm,
        Kind::BatchNorm,
        work,
        gradient,
        Inputs(&[0, 1]),
    )
    .keeping(values(2 * channels, &op.gamma))
    .adding_in_training(batch_statistics(elements(&op.out), channels))
    .over()
}

/// Mean and variance of each channel over the batch, and their running averages.
fn batch_statistics(values: u128, channels: u128) -> Work {
    let mean = ADDITION * values.saturating_sub(channels) + DIVISION * channels;
    let variance = (ADDITION + MULTIPLICATION) * values + mean;
    let running = (MULTIPLICATION * 4 + ADDITION * 2) * channels;
    mean + variance + running
}

/// (x − μ) / √(σ² + ε)·γ + β with the mean and the variance of each row of n values.
///
/// Burn keeps x − μ, the normalised x, and for each row σ² + ε and its root.
pub(super) fn layer_norm(op: &LayerNormOpIr) -> Row {
    let (count, n) = (elements(&op.out), elements(&op.gamma).max(1));
    let rows = count / n;
    let mean = ADDITION * (count - rows) + DIVISION * rows;
    let variance = (ADDITION + MULTIPLICATION) * count + mean;
    let scale = (ADDITION + ELEMENTARY + DIVISION) * rows;
    let mut work = mean + variance + scale + MULTIPLICATION * (2 * count);
    if op.beta.is_some() {
        work += ADDITION * count;
    }
    let gradient = gradient(&op.input, &op.gamma, op.beta.as_ref());
    Row::new(
        Name::LayerNorm,
        Kind::LayerNorm,
        work,
        gradient,
        Inputs(&[1]),
    )
    .keeping(values(2 * (count + rows), &op.input))
    .over_in_training()
}

/// With the normalised x̂: dβ = Σ g, dγ = Σ g·x̂, x̂ being computed anew, and
/// dx = s·(g − dβ / n − x̂·dγ / n).
fn gradient(x: &TensorIr, gamma: &TensorIr, beta: Option<&TensorIr>) -> Gradient {
    let (count, channels) = (elements(x), elements(gamma));
    let mut works = vec![
        (MULTIPLICATION + ADDITION) * (2 * count) + DIVISION * (2 * channels),
        MULTIPLICATION * (2 * count) + ADDITION * (2 * count - channels.min(count)),
    ];
    let shift = ADDITION * count.saturating_sub(channels);
    works.extend(beta.map(|_| shift));
    Whole(works)
}
