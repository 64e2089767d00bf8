//! Sizes of tensors.

use burn_ir::TensorIr;

/// The number of elements.
pub(super) fn elements(tensor: &TensorIr) -> u128 {
    let sides = tensor.shape.iter().map(|&side| side as u128);
    sides.fold(1, u128::saturating_mul)
}

/// The bytes that the elements take.
pub(crate) fn bytes(tensor: &TensorIr) -> u128 {
    elements(tensor).saturating_mul(tensor.dtype.size() as u128)
}

/// The length of dimension `axis`.
pub(super) fn side(tensor: &TensorIr, axis: usize) -> u128 {
    tensor.shape.iter().nth(axis).copied().unwrap_or(1) as u128
}

/// The length of the last dimension.
pub(super) fn last(tensor: &TensorIr) -> u128 {
    tensor.shape.iter().last().copied().unwrap_or(1) as u128
}
