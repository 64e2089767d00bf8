//! Batch normalisation with PyTorch's running statistics.

use burn::nn::BatchNorm;
use burn::tensor::{Tensor, module::batch_norm_train};

/// Whether a norm takes the statistics of the batch, and learns from them: everywhere in Burn, if the
/// images lie on an autodiff device and the norm was not set to infer.
pub(super) fn learns(norm: &BatchNorm, tracked: bool) -> bool {
    tracked && norm.training.is_enabled()
}

pub(super) fn normalise(norm: &BatchNorm, input: Tensor<4>) -> Tensor<4> {
    if !learns(norm, input.device().is_autodiff()) {
        return norm.forward(input);
    }
    let [batch, _, height, width] = input.dims();
    let result = batch_norm_train(input, norm.gamma.val(), norm.beta.val(), norm.epsilon);
    learn(norm, result.mean, result.variance, batch * height * width);
    result.output
}

/// Moves the running statistics towards those of a batch with `count` values per channel, the way
/// PyTorch does.
///
/// Burn 0.22's own training pass moves `running_var` towards the *biased* batch variance
/// (divided by n), PyTorch's towards the unbiased one (divided by n − 1), where n is the number
/// of values per channel. Published weights were trained with the latter, so training here does
/// the same; what the layer puts out is equal in both.
pub(super) fn learn(norm: &BatchNorm, mean: Tensor<1>, variance: Tensor<1>, count: usize) {
    let device = mean.device();
    let count = count as f64;
    let unbiased = if count > 1.0 {
        count / (count - 1.0)
    } else {
        1.0
    };
    let moved = |running: Tensor<1>, batch: Tensor<1>| {
        running
            .to_device(&device)
            .mul_scalar(1.0 - norm.momentum)
            .add(batch.detach().mul_scalar(norm.momentum))
            .detach()
    };
    norm.running_mean
        .update(moved(norm.running_mean.value_sync(), mean));
    norm.running_var.update(moved(
        norm.running_var.value_sync(),
        variance.mul_scalar(unbiased),
    ));
}
