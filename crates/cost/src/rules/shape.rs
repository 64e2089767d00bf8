//! Sizes of tensors.

use burn_ir::TensorIr;

/// The number of elements.
pub(super) fn elements(tensor: &TensorIr) -> u128 {
    let sides = tensor.shape.iter().map(|&side| side as u128);
    sides.fold(1, u128::saturating_mul)
}

/// The bytes that the elements take.
pub(crate) fn bytes(tensor: &TensorIr) -> u128 {
    values(elements(tensor), tensor)
}

/// The bytes of `count` values of the tensor's type.
pub(super) fn values(count: u128, tensor: &TensorIr) -> u128 {
    count.saturating_mul(tensor.dtype.size() as u128)
}

/// The bytes of `count` indices, which are 64-bit integers.
pub(super) fn indices(count: u128) -> u128 {
    count.saturating_mul(8)
}

/// The length of dimension `axis`.
pub(super) fn side(tensor: &TensorIr, axis: usize) -> u128 {
    tensor.shape.iter().nth(axis).copied().unwrap_or(1) as u128
}

/// The length of the last dimension.
pub(super) fn last(tensor: &TensorIr) -> u128 {
    tensor.shape.iter().last().copied().unwrap_or(1) as u128
}
