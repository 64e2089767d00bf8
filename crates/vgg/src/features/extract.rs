//! Feature maps of a network, and a network that is nothing but its features.

use burn::module::Module;
use burn::tensor::Tensor;

use super::error::FeatureError;
use super::layer::FeatureLayer;
use crate::config::VggConfig;
use crate::engine::Engine;
use crate::layers::Block;
use crate::model::Vgg;
use crate::walk::{Stage, Trunk};

/// The convolutional part of a network alone, for feature maps of images of any size. Made by
/// [`Vgg::into_features`].
#[derive(Module, Debug)]
pub struct VggFeatures {
    /// The blocks, from the input on.
    pub blocks: Vec<Block>,
    #[module(skip)]
    config: VggConfig,
}

/// One level of a feature pyramid.
#[derive(Debug, Clone)]
pub struct PyramidLevel {
    /// Where the map was taken.
    pub layer: FeatureLayer,
    /// So many pixels of the image, in each direction, make one of the map.
    pub stride: usize,
    /// `[batch, channels, h, w]`
    pub map: Tensor<4>,
}

impl VggFeatures {
    /// The configuration of the network that the features are of.
    pub fn config(&self) -> &VggConfig {
        &self.config
    }

    /// The same features with another engine for their convolutions.
    #[must_use]
    pub fn with_engine(self, engine: Engine) -> Self {
        let blocks = self.blocks.into_iter();
        Self {
            blocks: blocks.map(|block| block.with_engine(engine)).collect(),
            ..self
        }
    }

    /// See [`Vgg::forward_at`].
    ///
    /// # Errors
    /// As for [`Vgg::forward_at`].
    pub fn forward_at(
        &self,
        images: Tensor<4>,
        layers: &[FeatureLayer],
    ) -> Result<Vec<Tensor<4>>, FeatureError> {
        check(&self.config, images.dims(), layers)?;
        Ok(self.maps(images, layers))
    }

    /// See [`Vgg::forward_pyramid`].
    ///
    /// # Errors
    /// As for [`Vgg::forward_at`].
    pub fn forward_pyramid(&self, images: Tensor<4>) -> Result<Vec<PyramidLevel>, FeatureError> {
        let layers = self.config.pyramid_layers();
        Ok(levels(&layers, self.forward_at(images, &layers)?))
    }

    /// The feature map `[batch, channels, h, w]` behind the last block.
    ///
    /// # Errors
    /// Images with another number of channels, or too small for the poolings.
    pub fn forward(&self, images: Tensor<4>) -> Result<Tensor<4>, FeatureError> {
        check(&self.config, images.dims(), &self.config.pyramid_layers())?;
        Ok(self.trunk().features(images))
    }

    /// [`VggFeatures::forward_at`] of images and layers that are known to fit.
    pub(crate) fn maps(&self, images: Tensor<4>, layers: &[FeatureLayer]) -> Vec<Tensor<4>> {
        self.trunk().maps(images, layers)
    }

    fn trunk(&self) -> Trunk<'_> {
        Trunk(&self.blocks)
    }
}

impl Vgg {
    /// The network without its head: what is left takes images of any size that its poolings
    /// leave something of.
    pub fn into_features(self) -> VggFeatures {
        VggFeatures {
            config: self.config().clone(),
            blocks: self.blocks,
        }
    }

    /// The feature maps `[batch, channels, h, w]` of normalised images at `layers`, in the order
    /// asked for. Nothing behind the last of them is computed, and images may have any size that
    /// the poolings before it leave something of.
    ///
    /// ```
    /// # #[cfg(feature = "flex")] {
    /// use burn::tensor::{Device, Tensor};
    /// use vgg::VggConfig;
    ///
    /// let config = VggConfig::named("vgg16")?.with_width(0.125);
    /// let layers = [config.feature_layer("relu2_2")?, config.feature_layer("pool3")?];
    /// let network = config.init(&Device::flex())?;
    /// let maps = network.forward_at(Tensor::zeros([1, 3, 64, 96], &Device::flex()), &layers)?;
    /// assert_eq!(maps[0].dims(), [1, 16, 32, 48]);
    /// assert_eq!(maps[1].dims(), [1, 32, 8, 12]);
    /// # }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// A layer that the network has not, with the names of those that it has; images with another
    /// number of channels, or too small.
    pub fn forward_at(
        &self,
        images: Tensor<4>,
        layers: &[FeatureLayer],
    ) -> Result<Vec<Tensor<4>>, FeatureError> {
        check(self.config(), images.dims(), layers)?;
        Ok(self.trunk().maps(images, layers))
    }

    /// [`Vgg::forward`], and `listen` is called when each of `layers`, which stand in their order, and each part behind
    /// the blocks has been computed (on a GPU: handed in). What lies between is computed in as few pieces as can be.
    ///
    /// ```
    /// # #[cfg(feature = "flex")] {
    /// use burn::tensor::{Device, Tensor};
    /// use vgg::{FeatureLayer, VggConfig};
    ///
    /// let config = VggConfig::named("vgg11-cifar")?.with_width(0.125);
    /// let network = config.init(&Device::flex())?;
    /// let pools: Vec<_> = (1..=5).map(|block| FeatureLayer::Pool { block }).collect();
    /// let mut paths = Vec::new();
    /// let images = Tensor::zeros([1, 3, 32, 32], &Device::flex());
    /// network.forward_by_stages(images, &pools, &mut |stage| paths.push(stage.path()))?;
    /// assert_eq!(paths, ["blocks.0.pool", "blocks.1.pool", "blocks.2.pool", "blocks.3.pool", "blocks.4.pool", "output"]);
    /// # }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As for [`Vgg::forward`], and a layer that the network has not.
    pub fn forward_by_stages(
        &self,
        images: Tensor<4>,
        layers: &[FeatureLayer],
        listen: &mut dyn FnMut(Stage),
    ) -> Result<Tensor<2>, FeatureError> {
        for &layer in layers {
            self.config().check_layer(layer)?;
        }
        self.check_input(images.dims())?;
        let map = self.trunk().walk(images, layers, None, &mut |layer, map| {
            listen(Stage::Layer(layer));
            map
        });
        Ok(self.head().walk(map, listen))
    }

    /// A feature pyramid: the maps at [`VggConfig::pyramid_layers`], with strides 1, 2, 4, … .
    ///
    /// # Errors
    /// As for [`Vgg::forward_at`].
    pub fn forward_pyramid(&self, images: Tensor<4>) -> Result<Vec<PyramidLevel>, FeatureError> {
        let layers = self.config().pyramid_layers();
        Ok(levels(&layers, self.forward_at(images, &layers)?))
    }
}

fn levels(layers: &[FeatureLayer], maps: Vec<Tensor<4>>) -> Vec<PyramidLevel> {
    let level = |(&layer, map): (&FeatureLayer, Tensor<4>)| PyramidLevel {
        layer,
        stride: layer.stride(),
        map,
    };
    layers.iter().zip(maps).map(level).collect()
}

/// Says whether the network of `config` has `layers`, and images of `shape` a map there.
pub(super) fn check(
    config: &VggConfig,
    shape: [usize; 4],
    layers: &[FeatureLayer],
) -> Result<(), FeatureError> {
    for &layer in layers {
        config.check_layer(layer)?;
    }
    let poolings = layers.iter().map(|layer| layer.poolings()).max();
    let poolings = poolings.unwrap_or(0) as usize;
    Ok(config.check_images(shape, poolings)?)
}
