//! Faults of Burn 0.22.1 that this project works around. Each test fails once Burn has mended
//! them: then the workaround can go.

use burn::nn::BatchNormConfig;
use burn::tensor::{Tensor, TensorData};

use crate::Side;

/// Burn's batch normalisation moves the running variance towards the biased variance of the batch
/// (divided by n), PyTorch's towards the unbiased one (divided by n − 1). `ConvLayer` does as
/// PyTorch does.
pub(crate) fn known_faults(side: Side) {
    let device = side.device().autodiff();
    let norm = BatchNormConfig::new(1).with_momentum(1.0).init(&device);
    let values = TensorData::new(vec![0f32, 1.0, 2.0, 3.0], [4, 1, 1, 1]);
    norm.forward(Tensor::<4>::from_data(values, &device));
    let variance: f32 = norm.running_var.value_sync().into_scalar();
    let (biased, unbiased) = (5.0 / 4.0, 5.0 / 3.0);
    assert!(
        (variance - biased).abs() < 1e-5,
        "{}: the running variance is {variance}; mended if it is {unbiased}",
        side.backend
    );
}
