//! The backward pass, derived from the recorded forward pass by differentiation rules.
//!
//! Burn does not record backward passes, and needs not to: which gradients there are follows from
//! the graph, and what each takes from the operation. A gradient is computed for a tensor only
//! where something trainable lies behind it, so the first convolution of a network has no
//! gradient of its input, and frozen parameters have none at all.

use crate::record::{Origin, Record};
use crate::tree::Role;
use crate::work::Work;

/// The computation of one gradient.
#[derive(Debug, Clone)]
pub(crate) struct Gradient {
    /// The forward operation that it reverses.
    pub(crate) operation: usize,
    /// Which of the operation's inputs it is the gradient of, and the tensor that this is.
    pub(crate) position: usize,
    pub(crate) tensor: usize,
    /// `None` where no rule covers it.
    pub(crate) work: Option<Work>,
}

/// The backward pass.
#[derive(Debug)]
pub(crate) struct Backward {
    /// In the order of execution.
    pub(crate) gradients: Vec<Gradient>,
    /// For each tensor, whether a gradient flows through it.
    pub(crate) flows: Vec<bool>,
}

/// Derives the backward pass from gradients of the outputs. `inputs` says whether the gradients
/// of the forward pass's inputs are wanted too.
pub(crate) fn backward(record: &Record, inputs: bool) -> Backward {
    let needed = needed(record, inputs);
    let mut flows = vec![false; record.tensors.len()];
    // Operations that put the gradients of several uses of one tensor together.
    let mut contributions = vec![0u128; record.tensors.len()];
    for &output in &record.outputs {
        flows[output] = needed[output];
    }
    let mut gradients = Vec::new();
    for (index, operation) in record.operations.iter().enumerate().rev() {
        if !operation.outputs.iter().any(|&output| flows[output]) {
            continue;
        }
        for (position, &input) in operation.inputs.iter().enumerate() {
            if !needed[input] {
                continue;
            }
            flows[input] = true;
            contributions[input] += 1;
            let mut work = operation.gradients.get(position).copied().flatten();
            if contributions[input] > 1
                && let Some(work) = &mut work
            {
                work.additions += record.tensors[input].elements();
            }
            gradients.push(Gradient {
                operation: index,
                position,
                tensor: input,
                work,
            });
        }
    }
    Backward { gradients, flows }
}

/// For each tensor, whether something trainable lies behind it.
fn needed(record: &Record, inputs: bool) -> Vec<bool> {
    let mut needed: Vec<_> = record
        .tensors
        .iter()
        .map(|tensor| match tensor.origin {
            Origin::Parameter(index) => record.tree.parameters[index].role == Role::Trainable,
            Origin::Input => inputs && tensor.dtype.is_float(),
            Origin::Constant | Origin::Operation(_) => false,
        })
        .collect();
    for operation in &record.operations {
        let any = operation.inputs.iter().any(|&input| needed[input]);
        for &output in &operation.outputs {
            needed[output] = any && record.tensors[output].dtype.is_float();
        }
    }
    needed
}
