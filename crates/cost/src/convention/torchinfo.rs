//! What torchinfo reports.

use super::Convention;
use super::Quantity::{BiasedOutputs, Macs, OutputMacs, Parameters};
use super::Which::Of;
use crate::kind::Kind::{
    Activation, BatchNorm, Convolution, DeformableConvolution, Elementwise, Embedding, LayerNorm,
    Linear, TransposedConvolution, View,
};

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
