//! A network that is ready for inference.

#[cfg(feature = "winograd")]
mod convolutions;
mod error;
#[cfg(feature = "winograd")]
mod half;
#[cfg(feature = "winograd")]
mod values;

use std::fmt;

use burn::module::Module;
use burn::nn::Linear;
use burn::nn::pool::AdaptiveAvgPool2d;
use burn::tensor::{Device, Tensor};

use crate::config::VggConfig;
use crate::engine::Engine;
use crate::layers::{Block, HiddenLayer};
use crate::model::Vgg;
use crate::walk::{Head, Trunk};

pub use error::PreparedError;

#[cfg(feature = "winograd")]
use convolutions::Convolutions;
#[cfg(feature = "winograd")]
use half::HalfHead;
#[cfg(feature = "winograd")]
use winograd::burn::PreparedConv2d;

/// A network that is ready for inference, on any device: batch normalisations are folded into the convolutions, and with
/// [`Engine::Winograd`] the convolutions' weights are transformed once. On a CPU that is done for each way of computing
/// that the sizes of the images ask for, and in the second call, so that the first answer does not wait for it; on a
/// GPU in the first. Made by [`Vgg::prepare`]; what both need in the same form lies in memory once.
///
/// ```
/// # #[cfg(feature = "flex")] {
/// use burn::tensor::{Device, Tensor};
/// use vgg::VggConfig;
///
/// let device = Device::flex();
/// let network = VggConfig::named("vgg16-28")?.with_width(0.125).init(&device)?;
/// let prepared = network.prepare();
/// let images = Tensor::<4>::ones([1, 1, 28, 28], &device);
/// assert_eq!(prepared.forward(images)?.dims(), [1, 10]);
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct PreparedVgg {
    features: Features,
    average: Option<AdaptiveAvgPool2d>,
    head: PreparedHead,
    config: VggConfig,
    engine: Engine,
    device: Device,
}

/// The convolutional part.
enum Features {
    /// As it computes on any device.
    Blocks(Vec<Block>),
    /// On a CPU.
    #[cfg(feature = "winograd")]
    Packed(Convolutions),
    /// Each convolution with its ReLU, and the last of a block with the pooling: on a GPU.
    #[cfg(feature = "winograd")]
    Prepared(Vec<PreparedConv2d>),
}

/// What comes behind it.
enum PreparedHead {
    Layers(Vec<HiddenLayer>, Linear),
    /// Weights in half precision.
    #[cfg(feature = "winograd")]
    Half(HalfHead),
}

impl Vgg {
    /// The network made ready for inference on its device. Changing the network afterwards does not change what was
    /// prepared.
    pub fn prepare(&self) -> PreparedVgg {
        let network = self.valid();
        PreparedVgg {
            features: Features::new(&network),
            head: PreparedHead::Layers(network.hidden.clone(), network.output.clone()),
            average: network.head().average.cloned(),
            config: network.config().clone(),
            engine: network.engine(),
            device: network.output.weight.lazy_device(),
        }
    }

    /// [`Vgg::prepare`] with the linear layers' weights in half precision, on a CPU: half the memory, and half the
    /// time where reading them is what takes it, for an error of a thousandth.
    ///
    /// # Errors
    /// [`PreparedError::Values`] if the weights cannot be read from their device.
    #[cfg(feature = "winograd")]
    pub fn prepare_half(&self) -> Result<PreparedVgg, PreparedError> {
        let prepared = self.prepare();
        Ok(PreparedVgg {
            head: PreparedHead::Half(HalfHead::new(&self.valid())?),
            ..prepared
        })
    }
}

impl Features {
    fn new(network: &Vgg) -> Self {
        let blocks: Vec<_> = network.blocks.iter().map(Block::folded).collect();
        #[cfg(feature = "winograd")]
        if network.engine() == Engine::Winograd {
            return match crate::device::is_processor(&network.output.weight.lazy_device()) {
                true => Self::Packed(Convolutions::new(&blocks)),
                false => Self::Prepared(blocks.iter().flat_map(prepared).collect()),
            };
        }
        Self::Blocks(blocks)
    }
}

/// The layers of a block whose norms are folded into its convolutions.
#[cfg(feature = "winograd")]
fn prepared(block: &Block) -> impl Iterator<Item = PreparedConv2d> {
    let last = block.layers.len().saturating_sub(1);
    let layers = block.layers.iter().enumerate();
    layers.map(move |(index, layer)| {
        let convolution = PreparedConv2d::new(&layer.conv).with_relu();
        match index == last {
            true => convolution.with_pool(),
            false => convolution,
        }
    })
}

impl fmt::Debug for PreparedVgg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PreparedVgg")
            .field("config", &self.config)
            .field("engine", &self.engine)
            .field("device", &self.device)
            .finish_non_exhaustive()
    }
}

impl PreparedVgg {
    /// The configuration of the network.
    pub fn config(&self) -> &VggConfig {
        &self.config
    }

    /// What computes the layers.
    pub fn engine(&self) -> Engine {
        self.engine
    }

    /// Where the network computes.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// Logits `[batch, classes]` of normalised images `[batch, channels, height, width]`, on the network's
    /// device; images that lie elsewhere are brought there.
    ///
    /// # Errors
    /// See [`Vgg::check_input`]; also if a device fails.
    pub fn forward(&self, images: Tensor<4>) -> Result<Tensor<2>, PreparedError> {
        self.config.check_input(images.dims())?;
        let images = images.without_autodiff();
        let map = match &self.features {
            Features::Blocks(blocks) => Trunk(blocks).features(images.to_device(&self.device)),
            #[cfg(feature = "winograd")]
            Features::Packed(convolutions) => convolutions.forward(images, &self.device)?,
            #[cfg(feature = "winograd")]
            Features::Prepared(convolutions) => {
                let images = images.to_device(&self.device);
                convolutions
                    .iter()
                    .fold(images, |map, layer| layer.forward(map))
            }
        };
        match &self.head {
            PreparedHead::Layers(hidden, output) => {
                let head = Head {
                    average: self.average.as_ref(),
                    hidden,
                    output,
                    engine: self.engine,
                };
                Ok(head.logits(map))
            }
            #[cfg(feature = "winograd")]
            PreparedHead::Half(head) => head.logits(self.average.as_ref(), map),
        }
    }
}
