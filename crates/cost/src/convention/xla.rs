//! What XLA's cost analysis reports.

use super::Convention;
use super::Quantity::{
    BiasedOutputs, Comparisons, Elementary, Macs, Operations, Outputs, ValidMacs,
};
use super::Which::{In, Named, Of, Rest};
use crate::kind::Kind::{
    Attention, BatchNorm, Convolution, DeformableConvolution, LayerNorm, Linear, Matmul,
    TransposedConvolution,
};
use crate::rules::Name;

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
