//! A tensor's values.

use std::error::Error;

use burn::tensor::Tensor;
use vgg::device::failure;

/// The values, read from their device, which may have failed by then. Such as are not finite show nothing.
pub fn values<const D: usize>(tensor: Tensor<D>) -> Result<Vec<f32>, Box<dyn Error>> {
    let values = tensor.try_into_vec_as::<f32>();
    let values = values.map_err(|error| format!("the device failed: {}", failure(error)))?;
    match values.iter().all(|value| value.is_finite()) {
        true => Ok(values),
        false => Err(
            "the network answers with numbers that are not finite: its weights are of no use"
                .into(),
        ),
    }
}
