//! What other tools report. `scripts/preset_costs.py` runs them on the layers that they and Burn
//! have in common, and `tests/presets.rs` compares.
//!
//! Tools that look at layers as wholes count some that Burn computes from several operations. There
//! the lines name one of them that such a layer makes once: `In("SiLU", "sigmoid")`.

use super::Convention;
use super::Quantity::{
    AdaptiveEstimate, BiasedOutputs, DeformableEstimate, Flops, Inputs, Macs, OneSample,
    OutputMacs, Outputs, Parameters, TransposedEstimate,
};
use super::Quantity::{Comparisons, Elementary, Operations, ValidMacs};
use super::Which::{In, Named, Of, Outside, Recurrent, Resized, Rest};
use crate::kind::Kind::{
    Activation, AdaptiveAveragePool, Attention, AveragePool, BatchNorm, Convolution,
    DeformableConvolution, Elementwise, Embedding, Interpolation, LayerNorm, Linear, LinearBias,
    Matmul, MaxPool, TransposedConvolution, View,
};
use crate::rules::Name;

/// What `torchinfo` 1.8 reports as `total_mult_adds`.
pub const TORCHINFO: Convention = Convention {
    name: "torchinfo",
    unit: "MAC",
    definition: "torchinfo's mult-adds: MACs and biases of convolutions, parameters of other leaf layers",
    lines: &[
        (Of(Convolution), Macs, 1),
        (Of(Convolution), BiasedOutputs, 1),
        (Of(DeformableConvolution), Macs, 1),
        (Of(DeformableConvolution), BiasedOutputs, 1),
        (Of(TransposedConvolution), OutputMacs, 1),
        (Of(TransposedConvolution), BiasedOutputs, 1),
        (Of(Linear), Parameters, 1),
        (Of(BatchNorm), Parameters, 1),
        (Of(LayerNorm), Parameters, 1),
        (Of(Embedding), Parameters, 1),
        (Of(Activation), Parameters, 1),
        (Of(Elementwise), Parameters, 1),
        // Biases and scales are reshaped before they are added or multiplied.
        (Of(View), Parameters, 1),
    ],
    per_sample: &[],
};

/// What `fvcore` 0.1.5's `FlopCountAnalysis` reports.
pub const FVCORE: Convention = Convention {
    name: "fvcore",
    unit: "MAC",
    definition: "fvcore's flops: MACs without biases, norms, 2-d resizing, adaptive 2-d pool inputs",
    lines: &[
        (Of(Convolution), Macs, 1),
        (Of(TransposedConvolution), Macs, 1),
        (Of(Linear), Macs, 1),
        (Of(Matmul), Macs, 1),
        (Of(BatchNorm), Inputs, 2),
        (Of(LayerNorm), Inputs, 5),
        // 4 for each element, 5 with a scale and a shift.
        (In("GroupNorm", Name::Sub), Outputs, 4),
        (In("GroupNorm", Name::Add), Outputs, 1),
        (In("InstanceNorm", Name::Sub), Outputs, 4),
        (In("InstanceNorm", Name::Add), Outputs, 1),
        (Resized(0, 2), Outputs, 1),
        (Resized(4, 2), Outputs, 4),
        (Named(Name::GridSample2d), Outputs, 4),
        (Named(Name::AdaptiveAvgPool2d), Inputs, 1),
    ],
    per_sample: &[],
};

/// What `fvcore` 0.1.5's `ActivationCountAnalysis` reports.
pub const FVCORE_ACTIVATIONS: Convention = Convention {
    name: "fvcore-activations",
    unit: "element",
    definition: "fvcore's activations: elements that convolutions, linear layers and matrix products put out",
    lines: &[
        (Of(Convolution), Outputs, 1),
        (Of(TransposedConvolution), Outputs, 1),
        (Of(Linear), Outputs, 1),
        (Of(Matmul), Outputs, 1),
    ],
    per_sample: &[],
};

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

/// What PyTorch 2.15's `FlopCounterMode` reports, its mistakes in the backward pass of grouped
/// convolutions left out.
pub const TORCH: Convention = Convention {
    name: "torch",
    unit: "FLOP",
    definition: "FlopCounterMode's: 2 per MAC of convolutions, matrix products and attention",
    lines: &[
        (Of(Convolution), Macs, 2),
        (Of(TransposedConvolution), Macs, 2),
        (Of(Linear), Macs, 2),
        (Of(Matmul), Macs, 2),
        (Of(Attention), Macs, 2),
    ],
    per_sample: &[],
};

/// What XLA's cost analysis reports as `flops` of the same operations in JAX 0.10, before XLA
/// rewrites them: `jax.jit(f).lower(x).cost_analysis()`.
///
/// A convolution's window is counted only where it lies inside the input: products with the zeros
/// of the padding are left out. Comparisons count like arithmetic; exponentials, logarithms, roots
/// and hyperbolic tangents are transcendentals, which XLA reports apart. Batch normalisation is
/// flax's.
pub const XLA: Convention = Convention {
    name: "xla",
    unit: "FLOP",
    definition: "XLA's flops: 2 per MAC inside the padding, 1 per arithmetic operation and comparison",
    lines: &[
        (Of(Convolution), ValidMacs, 2),
        (Of(Convolution), BiasedOutputs, 1),
        (Of(TransposedConvolution), ValidMacs, 2),
        (Of(TransposedConvolution), BiasedOutputs, 1),
        (Of(DeformableConvolution), Macs, 2),
        (Of(Linear), Macs, 2),
        (Of(Linear), BiasedOutputs, 1),
        (Of(Matmul), Macs, 2),
        (Of(Attention), Macs, 2),
        // The scaling and the softmax of the scores, one exponential for each.
        (Of(Attention), Elementary, 4),
        (Of(Attention), Comparisons, 1),
        // (x − μ)·(γ / √(σ² + ε)) + β
        (Of(BatchNorm), Outputs, 3),
        (Of(BatchNorm), Elementary, 2),
        // σ² = max(0, E x² − (E x)²): two steps more for each row, which takes one root.
        (Of(LayerNorm), Operations, 1),
        (Of(LayerNorm), Elementary, 2),
        // The largest of a row is compared with −∞ too.
        (Named(Name::Softmax), Outputs, 3),
        (Named(Name::Softmax), Comparisons, 1),
        (Named(Name::Softmin), Outputs, 4),
        (Named(Name::Softmin), Comparisons, 1),
        // x ≥ 0, a·x, and the choice between them.
        (Named(Name::LeakyRelu), Outputs, 3),
        (Named(Name::Prelu), Outputs, 3),
        // The error function is a quotient of polynomials.
        (Named(Name::Gelu), Outputs, 66),
        (Named(Name::LogSigmoid), Outputs, 8),
        // One step more beside an exponential, which is none; no division where α is 1.
        (In("Selu", Name::Exp), Outputs, 1),
        (In("Softplus", Name::Exp), Outputs, 1),
        (In("Mish", Name::Exp), Outputs, 1),
        (In("Celu", Name::DivScalar), Outputs, 0),
        (Rest, Operations, 1),
    ],
    per_sample: &[],
};
