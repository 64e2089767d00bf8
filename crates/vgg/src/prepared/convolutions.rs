//! The convolutional part on a CPU, between whose layers maps stay in winograd's layout.

use std::sync::{Mutex, MutexGuard, PoisonError};

use burn::tensor::{Device, Tensor, TensorData};
use winograd::{
    Activation, Conv3x3, ConvOptions, ConvParameters, ConvsBySize, LayerSize, Workspace,
    convolve_once, on_pool,
};

use super::error::PreparedError;
use super::values::values;
use crate::layers::{Block, ConvLayer};

/// All convolutions, each with its ReLU, the last of a block with the pooling.
pub(super) struct Convolutions {
    layers: Vec<Convolution>,
    /// Memory of calls that are over, for the next ones.
    buffers: Mutex<Vec<Buffers>>,
}

/// What a call works in.
#[derive(Default)]
struct Buffers {
    workspace: Workspace,
    maps: [Activation; 2],
}

struct Convolution {
    /// Without a norm.
    layer: ConvLayer,
    pool: bool,
    packed: ConvsBySize,
}

impl Convolutions {
    /// Of blocks whose norms are folded into their convolutions.
    pub(super) fn new(blocks: &[Block]) -> Self {
        let layers = blocks.iter().flat_map(|block| {
            let last = block.layers.len().saturating_sub(1);
            let layers = block.layers.iter().enumerate();
            layers.map(move |(index, layer)| Convolution {
                layer: layer.clone(),
                pool: index == last,
                packed: ConvsBySize::default(),
            })
        });
        Self {
            layers: layers.collect(),
            buffers: Mutex::default(),
        }
    }

    /// The map behind the last block, `[batch, channels, h, w]` on `device`.
    pub(super) fn forward(
        &self,
        images: Tensor<4>,
        device: &Device,
    ) -> Result<Tensor<4>, PreparedError> {
        let shape = images.dims();
        let images = values(images)?;
        let mut buffers = self.buffers().pop().unwrap_or_default();
        let map = on_pool(|| self.run(&images, shape, &mut buffers));
        self.buffers().push(buffers);
        Ok(Tensor::from_data(map?, device))
    }

    fn buffers(&self) -> MutexGuard<'_, Vec<Buffers>> {
        self.buffers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(
        &self,
        images: &[f32],
        shape: [usize; 4],
        buffers: &mut Buffers,
    ) -> Result<TensorData, PreparedError> {
        let Buffers {
            workspace,
            maps: [map, next],
        } = buffers;
        // `map` always holds the newest result, `next` is free.
        for (index, layer) in self.layers.iter().enumerate() {
            match index {
                0 => layer.first(images, shape, next, workspace)?,
                _ => layer.forward(map, next, workspace)?,
            }
            std::mem::swap(map, next);
        }
        let shape = [map.batch(), map.channels(), map.height(), map.width()];
        Ok(TensorData::new(map.to_nchw(), shape))
    }
}

impl Convolution {
    /// The network's first convolution, of images `[batch, channels, height, width]`.
    fn first(
        &self,
        images: &[f32],
        shape: [usize; 4],
        output: &mut Activation,
        workspace: &mut Workspace,
    ) -> Result<(), PreparedError> {
        let conv = self.packed(self.options(shape[0], [shape[2], shape[3]]))?;
        Ok(conv.forward_nchw(images, shape, output, workspace)?)
    }

    fn forward(
        &self,
        input: &Activation,
        output: &mut Activation,
        workspace: &mut Workspace,
    ) -> Result<(), PreparedError> {
        let options = self.options(input.batch(), [input.height(), input.width()]);
        if self.packed.asked_before(options.algorithm) {
            return Ok(self.packed(options)?.forward(input, output, workspace)?);
        }
        // Whoever asks once is not to wait for weights that are packed for good.
        let (weights, bias) = self.weights()?;
        let parameters = ConvParameters {
            weights: &weights,
            bias: bias.as_deref(),
            out_channels: self.channels()[1],
        };
        Ok(convolve_once(
            &parameters,
            options,
            input,
            output,
            workspace,
        )?)
    }

    /// How the convolution is fastest on so many maps of this size.
    fn options(&self, batch: usize, [out_height, out_width]: [usize; 2]) -> ConvOptions {
        let [in_channels, out_channels] = self.channels();
        let size = LayerSize {
            batch,
            in_channels,
            out_channels,
            out_height,
            out_width,
            pool: self.pool,
        };
        ConvOptions::for_size(&size).with_relu(true)
    }

    fn packed(&self, options: ConvOptions) -> Result<&Conv3x3, PreparedError> {
        self.packed.get_or_pack(options, |options| {
            let (weights, bias) = self.weights()?;
            let [inputs, outputs] = self.channels();
            Ok(Conv3x3::new(
                &weights,
                bias.as_deref(),
                inputs,
                outputs,
                options,
            )?)
        })
    }

    /// Channels of the input and of the output.
    fn channels(&self) -> [usize; 2] {
        let [outputs, inputs, _, _] = self.layer.conv.weight.lazy_shape().dims();
        [inputs, outputs]
    }

    /// Weights `[c_out, c_in, 3, 3]` and bias.
    fn weights(&self) -> Result<(Vec<f32>, Option<Vec<f32>>), PreparedError> {
        let bias = self.layer.conv.bias.as_ref();
        let bias = bias.map(|bias| values(bias.val())).transpose()?;
        Ok((values(self.layer.conv.weight.val())?, bias))
    }
}
