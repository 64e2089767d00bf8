//! A tensor's values.

use std::error::Error;

use burn::tensor::Tensor;
use vgg::failure;

/// The values, read from their device, which may have failed by then.
pub fn values<const D: usize>(tensor: Tensor<D>) -> Result<Vec<f32>, Box<dyn Error>> {
    let values = tensor.try_into_vec_as::<f32>();
    values.map_err(|error| format!("the device failed: {}", failure(error)).into())
}
