//! This project's own conventions.

use super::Convention;
use super::Quantity::{BiasedOutputs, Flops, Macs, Outputs};
use super::Which::{Any, Of};
use crate::kind::Kind::LinearBias;

/// Multiply-accumulates of convolutions and matrix products.
pub const MACS: Convention = Convention {
    name: "macs",
    unit: "MAC",
    definition: "multiply-accumulates of convolutions and matrix products, nothing else",
    lines: &[(Any, Macs, 1)],
    per_sample: &[],
};

/// Every multiplication, addition and division.
pub const FLOPS: Convention = Convention {
    name: "flops",
    unit: "FLOP",
    definition: "every multiplication, addition and division, of all operations: a·b + c is 2",
    lines: &[(Any, Flops, 1)],
    per_sample: &[],
};

/// The closed sums of the text that this project started from.
pub const PAPER: Convention = Convention {
    name: "paper",
    unit: "FLOP",
    definition: "c_out·h·w·(c_in·k·k + bias) for a convolution, out·(in + bias) for a linear layer",
    lines: &[
        (Any, Macs, 1),
        (Any, BiasedOutputs, 1),
        (Of(LinearBias), Outputs, 1),
    ],
    per_sample: &[],
};
