//! From a network's layers to packed ones.

use std::sync::Mutex;

use winograd::{Conv3x3, ConvOptions, LayerSize, Linear, LinearOptions, Storage, WeightOrder};

use super::{PreparedError, PreparedVgg, values};
use crate::config::VggConfig;
use crate::layers::ConvLayer;
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
                convolutions.push(pack_convolution(layer, batch, size, index == last)?);
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

/// A convolution with its norm folded in, for maps of `size`; a pooling follows if `pool` is set.
pub(super) fn pack_convolution(
    layer: &ConvLayer,
    batch: usize,
    [out_height, out_width]: [usize; 2],
    pool: bool,
) -> Result<Conv3x3, PreparedError> {
    let (weight, bias) = layer.weights();
    let [out_channels, in_channels, _, _] = weight.dims();
    let size = LayerSize {
        batch,
        in_channels,
        out_channels,
        out_height,
        out_width,
        pool,
    };
    let options = ConvOptions::for_size(&size).with_relu(true);
    let (weights, bias) = (values(weight)?, values(bias)?);
    Ok(Conv3x3::new(
        &weights,
        Some(&bias),
        in_channels,
        out_channels,
        options,
    )?)
}
