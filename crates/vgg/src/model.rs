//! The network itself.

#[cfg(all(feature = "winograd", feature = "train"))]
use std::sync::Arc;

use burn::module::Module;
use burn::nn::Linear;
use burn::nn::pool::{AdaptiveAvgPool2d, AdaptiveAvgPool2dConfig};
use burn::tensor::{Device, Tensor, activation::softmax};
#[cfg(all(feature = "winograd", feature = "train"))]
use winograd::SumAcross;

use crate::config::{ConfigError, Pooling, VggConfig};
use crate::device::check_size;
use crate::engine::Engine;
use crate::input::InputError;
use crate::layers::{Block, ConvLayer, HiddenLayer, linear};
use crate::walk::{Head, Trunk};

/// A VGG: blocks of 3×3 convolutions, then linear layers.
///
/// ```
/// # #[cfg(feature = "flex")] {
/// use burn::tensor::{Device, Tensor};
/// use vgg::VggConfig;
///
/// let device = Device::flex();
/// let network = VggConfig::named("vgg16-28")?.with_width(0.125).init(&device)?;
/// let images = Tensor::<4>::zeros([2, 1, 28, 28], &device);
/// let probabilities = network.probabilities(images)?;
/// assert_eq!(probabilities.dims(), [2, 10]);
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Module, Debug)]
pub struct Vgg {
    /// The convolutional part.
    pub blocks: Vec<Block>,
    average: Option<AdaptiveAvgPool2d>,
    /// The hidden linear layers.
    pub hidden: Vec<HiddenLayer>,
    /// The last linear layer, to the classes.
    pub output: Linear,
    #[module(skip)]
    config: VggConfig,
    #[module(skip)]
    engine: Engine,
}

impl VggConfig {
    /// A network with fresh weights on `device`. Weights are drawn when they are first used,
    /// so loading others right after costs nothing twice; seed `device` before that for the
    /// same weights again.
    ///
    /// # Errors
    /// See [`VggConfig::validate`]; [`ConfigError::Device`] for a layer that is too large for the device: some drivers
    /// reach 128 MiB at a time, and the largest layer of vgg16 has 411 MB.
    pub fn init(&self, device: &Device) -> Result<Vgg, ConfigError> {
        self.validate()?;
        check_size(device, self.largest_weight_bytes())?;
        let mut inputs = self.input_channels;
        let mut blocks = Vec::with_capacity(self.blocks.len());
        for (block, outputs) in self.blocks.iter().zip(self.channels()) {
            let mut layers = Vec::with_capacity(block.convolutions);
            for _ in 0..block.convolutions {
                let channels = [inputs, outputs];
                layers.push(ConvLayer::new(
                    channels,
                    self.batch_norm,
                    &self.weight_init,
                    device,
                ));
                inputs = outputs;
            }
            blocks.push(Block::new(layers));
        }

        let mut features = self.feature_count();
        let mut hidden = Vec::with_capacity(self.hidden.len());
        for size in self.hidden_sizes() {
            hidden.push(HiddenLayer::new([features, size], self.dropout, device));
            features = size;
        }
        let average = match self.pooling {
            Pooling::Flatten => None,
            _ => Some(AdaptiveAvgPool2dConfig::new(self.pooling.output_size([0, 0])).init()),
        };
        Ok(Vgg {
            blocks,
            average,
            hidden,
            output: linear([features, self.classes], device),
            config: self.clone(),
            engine: Engine::default(),
        })
    }
}

impl Vgg {
    /// The configuration that the network was made from.
    pub fn config(&self) -> &VggConfig {
        &self.config
    }

    /// What computes the convolutions and linear layers.
    pub fn engine(&self) -> Engine {
        self.engine
    }

    /// The network with another engine for its convolutions and linear layers.
    #[must_use]
    pub fn with_engine(self, engine: Engine) -> Self {
        let blocks = self.blocks.into_iter();
        let hidden = self.hidden.into_iter();
        Self {
            blocks: blocks.map(|block| block.with_engine(engine)).collect(),
            hidden: hidden.map(|layer| layer.with_engine(engine)).collect(),
            engine,
            ..self
        }
    }

    /// The network whose normalisations take their statistics over the parts of all these workers, in training.
    #[cfg(all(feature = "winograd", feature = "train"))]
    pub(crate) fn with_statistics_across(self, across: Option<Arc<dyn SumAcross>>) -> Self {
        let mut blocks = self.blocks;
        for block in &mut blocks {
            let layers = std::mem::take(&mut block.layers).into_iter();
            let across = |layer: ConvLayer| layer.with_statistics_across(across.clone());
            block.layers = layers.map(across).collect();
        }
        Self { blocks, ..self }
    }

    pub(crate) fn with_config(self, config: VggConfig) -> Self {
        Self { config, ..self }
    }

    /// Says whether the network takes an input of `shape` `[batch, channels, height, width]`.
    ///
    /// # Errors
    /// What does not fit, and the smallest size where the input is too small.
    pub fn check_input(&self, shape: [usize; 4]) -> Result<(), InputError> {
        self.config.check_input(shape)
    }

    /// Logits `[batch, classes]` of normalised images `[batch, channels, height, width]`.
    ///
    /// Batch normalisation and dropout behave as in training if the images lie on an autodiff
    /// device, as everywhere in Burn.
    ///
    /// # Errors
    /// See [`Vgg::check_input`].
    pub fn forward(&self, images: Tensor<4>) -> Result<Tensor<2>, InputError> {
        self.check_input(images.dims())?;
        Ok(self.head().logits(self.trunk().features(images)))
    }

    /// Probabilities `[batch, classes]`, each row adding up to 1: the softmax of
    /// [`Vgg::forward`].
    ///
    /// # Errors
    /// See [`Vgg::check_input`].
    pub fn probabilities(&self, images: Tensor<4>) -> Result<Tensor<2>, InputError> {
        Ok(softmax(self.forward(images)?, 1))
    }

    /// The feature map `[batch, channels, h, w]` behind the last block, before any averaging.
    ///
    /// # Errors
    /// See [`Vgg::check_input`].
    pub fn forward_features(&self, images: Tensor<4>) -> Result<Tensor<4>, InputError> {
        self.check_input(images.dims())?;
        Ok(self.trunk().features(images))
    }

    /// What the output layer takes, `[batch, values]`: the values of the last hidden layer, or of
    /// the pooled feature map where there is none. A description of the image for other uses.
    ///
    /// # Errors
    /// See [`Vgg::check_input`].
    pub fn pre_logits(&self, images: Tensor<4>) -> Result<Tensor<2>, InputError> {
        Ok(self.head().pre_logits(self.forward_features(images)?))
    }

    /// The last layer alone: logits `[batch, classes]` of what [`Vgg::pre_logits`] gives.
    pub fn output_layer(&self, values: Tensor<2>) -> Tensor<2> {
        self.head().output(values)
    }

    pub(crate) fn trunk(&self) -> Trunk<'_> {
        Trunk(&self.blocks)
    }

    pub(crate) fn head(&self) -> Head<'_> {
        Head {
            average: self.average.as_ref(),
            hidden: &self.hidden,
            output: &self.output,
            engine: self.engine,
        }
    }
}
