//! Kinds of operations.

use serde::{Deserialize, Serialize};

/// What sort of operation it is: the grouping of reports and what conventions distinguish.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Kind {
    /// A convolution in one to three dimensions, with its bias.
    Convolution,
    /// A transposed convolution, with its bias.
    TransposedConvolution,
    /// A deformable convolution, with its bias.
    DeformableConvolution,
    /// A matrix product with a weight matrix.
    Linear,
    /// The bias of a linear layer.
    LinearBias,
    /// A matrix product of two computed matrices.
    Matmul,
    /// Scaled dot-product attention as one operation.
    Attention,
    /// Batch normalisation as one operation.
    BatchNorm,
    /// Layer normalisation as one operation.
    LayerNorm,
    /// An activation function as one operation.
    Activation,
    /// Softmax and its relatives.
    Softmax,
    /// Max pooling.
    MaxPool,
    /// Average pooling over windows of one size.
    AveragePool,
    /// Average pooling to an output of a given size.
    AdaptiveAveragePool,
    /// Resizing and sampling of images.
    Interpolation,
    /// A look-up of rows in a table of weights.
    Embedding,
    /// One result per element: arithmetic, functions, comparisons, masks.
    Elementwise,
    /// Sums, means, extrema, cumulative ones too.
    Reduction,
    /// Sorting and selection of the largest.
    Sort,
    /// A loss as one operation.
    Loss,
    /// Copies: concatenation, gathering, padding, casts.
    Movement,
    /// Another view of the same memory: reshaping, transposition, slices.
    View,
    /// New tensors of constants or random numbers.
    Creation,
    /// Quantisation and its reverse.
    Quantization,
    /// Communication between devices.
    Collective,
    /// A user's own operation.
    Custom,
    /// The optimizer's update of the parameters.
    Optimizer,
}

impl Kind {
    /// Whether its first input is data to which it applies the others as weights.
    pub(crate) fn applies_weights(self) -> bool {
        matches!(
            self,
            Self::Convolution
                | Self::TransposedConvolution
                | Self::DeformableConvolution
                | Self::Linear
                | Self::Matmul
                | Self::BatchNorm
                | Self::LayerNorm
        )
    }

    /// Its name in reports, such as `max_pool`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Convolution => "convolution",
            Self::TransposedConvolution => "transposed_convolution",
            Self::DeformableConvolution => "deformable_convolution",
            Self::Linear => "linear",
            Self::LinearBias => "linear_bias",
            Self::Matmul => "matmul",
            Self::Attention => "attention",
            Self::BatchNorm => "batch_norm",
            Self::LayerNorm => "layer_norm",
            Self::Activation => "activation",
            Self::Softmax => "softmax",
            Self::MaxPool => "max_pool",
            Self::AveragePool => "average_pool",
            Self::AdaptiveAveragePool => "adaptive_average_pool",
            Self::Interpolation => "interpolation",
            Self::Embedding => "embedding",
            Self::Elementwise => "elementwise",
            Self::Reduction => "reduction",
            Self::Sort => "sort",
            Self::Loss => "loss",
            Self::Movement => "movement",
            Self::View => "view",
            Self::Creation => "creation",
            Self::Quantization => "quantization",
            Self::Collective => "collective",
            Self::Custom => "custom",
            Self::Optimizer => "optimizer",
        }
    }
}
