//! Another head on a trained network, and parts of it that are not to learn.

use burn::config::Config;
use burn::module::Module;
use burn::tensor::Device;

use crate::config::{ConfigError, Pooling, VggConfig};
use crate::layers::linear;
use crate::model::Vgg;

/// Layers that are frozen together.
#[derive(Config, Debug, Copy, PartialEq, Eq)]
pub enum LayerGroup {
    /// The first so many blocks; all of them if there are fewer.
    Blocks(usize),
    /// All blocks.
    Features,
    /// The linear layers.
    Head,
}

impl Vgg {
    /// The network with a fresh output layer for `classes` classes; all else is kept.
    ///
    /// ```
    /// # #[cfg(feature = "flex")] {
    /// # use burn::tensor::{Device, Tensor};
    /// let device = Device::flex();
    /// let network = vgg::VggConfig::named("vgg16-28")?.with_width(0.125).init(&device)?;
    /// let network = network.with_classes(3)?;
    /// assert_eq!(network.forward(Tensor::zeros([1, 1, 28, 28], &device))?.dims(), [1, 3]);
    /// # }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// No classes, or too many.
    pub fn with_classes(mut self, classes: usize) -> Result<Self, ConfigError> {
        let config = self.config().clone().with_classes(classes);
        config.validate()?;
        let [inputs, _] = self.output.weight.lazy_shape().dims();
        let device = self.device();
        self.output = linear([inputs, classes], &device);
        Ok(self.with_config(config))
    }

    /// The network with the mean of each channel and one fresh linear layer in the place of its
    /// head: for VGG-16 14.7 million parameters instead of 138, and any image size.
    ///
    /// # Errors
    /// No classes, or too many.
    pub fn with_global_pooling(self, classes: usize) -> Result<Self, ConfigError> {
        let device = self.device();
        let config = VggConfig {
            pooling: Pooling::GlobalAverage,
            hidden: vec![],
            classes,
            ..self.config().clone()
        };
        let engine = self.engine();
        let mut network = config.init(&device)?;
        network.blocks = self.blocks;
        Ok(network.with_engine(engine))
    }

    /// The network with `group` frozen, for training on an autodiff device: its weights get no
    /// gradient, its batch normalisations use their running statistics and leave them as they
    /// are, its dropout passes everything. [`Module::unfreeze`] undoes it.
    #[must_use]
    pub fn with_frozen(mut self, group: LayerGroup) -> Self {
        let blocks = match group {
            LayerGroup::Blocks(count) => count.min(self.blocks.len()),
            LayerGroup::Features => self.blocks.len(),
            LayerGroup::Head => {
                self.hidden = self.hidden.freeze();
                self.output = self.output.freeze();
                return self;
            }
        };
        let freeze = |(index, block): (usize, crate::Block)| match index < blocks {
            true => block.freeze(),
            false => block,
        };
        self.blocks = self.blocks.into_iter().enumerate().map(freeze).collect();
        self
    }

    fn device(&self) -> Device {
        self.output.weight.lazy_device()
    }
}
