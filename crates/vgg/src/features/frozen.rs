//! Features that do not learn, for images that are tracked or not.

use burn::module::Module;
use burn::tensor::Tensor;

use super::error::FeatureError;
use super::extract::{VggFeatures, check};
use super::layer::FeatureLayer;

/// A network's features twice: on the plain device, and on the autodiff device with gradients
/// for the images alone. The weights are shared. Norms use their running statistics in both.
#[derive(Debug, Clone)]
pub(super) struct FrozenFeatures {
    plain: VggFeatures,
    tracked: VggFeatures,
}

impl FrozenFeatures {
    pub(super) fn new(features: &VggFeatures) -> Self {
        let plain = features.valid();
        Self {
            tracked: plain.clone().train().freeze(),
            plain,
        }
    }

    pub(super) fn maps(
        &self,
        images: Tensor<4>,
        layers: &[FeatureLayer],
    ) -> Result<Vec<Tensor<4>>, FeatureError> {
        check(self.plain.config(), images.dims(), layers)?;
        let features = match images.device().is_autodiff() {
            true => &self.tracked,
            false => &self.plain,
        };
        Ok(features.maps(images, layers))
    }
}
