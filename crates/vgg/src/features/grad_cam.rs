//! Which part of an image speaks for a class.

use burn::module::Module;
use burn::tensor::{Tensor, activation::relu};

use super::error::FeatureError;
use super::extract::check;
use super::layer::FeatureLayer;
use crate::model::Vgg;

impl Vgg {
    /// Grad-CAM ([Selvaraju et al. 2017](https://arxiv.org/abs/1610.02391), equations 1 and 2):
    /// which part of an image speaks for `class`, at the resolution of `layer` or else of the
    /// last ReLU. With A the map there and y the class's logit,
    ///
    /// ReLU(Σ_k α_k·A_k), where α_k is the mean of ∂y/∂A_k over the map,
    ///
    /// divided by its largest value: a heat map `[h, w]` from 0 to 1 on the image's plain device,
    /// 0 everywhere if nothing speaks for the class. The network computes as in inference, and
    /// only what lies behind `layer` is differentiated.
    ///
    /// `image` is normalised, `[1, channels, height, width]`.
    ///
    /// # Errors
    /// An image that does not fit the network, a class or layer that it has not.
    pub fn grad_cam(
        &self,
        image: Tensor<4>,
        class: usize,
        layer: Option<FeatureLayer>,
    ) -> Result<Tensor<2>, FeatureError> {
        let config = self.config();
        self.check_input(image.dims())?;
        let last = config.pyramid_layers().into_iter().rev().nth(1);
        let Some(layer) = layer.or(last) else {
            return Err(FeatureError::NoGradient {
                what: "a network without layers".to_owned(),
            });
        };
        check(config, image.dims(), &[layer])?;
        let classes = config.classes;
        if class >= classes {
            return Err(FeatureError::Class {
                found: class,
                classes,
            });
        }
        let batch = image.dims()[0];
        if batch != 1 {
            return Err(FeatureError::Batch { found: batch });
        }

        let frozen = self.valid().train().freeze();
        let plain = image.without_autodiff();
        let images = Tensor::from_inner(plain);
        let mut seen = None;
        let features = frozen.trunk().walk(images, &[layer], None, &mut |_, map| {
            let map = map.detach().require_grad();
            seen = Some(map.clone());
            map
        });
        let logit = frozen.head().logits(features).narrow(1, class, 1).sum();
        let gradients = logit.backward();
        let no_gradient = || FeatureError::NoGradient {
            what: layer.to_string(),
        };
        let map = seen.ok_or_else(no_gradient)?;
        let gradient = map.grad(&gradients).ok_or_else(no_gradient)?;

        let [_, channels, height, width] = gradient.dims();
        let weights = gradient.reshape([channels, height * width]).mean_dim(1);
        let map = map.inner().reshape([channels, height * width]);
        let heat = relu((map * weights).sum_dim(0)).reshape([height, width]);
        let largest = heat.clone().max().clamp_min(f32::MIN_POSITIVE);
        Ok(heat / largest.reshape([1, 1]))
    }
}
