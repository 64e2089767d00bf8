//! What PyTorch's own counter reports.

use super::Convention;
use super::Quantity::Macs;
use super::Which::Of;
use crate::kind::Kind::{Attention, Convolution, Linear, Matmul, TransposedConvolution};

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
