//! What the two packages that go by the name of thop report.

use super::Convention;
use super::Quantity::{
    AdaptiveEstimate, BiasedOutputs, Comparisons, Flops, Inputs, Macs, OutputMacs, Outputs,
};
use super::Which::{In, Named, Of, Outside, Recurrent, Resized};
use crate::kind::Kind::{
    AdaptiveAveragePool, Attention, AveragePool, BatchNorm, Convolution, Elementwise, LayerNorm,
    Linear, LinearBias, Matmul, TransposedConvolution,
};
use crate::rules::Name;

/// What `thop` 0.1.1 reports as MACs.
pub const THOP: Convention = Convention {
    name: "thop",
    unit: "MAC",
    definition: "thop's MACs: layers' alone, without biases, 4 per normalised element, estimates for pools",
    lines: &[
        (Of(Convolution), Macs, 1),
        (Of(TransposedConvolution), OutputMacs, 1),
        (Of(Linear), Macs, 1),
        (Of(BatchNorm), Inputs, 4),
        (Of(LayerNorm), Inputs, 4),
        (In("InstanceNorm", Name::Sub), Outputs, 2),
        (In("InstanceNorm", Name::Add), Outputs, 2),
        (Named(Name::Prelu), Inputs, 1),
        // 3·n − 1 for each row of n values.
        (Outside("MultiHeadAttention", Name::Softmax), Outputs, 2),
        (Outside("MultiHeadAttention", Name::Softmax), Comparisons, 1),
        (Of(AveragePool), Outputs, 1),
        (Of(AdaptiveAveragePool), AdaptiveEstimate, 1),
        (Resized(0, 1), Outputs, 1),
        (Resized(0, 2), Outputs, 1),
        (Resized(4, 1), Outputs, 5),
        (Resized(4, 2), Outputs, 11),
        (Resized(16, 2), Outputs, 259),
        (Recurrent(Linear, Name::Linear), BiasedOutputs, 1),
        (Recurrent(LinearBias, Name::Add), Outputs, 1),
        (Recurrent(Elementwise, Name::Add), Outputs, 1),
        (Recurrent(Elementwise, Name::Mul), Outputs, 1),
    ],
    per_sample: &[],
};

/// What `ultralytics-thop` 2.2.3 reports as MACs. It goes by the name of thop too, with rules of its
/// own.
pub const ULTRALYTICS_THOP: Convention = Convention {
    name: "ultralytics-thop",
    unit: "MAC",
    definition: "ultralytics-thop's MACs: without biases, matrix products too, norms, pools, softmax",
    lines: &[
        (Of(Convolution), Macs, 1),
        (Of(TransposedConvolution), Macs, 1),
        (Of(Linear), Macs, 1),
        (Of(Matmul), Macs, 1),
        (Of(Attention), Macs, 1),
        (Of(BatchNorm), Inputs, 4),
        (Of(LayerNorm), Inputs, 4),
        (In("GroupNorm", Name::Sub), Outputs, 2),
        (In("GroupNorm", Name::Add), Outputs, 2),
        (In("InstanceNorm", Name::Sub), Outputs, 2),
        (In("InstanceNorm", Name::Add), Outputs, 2),
        (In("RmsNorm", Name::Div), Outputs, 4),
        (Named(Name::Prelu), Inputs, 1),
        // 3·n − 1 for each row of n values, a logarithm for each row, a negation for each value.
        (Named(Name::Softmax), Outputs, 2),
        (Named(Name::Softmax), Comparisons, 1),
        (Named(Name::LogSoftmax), Outputs, 3),
        (Named(Name::Softmin), Outputs, 3),
        (Named(Name::Softmin), Comparisons, 1),
        // Each cell of a window, and one division.
        (Of(AveragePool), Flops, 1),
        (Of(AveragePool), Outputs, 1),
        (Of(AdaptiveAveragePool), Flops, 1),
        (Of(AdaptiveAveragePool), Outputs, 1),
        (Resized(4, 1), Outputs, 5),
        (Resized(4, 2), Outputs, 11),
        (Resized(16, 2), Outputs, 259),
        (Recurrent(Linear, Name::Linear), BiasedOutputs, 1),
        (Recurrent(LinearBias, Name::Add), Outputs, 1),
        (Recurrent(Elementwise, Name::Add), Outputs, 1),
        (Recurrent(Elementwise, Name::Mul), Outputs, 1),
    ],
    per_sample: &[],
};
