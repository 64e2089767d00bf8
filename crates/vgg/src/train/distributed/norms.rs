//! Batch normalisations that several workers have together.

use std::sync::Arc;

use burn::tensor::{Device, Tensor, TensorData};
#[cfg(feature = "winograd")]
use winograd::SumAcross;

use super::group::Group;
use crate::device::failure;
#[cfg(feature = "winograd")]
use crate::device::is_processor;
#[cfg(feature = "winograd")]
use crate::engine::Engine;
use crate::layers::{Block, ConvLayer};
use crate::model::Vgg;
use crate::train::config::RunConfig;
use crate::train::error::TrainError;

/// A group as normalisations use it. A sum that fails is not heard of here: in the middle of a backward pass there is no
/// way out. But the group has failed then, so that the step ends with the error before its gradients are used.
#[cfg(feature = "winograd")]
#[derive(Debug)]
struct OfGroup(Arc<dyn Group>);

#[cfg(feature = "winograd")]
impl SumAcross for OfGroup {
    fn sum(&self, values: &mut [f64]) {
        let _ = self.0.sum(values);
    }
}

/// The part of a worker without images in the statistics of a forward pass: zeros for each normalisation.
pub(super) fn forward_without_images(group: &dyn Group, network: &Vgg) -> Result<(), TrainError> {
    network
        .blocks
        .iter()
        .try_for_each(|block| zeros(group, block.layers.iter()))
}

/// The same for the backward pass of one block.
pub(super) fn backward_without_images(group: &dyn Group, block: &Block) -> Result<(), TrainError> {
    zeros(group, block.layers.iter().rev())
}

fn zeros<'a>(
    group: &dyn Group,
    layers: impl Iterator<Item = &'a ConvLayer>,
) -> Result<(), TrainError> {
    for channels in layers.filter_map(ConvLayer::learning_norm_channels) {
        // A number of pixels, and two sums for each channel.
        group.sum(&mut vec![0.0; 1 + 2 * channels])?;
    }
    Ok(())
}

/// Gives all workers the running statistics of rank 0, so that they test the same network.
pub(super) fn share_running_statistics(
    group: &Arc<dyn Group>,
    network: &Vgg,
) -> Result<(), TrainError> {
    let layers = network.blocks.iter().flat_map(|block| &block.layers);
    let norms: Vec<_> = layers.filter_map(|layer| layer.norm.as_ref()).collect();
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

/// Checks that normalisations over all workers' parts can be computed where they are asked for.
pub(in crate::train) fn check_sync(
    wanted: bool,
    config: &RunConfig,
    device: &Device,
) -> Result<(), TrainError> {
    #[cfg(feature = "winograd")]
    let can = config.engine == Engine::Winograd && is_processor(device);
    #[cfg(not(feature = "winograd"))]
    let can = {
        let _ = device;
        false
    };
    if wanted && !can {
        return Err(TrainError::Setting {
            what: "batch normalisation over the parts of all workers",
            range: "computed on a CPU by the engine winograd",
            found: format!("the engine {} on {}", config.engine, config.backend),
        });
    }
    Ok(())
}

/// The network with normalisations over all workers' parts, if they are wanted.
#[cfg(feature = "winograd")]
pub(in crate::train) fn synchronised(network: Vgg, group: &Arc<dyn Group>, wanted: bool) -> Vgg {
    let across = wanted.then(|| Arc::new(OfGroup(group.clone())) as Arc<dyn SumAcross>);
    network.with_statistics_across(across)
}

#[cfg(not(feature = "winograd"))]
pub(in crate::train) fn synchronised(network: Vgg, _: &Arc<dyn Group>, _: bool) -> Vgg {
    network
}
