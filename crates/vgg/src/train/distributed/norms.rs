//! Batch normalisations that several workers have together.

use std::sync::Arc;

use burn::tensor::{Tensor, TensorData};
#[cfg(feature = "winograd")]
use winograd::SumAcross;

use super::group::Group;
use crate::device::failure;
use crate::layers::ConvLayer;
use crate::model::Vgg;
use crate::train::error::TrainError;

/// A group as normalisations use it. A sum that fails is not heard of here: in the middle of a backward pass there is no
/// way out. But the group has failed then, so that the step ends with the error before its gradients are used.
#[cfg(feature = "winograd")]
#[derive(Debug)]
pub(in crate::train) struct OfGroup(pub(in crate::train) Arc<dyn Group>);

#[cfg(feature = "winograd")]
impl SumAcross for OfGroup {
    fn sum(&self, values: &mut [f64]) {
        let _ = self.0.sum(values);
    }
}

/// Takes the part in the statistics of a step that a worker without images has: zeros, in the order in which the others'
/// forward and backward passes come by.
pub(super) fn take_part_without_images(group: &dyn Group, network: &Vgg) -> Result<(), TrainError> {
    let sizes: Vec<_> = layers(network)
        .filter_map(ConvLayer::learning_norm_channels)
        .map(|channels| 1 + 2 * channels)
        .collect();
    for &size in sizes.iter().chain(sizes.iter().rev()) {
        group.sum(&mut vec![0.0; size])?;
    }
    Ok(())
}

/// Gives all workers the running statistics of rank 0, so that they test the same network.
pub(super) fn share_running_statistics(
    group: &Arc<dyn Group>,
    network: &Vgg,
) -> Result<(), TrainError> {
    let norms: Vec<_> = layers(network)
        .filter_map(|layer| layer.norm.as_ref())
        .collect();
    if norms.is_empty() || group.size() == 1 {
        return Ok(());
    }
    let mut bytes = Vec::new();
    if group.rank() == 0 {
        for norm in &norms {
            for running in [&norm.running_mean, &norm.running_var] {
                let values = running.value_sync().try_into_vec_as::<f32>();
                let values = values.map_err(|error| TrainError::Device(failure(error)))?;
                bytes.extend(values.iter().flat_map(|value| value.to_le_bytes()));
            }
        }
    }
    let bytes = group.broadcast(bytes)?;
    if group.rank() == 0 {
        return Ok(());
    }
    let mut values = bytes
        .as_chunks::<4>()
        .0
        .iter()
        .map(|&bytes| f32::from_le_bytes(bytes));
    for norm in norms {
        for running in [&norm.running_mean, &norm.running_var] {
            let before = running.value_sync();
            let own: Vec<f32> = values.by_ref().take(before.dims()[0]).collect();
            let data = TensorData::new(own, before.dims());
            running.update(Tensor::from_data(data, &before.device()));
            // Not only when it is next asked for.
            running.value_sync();
        }
    }
    Ok(())
}

fn layers(network: &Vgg) -> impl Iterator<Item = &ConvLayer> {
    network.blocks.iter().flat_map(|block| &block.layers)
}
