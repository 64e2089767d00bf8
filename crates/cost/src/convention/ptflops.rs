//! What ptflops' two backends report.

use super::Convention;
use super::Quantity::{BiasedOutputs, DeformableEstimate, Inputs, Macs, OneSample, Outputs};
use super::Which::{In, Named, Of, Recurrent};
use crate::kind::Kind::{
    AdaptiveAveragePool, AveragePool, BatchNorm, Convolution, DeformableConvolution, Elementwise,
    Interpolation, LayerNorm, Linear, LinearBias, Matmul, MaxPool, TransposedConvolution,
};
use crate::rules::Name;

/// What `ptflops` 0.7.5 reports with its backend `aten`.
pub const PTFLOPS_ATEN: Convention = Convention {
    name: "ptflops-aten",
    unit: "MAC",
    definition: "ptflops' aten backend: MACs and biases of convolutions, linear layers, matrix products",
    lines: &[
        (Of(Convolution), Macs, 1),
        (Of(Convolution), BiasedOutputs, 1),
        (Of(TransposedConvolution), Macs, 1),
        (Of(TransposedConvolution), BiasedOutputs, 1),
        (Of(Linear), Macs, 1),
        (Of(Linear), BiasedOutputs, 1),
        (Of(LinearBias), Outputs, 1),
        (Of(Matmul), Macs, 1),
    ],
    per_sample: &[],
};

/// What `ptflops` 0.7.5 reports with its backend `pytorch`. It counts layers and functions; layers
/// that call a function are counted twice. What it counts for layers is divided by the batch size,
/// what it counts for functions is not.
pub const PTFLOPS_PYTORCH: Convention = Convention {
    name: "ptflops-pytorch",
    unit: "MAC",
    definition: "ptflops' pytorch backend: per sample MACs, biases, norms; activations and pools twice",
    lines: &[
        (Named(Name::Relu), Inputs, 1),
        (Named(Name::Gelu), Inputs, 1),
        (In("Gelu", Name::Tanh), Outputs, 1),
        (Named(Name::Prelu), Inputs, 1),
        (In("Elu", Name::Exp), Outputs, 1),
        (In("SiLU", Name::Sigmoid), Outputs, 1),
        (Named(Name::Softmax), Inputs, 1),
        (Of(MaxPool), Inputs, 1),
        (Of(AveragePool), Inputs, 1),
        (Of(AdaptiveAveragePool), Inputs, 1),
        (Of(Interpolation), Outputs, 1),
        (Of(Matmul), Macs, 1),
    ],
    per_sample: &[
        (Of(Convolution), Macs, 1),
        (Of(Convolution), BiasedOutputs, 1),
        (Of(DeformableConvolution), DeformableEstimate, 1),
        (Of(TransposedConvolution), Macs, 1),
        (Of(TransposedConvolution), BiasedOutputs, 1),
        (Of(Linear), Macs, 1),
        (Of(Linear), BiasedOutputs, 1),
        (Of(LinearBias), Outputs, 1),
        (Of(BatchNorm), Inputs, 2),
        (Of(LayerNorm), Inputs, 1),
        (In("GroupNorm", Name::Sub), Outputs, 1),
        (In("GroupNorm", Name::Add), Outputs, 1),
        (In("InstanceNorm", Name::Sub), Outputs, 1),
        (In("InstanceNorm", Name::Add), Outputs, 1),
        (Named(Name::Relu), Inputs, 1),
        (In("Relu6", Name::Clamp), Outputs, 1),
        (Named(Name::Gelu), Inputs, 1),
        (In("Gelu", Name::Tanh), Outputs, 1),
        (Named(Name::Prelu), Inputs, 1),
        (Named(Name::LeakyRelu), Inputs, 1),
        (In("Elu", Name::Exp), Outputs, 1),
        (Of(MaxPool), Inputs, 1),
        (Of(AveragePool), Inputs, 1),
        (Of(AdaptiveAveragePool), Inputs, 1),
        // It takes the first of the samples for all of them.
        (Of(Interpolation), OneSample, 1),
        (Recurrent(Elementwise, Name::Add), Outputs, 1),
        (Recurrent(Elementwise, Name::Mul), Outputs, 1),
        // Two more for each state of an LSTM, which has two hyperbolic tangents.
        (In("Lstm", Name::Tanh), Outputs, 1),
        (In("BiLstm", Name::Tanh), Outputs, 1),
    ],
};
