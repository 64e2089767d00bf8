//! What fvcore reports.

use super::Convention;
use super::Quantity::{Inputs, Macs, Outputs};
use super::Which::{In, Named, Of, Resized};
use crate::kind::Kind::{BatchNorm, Convolution, LayerNorm, Linear, Matmul, TransposedConvolution};
use crate::rules::Name;

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
