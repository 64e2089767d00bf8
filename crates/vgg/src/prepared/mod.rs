//! A network that is ready for inference on the CPU.

mod load;
mod pack;

use std::fmt;
use std::sync::{Mutex, PoisonError};

use burn::nn::pool::AdaptiveAvgPool2d;
use burn::tensor::{Device, Tensor, TensorData};
use thiserror::Error;
use winograd::{Activation, Conv3x3, Linear, Workspace, on_pool};

use crate::config::VggConfig;
use crate::device::failure;
use crate::model::InputError;
use crate::weights::WeightsError;

/// A network whose batch normalisations are folded into its convolutions and whose weights are
/// transformed and packed once, for inference on the CPU. Made by [`crate::Vgg::prepare`], or
/// [`PreparedVgg::load`]ed.
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
    /// The weights cannot be loaded.
    #[error(transparent)]
    Weights(#[from] WeightsError),
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

fn values<const D: usize>(tensor: Tensor<D>) -> Result<Vec<f32>, PreparedError> {
    let values = tensor.try_into_vec_as::<f32>();
    values.map_err(|error| PreparedError::Values(failure(error)))
}

impl PreparedVgg {
    /// Logits `[batch, classes]` of normalised images `[batch, channels, height, width]`, on the
    /// images' device.
    ///
    /// # Errors
    /// See [`crate::Vgg::check_input`].
    pub fn forward(&self, images: Tensor<4>) -> Result<Tensor<2>, PreparedError> {
        let (shape, device) = (images.dims(), images.device());
        let logits = self.logits(&values(images)?, shape)?;
        let shape = [shape[0], self.config.classes];
        Ok(Tensor::from_data(TensorData::new(logits, shape), &device))
    }

    /// [`PreparedVgg::forward`] of plain values, in the order of `shape`. It runs on the rayon pool that
    /// it is called in, see [`winograd::on_pool`].
    ///
    /// # Errors
    /// See [`crate::Vgg::check_input`]; also if there are not as many values as the shape says.
    pub fn logits(&self, images: &[f32], shape: [usize; 4]) -> Result<Vec<f32>, PreparedError> {
        self.config.check_input(shape)?;
        let mut buffers = self.lock().pop().unwrap_or_default();
        let result = on_pool(|| self.run(images, shape, &mut buffers));
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
                0 => conv.forward_nchw(
                    images,
                    [batch, conv.in_channels(), height, width],
                    next,
                    workspace,
                )?,
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
