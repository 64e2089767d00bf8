//! Sizes of tensors.

use burn_ir::TensorIr;

/// The number of elements.
pub(super) fn elements(tensor: &TensorIr) -> u64 {
    tensor.shape.iter().map(|&side| side as u64).product()
}

/// The bytes that the elements take.
pub(super) fn bytes(tensor: &TensorIr) -> u64 {
    elements(tensor) * tensor.dtype.size() as u64
}

/// The length of dimension `axis`.
pub(super) fn side(tensor: &TensorIr, axis: usize) -> u64 {
    tensor.shape.iter().nth(axis).copied().unwrap_or(1) as u64
}

/// The length of the last dimension.
pub(super) fn last(tensor: &TensorIr) -> u64 {
    tensor.shape.iter().last().copied().unwrap_or(1) as u64
}
