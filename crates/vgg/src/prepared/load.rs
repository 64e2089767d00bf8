//! From a file of weights to packed layers, without a network in between.

use std::path::Path;
use std::sync::Mutex;

use burn::nn::BatchNorm;
use burn::tensor::{Device, TensorData};
use winograd::{Conv3x3, LayerSize, Linear, LinearOptions, Storage, WeightOrder, fold_batch_norm};

use super::pack::{layer_size, map_sizes, pack_convolution};
use super::{PreparedError, PreparedVgg};
use crate::config::VggConfig;
use crate::weights::{Loader, WeightsError};

impl PreparedVgg {
    /// The network that `config` describes with the weights of the file at `path`, ready for
    /// inference: what [`crate::Vgg::load`] and [`crate::Vgg::prepare`] give, but read layer by
    /// layer, so that beside the packed weights only one layer's are held.
    ///
    /// # Errors
    /// As for [`crate::Vgg::load`]; [`PreparedError::Weights`] also if `config` is not valid.
    pub fn load(config: &VggConfig, path: &Path, batch: usize) -> Result<Self, PreparedError> {
        let network = config.init(&Device::flex());
        let network = network.map_err(|source| WeightsError::Config {
            path: path.to_owned(),
            source,
        })?;
        let mut loader = Loader::open(&network, path)?;

        // The linear layers come first: one of them holds most of the weights, and while it is packed
        // it is there twice.
        let mut linears = Vec::new();
        let mut inputs = config.feature_count();
        let hidden = config.hidden_sizes().into_iter().enumerate();
        let hidden = hidden.map(|(index, size)| (format!("hidden.{index}.linear"), size, true));
        for (at, outputs, relu) in hidden.chain([("output".to_owned(), config.classes, false)]) {
            let options = LinearOptions {
                relu,
                order: WeightOrder::OutIn,
                storage: Storage::F32,
                ..LinearOptions::default()
            };
            let weight = numbers(&mut loader, &at, "weight")?;
            let bias = numbers(&mut loader, &at, "bias")?;
            linears.push(Linear::new(
                slice(&weight)?,
                Some(slice(&bias)?),
                inputs,
                outputs,
                options,
            )?);
            inputs = outputs;
        }

        let average = network.average().cloned();
        let mut convolutions = Vec::new();
        let blocks = network.blocks.iter().enumerate();
        for ((block_index, block), size) in blocks.zip(map_sizes(config)) {
            let last = block.layers.len().saturating_sub(1);
            for (index, layer) in block.layers.iter().enumerate() {
                let at = format!("blocks.{block_index}.layers.{index}");
                let [outputs, inputs, _, _] = layer.conv.weight.lazy_shape().dims();
                let size = layer_size(batch, [inputs, outputs], size, index == last);
                convolutions.push(convolution(&mut loader, &at, layer.norm.as_ref(), &size)?);
            }
        }
        Ok(Self {
            convolutions,
            average,
            linears,
            config: config.clone(),
            buffers: Mutex::new(Vec::new()),
        })
    }
}

/// The convolution of the layer `at`, its norm folded in.
fn convolution(
    loader: &mut Loader,
    at: &str,
    norm: Option<&BatchNorm>,
    size: &LayerSize,
) -> Result<Conv3x3, PreparedError> {
    let mut weight = numbers(loader, at, "conv.weight")?;
    let mut bias = numbers(loader, at, "conv.bias")?;
    if let Some(norm) = norm {
        let names = ["gamma", "beta", "running_mean", "running_var"];
        let found = names.map(|name| numbers(loader, at, &format!("norm.{name}")));
        let [gamma, beta, mean, variance] = found;
        let (gamma, beta, mean, variance) = (gamma?, beta?, mean?, variance?);
        let norm = winograd::BatchNorm {
            gamma: slice(&gamma)?,
            beta: slice(&beta)?,
            mean: slice(&mean)?,
            variance: slice(&variance)?,
            epsilon: norm.epsilon,
        };
        fold_batch_norm(slice_mut(&mut weight)?, slice_mut(&mut bias)?, &norm)?;
    }
    pack_convolution(slice(&weight)?, slice(&bias)?, size)
}

/// The numbers of a parameter of the layer `at`, in the file's order.
fn numbers(loader: &mut Loader, at: &str, name: &str) -> Result<TensorData, PreparedError> {
    let path = format!("{at}.{name}");
    let numbers = loader.numbers(&path);
    Ok(numbers.ok_or(PreparedError::Values(format!("{path} is not there")))??)
}

fn slice_mut(data: &mut TensorData) -> Result<&mut [f32], PreparedError> {
    let values = data.as_mut_slice::<f32>();
    values.map_err(|error| PreparedError::Values(format!("{error:?}")))
}

fn slice(data: &TensorData) -> Result<&[f32], PreparedError> {
    let values = data.as_slice::<f32>();
    values.map_err(|error| PreparedError::Values(format!("{error:?}")))
}
