//! What calflops reports.

use super::Convention;
use super::Quantity::{BiasedOutputs, Inputs, Macs, Outputs, TransposedEstimate};
use super::Which::{In, Named, Of};
use crate::kind::Kind::{
    AdaptiveAveragePool, AveragePool, BatchNorm, Convolution, Interpolation, LayerNorm, Linear,
    Matmul, MaxPool, TransposedConvolution,
};
use crate::rules::Name;

/// What `calflops` 0.3.2 reports as FLOPs.
pub const CALFLOPS: Convention = Convention {
    name: "calflops",
    unit: "FLOP",
    definition: "calflops' FLOPs: 2 per MAC, convolution biases, norms, activations, pool inputs",
    lines: &[
        (Of(Convolution), Macs, 2),
        (Of(Convolution), BiasedOutputs, 1),
        (Of(TransposedConvolution), TransposedEstimate, 1),
        (Of(Linear), Macs, 2),
        (Of(Matmul), Macs, 2),
        (Of(BatchNorm), Inputs, 2),
        (Of(LayerNorm), Inputs, 5),
        // 4 for each element, 5 with a scale and a shift.
        (In("GroupNorm", Name::Sub), Outputs, 4),
        (In("GroupNorm", Name::Add), Outputs, 1),
        (In("InstanceNorm", Name::Sub), Outputs, 4),
        (In("InstanceNorm", Name::Add), Outputs, 1),
        (Named(Name::Relu), Inputs, 1),
        (Named(Name::Gelu), Inputs, 1),
        (In("Gelu", Name::Tanh), Outputs, 1),
        (Named(Name::Prelu), Inputs, 1),
        (Named(Name::LeakyRelu), Inputs, 1),
        (In("Elu", Name::Exp), Outputs, 1),
        (In("SiLU", Name::Sigmoid), Outputs, 1),
        (Named(Name::Softmax), Inputs, 1),
        (Of(MaxPool), Inputs, 1),
        (Of(AveragePool), Inputs, 1),
        (Of(AdaptiveAveragePool), Inputs, 1),
        (Of(Interpolation), Inputs, 1),
    ],
    per_sample: &[],
};
