//! What goes into a chain, and what comes out.

use std::sync::Arc;

use burn::tensor::Tensor;

use crate::{BatchStatistics, SumAcross};

/// A 3x3 convolution with stride 1 and padding 1, and what follows it.
#[derive(Debug, Clone)]
pub struct ChainLayer {
    /// `[out_channels, in_channels, 3, 3]`
    pub weight: Tensor<4>,
    /// `[out_channels]`
    pub bias: Tensor<1>,
    /// Batch normalisation by the statistics of the batch, as in training. In inference the running
    /// statistics belong into weight and bias.
    pub norm: Option<ChainNorm>,
    /// Whether negative outputs become zero.
    pub relu: bool,
}

/// A batch normalisation.
#[derive(Debug, Clone)]
pub struct ChainNorm {
    /// Scale, `[out_channels]`.
    pub gamma: Tensor<1>,
    /// Shift, `[out_channels]`.
    pub beta: Tensor<1>,
    /// Added to the variance.
    pub epsilon: f64,
    /// The other workers, where the maps are those of one worker's part of the batch: statistics are those of all parts.
    pub across: Option<Arc<dyn SumAcross>>,
}

/// What a chain puts out.
#[derive(Debug, Clone)]
pub struct Chained {
    /// `[batch, out_channels, height, width]`
    pub output: Tensor<4>,
    /// Those of each normalisation, in order, on the device of the output and without gradients.
    pub statistics: Vec<ChainStatistics>,
}

/// The statistics of a batch.
#[derive(Debug, Clone)]
pub struct ChainStatistics {
    /// `[out_channels]`
    pub mean: Tensor<1>,
    /// `[out_channels]`, biased: divided by the number of pixels.
    pub variance: Tensor<1>,
    /// How many pixels of each channel they were taken over, of all workers' parts of the batch.
    pub pixels: usize,
}

pub(super) fn as_tensors(
    statistics: &[BatchStatistics],
    tensor: impl Fn(&[f32]) -> Tensor<1>,
) -> Vec<ChainStatistics> {
    let tensors = statistics.iter().map(|statistics| ChainStatistics {
        mean: tensor(&statistics.mean),
        variance: tensor(&statistics.variance),
        pixels: statistics.pixels,
    });
    tensors.collect()
}
