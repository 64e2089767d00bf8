//! What Burn's autodiff keeps of the forward pass for the backward pass.
//!
//! The rules are those of burn-autodiff 0.22 without gradient checkpointing. They are not the
//! least that would do: ReLU keeps its input though its output says the same, and a convolution
//! keeps input and weights for either gradient.

use crate::gradient::Backward;
use crate::record::Record;

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
            let (inputs, outputs) = (&operation.inputs, &operation.outputs);
            let kept = operation.saves.tensors(gradient.position, inputs, outputs);
            for tensor in kept {
                let until = saved.tensors[tensor].map_or(index, |at| at.min(index));
                saved.tensors[tensor] = Some(until);
            }
            saved.beside[index] = operation.beside;
        }
        saved
    }
}
