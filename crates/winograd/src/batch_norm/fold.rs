//! Batch normalisation, folded into the weights for inference.

use crate::error::{Error, check_length, check_nonzero};

/// The parameters and running statistics of a batch normalisation of `channels` channels.
#[derive(Clone, Copy, Debug)]
pub struct BatchNorm<'a> {
    /// Scale, `[channels]`.
    pub gamma: &'a [f32],
    /// Shift, `[channels]`.
    pub beta: &'a [f32],
    /// Running mean, `[channels]`.
    pub mean: &'a [f32],
    /// Running variance, `[channels]`.
    pub variance: &'a [f32],
    /// Added to the variance.
    pub epsilon: f64,
}

/// Folds the normalisation that follows a layer into the layer: with `s = γ / √(variance + ε)`, weights
/// become `s·w` and the bias `s·(b - mean) + β`. Computed in double precision.
///
/// # Shapes
/// - `weights`: `[out_channels, …]`; any number of weights for each output channel
/// - `bias`: `[out_channels]`; zeros for a layer without
///
/// # Errors
/// If a slice does not fit to the number of channels, which is `bias.len()`.
pub fn fold_batch_norm(
    weights: &mut [f32],
    bias: &mut [f32],
    norm: &BatchNorm,
) -> Result<(), Error> {
    let channels = bias.len();
    check_nonzero("bias", channels)?;
    for (what, values) in [
        ("gamma", norm.gamma),
        ("beta", norm.beta),
        ("mean", norm.mean),
        ("variance", norm.variance),
    ] {
        check_length(what, channels, values.len())?;
    }
    let each = weights.len() / channels;
    check_length("weights", each * channels, weights.len())?;
    for (channel, bias) in bias.iter_mut().enumerate() {
        let at = |values: &[f32]| f64::from(values[channel]);
        let factor = at(norm.gamma) / (at(norm.variance) + norm.epsilon).sqrt();
        *bias = (factor * (f64::from(*bias) - at(norm.mean)) + at(norm.beta)) as f32;
        for weight in &mut weights[channel * each..(channel + 1) * each] {
            *weight = (factor * f64::from(*weight)) as f32;
        }
    }
    Ok(())
}
