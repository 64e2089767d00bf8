//! What Burn's autodiff keeps of the forward pass for the backward pass.
//!
//! The rules are those of burn-autodiff 0.22 without gradient checkpointing. They are not the
//! least that would do: ReLU keeps its input though its output says the same, and a convolution
//! keeps input and weights for either gradient.

use crate::gradient::Backward;
use crate::kind::Kind;
use crate::record::{Operation, Record};

/// What is kept, and until when.
pub(super) struct Saved {
    /// For each tensor, the operation whose gradient is the last that needs it; the backward
    /// pass runs from the last operation to the first. `None` where none needs it.
    pub(super) tensors: Vec<Option<usize>>,
    /// For each operation, bytes that are kept beside its inputs and outputs.
    pub(super) beside: Vec<u128>,
}

impl Saved {
    /// Inference keeps nothing.
    pub(super) fn nothing(record: &Record) -> Self {
        Self {
            tensors: vec![None; record.tensors.len()],
            beside: vec![0; record.operations.len()],
        }
    }

    pub(super) fn new(record: &Record, backward: &Backward) -> Self {
        let mut saved = Self::nothing(record);
        for gradient in &backward.gradients {
            let index = gradient.operation;
            let operation = &record.operations[index];
            for tensor in kept(operation, gradient.tensor) {
                let until = saved.tensors[tensor].map_or(index, |at| at.min(index));
                saved.tensors[tensor] = Some(until);
            }
            if operation.kind == Kind::MaxPool {
                // Where the largest values were, as 64-bit integers.
                let outputs = operation.outputs.iter().take(1);
                saved.beside[index] = outputs.map(|&out| record.tensors[out].elements() * 8).sum();
            }
        }
        saved
    }
}

/// The tensors that are kept for the gradient of `input`, parameters among them.
fn kept(operation: &Operation, input: usize) -> Vec<usize> {
    let nothing = Vec::new;
    let first = |count: usize| operation.inputs.iter().take(count).copied().collect();
    let all = || operation.inputs.clone();
    let position = operation.inputs.iter().position(|&other| other == input);
    let name = operation.name.as_str();
    match operation.kind {
        Kind::Convolution | Kind::TransposedConvolution | Kind::BatchNorm | Kind::LayerNorm => {
            first(2)
        }
        // Each factor's gradient needs the other; a bias needs neither.
        Kind::Linear | Kind::Matmul => other(operation, position),
        Kind::DeformableConvolution | Kind::Attention | Kind::Custom | Kind::Loss => all(),
        // The shifted input of the exponentials, and their quotient.
        Kind::Softmax => operation
            .inputs
            .iter()
            .chain(&operation.outputs)
            .copied()
            .collect(),
        Kind::Activation
        | Kind::MaxPool
        | Kind::AveragePool
        | Kind::AdaptiveAveragePool
        | Kind::Interpolation => first(1),
        Kind::Embedding => operation.inputs.iter().skip(1).copied().collect(),
        Kind::Elementwise => match name {
            "add" | "sub" | "add_scalar" | "sub_scalar" | "mul_scalar" | "div_scalar" | "neg"
            | "sign" | "round" | "floor" | "ceil" | "trunc" => nothing(),
            "mul" => other(operation, position),
            "div" if position == Some(0) => other(operation, position),
            "mask_where" | "mask_fill" => operation.inputs.get(1).copied().into_iter().collect(),
            _ => all(),
        },
        Kind::Reduction => match name {
            "sum" | "sum_dim" | "sum_dims" | "mean" | "mean_dim" => nothing(),
            _ => all(),
        },
        Kind::Movement => match name {
            "gather" | "gather_nd" | "select" => operation.inputs.iter().skip(1).copied().collect(),
            _ => nothing(),
        },
        Kind::Sort => operation.outputs.clone(),
        Kind::LinearBias
        | Kind::View
        | Kind::Creation
        | Kind::Quantization
        | Kind::Collective
        | Kind::Optimizer => nothing(),
    }
}

/// The other one of two factors.
fn other(operation: &Operation, position: Option<usize>) -> Vec<usize> {
    let wanted = match position {
        // A square: both factors are this one.
        Some(0) if operation.inputs.first() == operation.inputs.get(1) => 0,
        Some(0) => 1,
        Some(1) => 0,
        _ => return Vec::new(),
    };
    operation.inputs.get(wanted).copied().into_iter().collect()
}
