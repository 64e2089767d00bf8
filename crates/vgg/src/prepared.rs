//! A network that is ready for inference on the CPU.

use std::fmt;
use std::sync::{Mutex, PoisonError};

use burn::nn::pool::AdaptiveAvgPool2d;
use burn::tensor::{Device, Tensor, TensorData};
use thiserror::Error;
use winograd::{
    Activation, Conv3x3, ConvOptions, LayerSize, Linear, LinearOptions, Storage, WeightOrder,
    Workspace,
};

use crate::config::VggConfig;
use crate::model::{InputError, Vgg};

/// A network whose batch normalisations are folded into its convolutions and whose weights are
/// transformed and packed once, for inference on the CPU. Made by [`Vgg::prepare`].
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use vgg::VggConfig;
///
/// let device = Device::flex();
/// let network = VggConfig::named("vgg16-28")?.with_width(0.125).init(&device)?;
/// let prepared = network.prepare(1)?;
/// let images = Tensor::<4>::ones([1, 1, 28, 28], &device);
/// assert_eq!(prepared.forward(images)?.dims(), [1, 10]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct PreparedVgg {
    convolutions: Vec<Conv3x3>,
    average: Option<AdaptiveAvgPool2d>,
    linears: Vec<Linear>,
    config: VggConfig,
    /// Memory of calls that are over, for the next ones.
    buffers: Mutex<Vec<Buffers>>,
}

/// What a call works in.
#[derive(Default)]
struct Buffers {
    workspace: Workspace,
    maps: [Activation; 2],
    features: [Vec<f32>; 2],
}

/// A network that cannot be prepared, or an input that it does not take.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PreparedError {
    /// The input does not fit.
    #[error(transparent)]
    Input(#[from] InputError),
    /// The layers do not fit together.
    #[error("the prepared layers do not fit: {0}")]
    Layers(#[from] winograd::Error),
    /// Values cannot be read from their device.
    #[error("the values cannot be read: {0}")]
    Values(String),
}

impl fmt::Debug for PreparedVgg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PreparedVgg")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

impl Vgg {
    /// The network made ready for inference on the CPU, fastest for batches of `batch` images of
    /// the size that it is meant for; it takes others too. Weights are stored once more, packed.
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
        let [mut height, mut width] = self.config().input_size;
        let mut convolutions = Vec::new();
        for block in &self.blocks {
            let last = block.layers.len().saturating_sub(1);
            for (index, layer) in block.layers.iter().enumerate() {
                let (weight, bias) = layer.weights();
                let [out_channels, in_channels, _, _] = weight.dims();
                let size = LayerSize {
                    batch,
                    in_channels,
                    out_channels,
                    out_height: height,
                    out_width: width,
                    pool: index == last,
                };
                convolutions.push(Conv3x3::new(
                    &values(weight)?,
                    Some(&values(bias)?),
                    in_channels,
                    out_channels,
                    ConvOptions::for_size(&size).with_relu(true),
                )?);
            }
            (height, width) = (height / 2, width / 2);
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

fn values<const D: usize>(tensor: Tensor<D>) -> Result<Vec<f32>, PreparedError> {
    let data = tensor.into_data().convert::<f32>();
    let values = data.try_into_vec::<f32>();
    values.map_err(|error| PreparedError::Values(format!("{error:?}")))
}

impl PreparedVgg {
    /// Logits `[batch, classes]` of normalised images `[batch, channels, height, width]`, on the
    /// images' device.
    ///
    /// # Errors
    /// See [`Vgg::check_input`].
    pub fn forward(&self, images: Tensor<4>) -> Result<Tensor<2>, PreparedError> {
        let (shape, device) = (images.dims(), images.device());
        let logits = self.logits(&values(images)?, shape)?;
        let shape = [shape[0], self.config.classes];
        Ok(Tensor::from_data(TensorData::new(logits, shape), &device))
    }

    /// [`PreparedVgg::forward`] of plain values, in the order of `shape`.
    ///
    /// # Errors
    /// See [`Vgg::check_input`]; also if there are not as many values as the shape says.
    pub fn logits(&self, images: &[f32], shape: [usize; 4]) -> Result<Vec<f32>, PreparedError> {
        self.config.check_input(shape)?;
        let mut buffers = self.lock().pop().unwrap_or_default();
        let result = self.run(images, shape, &mut buffers);
        self.lock().push(buffers);
        result
    }

    /// Bytes of the packed weights.
    pub fn bytes(&self) -> usize {
        let convolutions = self.convolutions.iter().map(Conv3x3::bytes);
        let linears = self.linears.iter().map(Linear::bytes);
        convolutions.chain(linears).sum()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Buffers>> {
        self.buffers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(
        &self,
        images: &[f32],
        [batch, _, height, width]: [usize; 4],
        buffers: &mut Buffers,
    ) -> Result<Vec<f32>, PreparedError> {
        let Buffers {
            workspace,
            maps: [map, next],
            features: [input, output],
        } = buffers;
        // `map` always holds the newest result, `next` is free.
        for (index, conv) in self.convolutions.iter().enumerate() {
            match index {
                0 => conv.forward_nchw(images, batch, height, width, next, workspace)?,
                _ => conv.forward(map, next, workspace)?,
            }
            std::mem::swap(map, next);
        }
        self.flatten(map, input)?;
        for linear in &self.linears {
            output.resize(batch * linear.out_features(), 0.0);
            linear.forward(input, output, workspace)?;
            std::mem::swap(input, output);
        }
        Ok(input.clone())
    }

    /// The features as the linear layers take them.
    fn flatten(&self, map: &Activation, features: &mut Vec<f32>) -> Result<(), PreparedError> {
        let size = [map.height(), map.width()];
        let pooled = self.config.pooling.output_size(size);
        features.resize(map.len(), 0.0);
        map.copy_to_nchw(features)?;
        if let Some(average) = &self.average
            && pooled != size
        {
            // Rare: images of another size than the network is meant for.
            let shape = [map.batch(), map.channels(), size[0], size[1]];
            let data = TensorData::new(std::mem::take(features), shape);
            *features = values(average.forward(Tensor::from_data(data, &Device::flex())))?;
        }
        Ok(())
    }
}
