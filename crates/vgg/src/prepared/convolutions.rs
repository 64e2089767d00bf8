//! The convolutional part on a CPU, between whose layers maps stay in winograd's layout.

use std::sync::{Mutex, MutexGuard, PoisonError};

use burn::tensor::{Device, Tensor, TensorData};
use winograd::{Activation, Conv3x3, ConvOptions, ConvsBySize, LayerSize, Workspace, on_pool};

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
        let [batch, _, mut height, mut width] = shape;
        // `map` always holds the newest result, `next` is free.
        for (index, layer) in self.layers.iter().enumerate() {
            let conv = layer.packed(batch, [height, width])?;
            match index {
                0 => conv.forward_nchw(images, shape, next, workspace)?,
                _ => conv.forward(map, next, workspace)?,
            }
            std::mem::swap(map, next);
            (height, width) = (map.height(), map.width());
        }
        Ok(TensorData::new(
            map.to_nchw(),
            [batch, map.channels(), height, width],
        ))
    }
}

impl Convolution {
    /// The convolution as it is fastest on so many maps of this size.
    fn packed(
        &self,
        batch: usize,
        [out_height, out_width]: [usize; 2],
    ) -> Result<&Conv3x3, PreparedError> {
        let [out_channels, in_channels, _, _] = self.layer.conv.weight.lazy_shape().dims();
        let options = ConvOptions::for_size(&LayerSize {
            batch,
            in_channels,
            out_channels,
            out_height,
            out_width,
            pool: self.pool,
        })
        .with_relu(true);
        self.packed.get_or_pack(options, |options| {
            let weights = values(self.layer.conv.weight.val())?;
            let bias = self.layer.conv.bias.as_ref();
            let bias = bias.map(|bias| values(bias.val())).transpose()?;
            let bias = bias.as_deref();
            Ok(Conv3x3::new(
                &weights,
                bias,
                in_channels,
                out_channels,
                options,
            )?)
        })
    }
}
