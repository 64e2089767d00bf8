//! From tensors to numbers.

use burn::tensor::Tensor;

use super::error::PreparedError;
use crate::device::failure;

/// The numbers of a tensor.
pub(super) fn values<const D: usize>(tensor: Tensor<D>) -> Result<Vec<f32>, PreparedError> {
    let values = tensor.try_into_vec_as::<f32>();
    values.map_err(|error| PreparedError::Values(failure(error)))
}
