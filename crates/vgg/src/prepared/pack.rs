//! From a network's layers to packed ones.

use std::sync::Mutex;

use winograd::{
    BatchNorm, Conv3x3, ConvOptions, LayerSize, Linear, LinearOptions, Storage, WeightOrder,
    fold_batch_norm,
};

use super::{PreparedError, PreparedVgg, values};
use crate::config::VggConfig;
use crate::model::Vgg;

impl Vgg {
    /// The network made ready for inference on the CPU, fastest for batches of `batch` images of
    /// the size that it is meant for; it takes others too. Weights are stored once more, packed;
    /// [`PreparedVgg::load`] does without the first copy.
    ///
    /// # Errors
    /// [`PreparedError::Values`] if the weights cannot be read from their device.
    pub fn prepare(&self, batch: usize) -> Result<PreparedVgg, PreparedError> {
        self.prepare_with(batch, Storage::F32)
    }

    /// [`Vgg::prepare`] with the linear layers' weights in half precision: half the memory, and
    /// half the time where reading them is what takes it, for an error of a thousandth.
    ///
    /// # Errors
    /// As [`Vgg::prepare`].
    pub fn prepare_half(&self, batch: usize) -> Result<PreparedVgg, PreparedError> {
        self.prepare_with(batch, Storage::F16)
    }

    fn prepare_with(&self, batch: usize, storage: Storage) -> Result<PreparedVgg, PreparedError> {
        let mut convolutions = Vec::new();
        let sizes = map_sizes(self.config());
        for (block, size) in self.blocks.iter().zip(sizes) {
            let last = block.layers.len().saturating_sub(1);
            for (index, layer) in block.layers.iter().enumerate() {
                let weight = layer.conv.weight.val();
                let [outputs, inputs, _, _] = weight.dims();
                let mut weights = values(weight)?;
                let mut bias = match &layer.conv.bias {
                    Some(bias) => values(bias.val())?,
                    None => vec![0.0; outputs],
                };
                if let Some(norm) = &layer.norm {
                    let norm = BatchNorm {
                        gamma: &values(norm.gamma.val())?,
                        beta: &values(norm.beta.val())?,
                        mean: &values(norm.running_mean.value_sync())?,
                        variance: &values(norm.running_var.value_sync())?,
                        epsilon: norm.epsilon,
                    };
                    fold_batch_norm(&mut weights, &mut bias, &norm)?;
                }
                let size = layer_size(batch, [inputs, outputs], size, index == last);
                convolutions.push(pack_convolution(&weights, &bias, &size)?);
            }
        }
        let hidden = self.hidden.iter().map(|layer| (&layer.linear, true));
        let mut linears = Vec::new();
        for (linear, relu) in hidden.chain([(&self.output, false)]) {
            let weight = linear.weight.val();
            let [inputs, outputs] = weight.dims();
            let bias = linear
                .bias
                .as_ref()
                .map(|bias| values(bias.val()))
                .transpose()?;
            let options = LinearOptions {
                relu,
                order: WeightOrder::InOut,
                storage,
                ..LinearOptions::default()
            };
            let weight = values(weight)?;
            linears.push(Linear::new(
                &weight,
                bias.as_deref(),
                inputs,
                outputs,
                options,
            )?);
        }
        Ok(PreparedVgg {
            convolutions,
            average: self.average().cloned(),
            linears,
            config: self.config().clone(),
            buffers: Mutex::new(Vec::new()),
        })
    }
}

/// Height and width of the maps in each block, for images of the size that the network is meant for.
pub(super) fn map_sizes(config: &VggConfig) -> impl Iterator<Item = [usize; 2]> {
    let first = config.input_size;
    std::iter::successors(Some(first), |[height, width]| Some([height / 2, width / 2]))
}

/// The work of a convolution on maps of `map_size`; a pooling follows if `pool` is set.
pub(super) fn layer_size(
    batch: usize,
    [in_channels, out_channels]: [usize; 2],
    [out_height, out_width]: [usize; 2],
    pool: bool,
) -> LayerSize {
    LayerSize {
        batch,
        in_channels,
        out_channels,
        out_height,
        out_width,
        pool,
    }
}

/// A convolution whose norm is folded into its weights, and a ReLU.
pub(super) fn pack_convolution(
    weights: &[f32],
    bias: &[f32],
    size: &LayerSize,
) -> Result<Conv3x3, PreparedError> {
    let options = ConvOptions::for_size(size).with_relu(true);
    let (inputs, outputs) = (size.in_channels, size.out_channels);
    Ok(Conv3x3::new(weights, Some(bias), inputs, outputs, options)?)
}
