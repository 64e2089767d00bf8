//! How far two images are apart in what a network sees: content and style.

use burn::tensor::Tensor;

use super::error::FeatureError;
use super::extract::VggFeatures;
use super::frozen::FrozenFeatures;
use super::layer::FeatureLayer;

/// The Gram matrices `[batch, channels, channels]` of feature maps `[batch, channels, h, w]`:
/// F·Fᵀ / (channels·h·w), where the rows of F are the channels
/// ([Johnson et al. 2016](https://arxiv.org/abs/1603.08155), section 3.2).
pub fn gram(map: Tensor<4>) -> Tensor<3> {
    let [batch, channels, height, width] = map.dims();
    let rows = map.reshape([batch, channels, height * width]);
    let products = rows.clone().matmul(rows.transpose());
    products.div_scalar((channels * height * width) as f64)
}

/// A loss that is small where an image has the content of one image and the style of another, as
/// a network sees them ([Gatys et al. 2015](https://arxiv.org/abs/1508.06576)): weighted sums
/// over chosen layers of the mean squared difference of the maps (content) and of their
/// [Gram matrices](gram) (style).
///
/// ```
/// # #[cfg(feature = "flex")] {
/// use burn::tensor::{Device, Distribution, Tensor};
/// use vgg::{PerceptualLoss, VggConfig};
///
/// let device = Device::flex();
/// let config = VggConfig::named("vgg16")?.with_width(0.125);
/// let content = [(config.feature_layer("relu3_1")?, 1.0)];
/// let style = [(config.feature_layer("relu1_1")?, 1e3), (config.feature_layer("relu2_1")?, 1e3)];
/// let loss = PerceptualLoss::new(&config.init(&device)?.into_features(), &content, &style)?;
///
/// let photograph = Tensor::random([1, 3, 32, 32], Distribution::Default, &device);
/// let painting = Tensor::random([1, 3, 48, 40], Distribution::Default, &device);
/// let target = loss.target(photograph.clone(), painting)?;
/// let image = Tensor::from_inner(photograph).require_grad();
/// let parts = loss.forward(image.clone(), &target)?;
/// let gradients = (parts.content + parts.style).backward();
/// assert_eq!(image.grad(&gradients).expect("tracked").dims(), [1, 3, 32, 32]);
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct PerceptualLoss {
    features: FrozenFeatures,
    content: Vec<(FeatureLayer, f64)>,
    style: Vec<(FeatureLayer, f64)>,
}

/// What an image is compared with, computed once by [`PerceptualLoss::target`].
#[derive(Debug, Clone)]
pub struct PerceptualTarget {
    content: Vec<Tensor<4>>,
    style: Vec<Tensor<3>>,
}

/// The two parts of a [`PerceptualLoss`], each `[1]`.
#[derive(Debug, Clone)]
pub struct LossParts {
    /// Difference in content; zero without content layers.
    pub content: Tensor<1>,
    /// Difference in style; zero without style layers.
    pub style: Tensor<1>,
}

impl PerceptualLoss {
    /// A loss over layers with their weights. The network does not learn from it.
    ///
    /// # Errors
    /// A layer that the network has not.
    pub fn new(
        features: &VggFeatures,
        content: &[(FeatureLayer, f64)],
        style: &[(FeatureLayer, f64)],
    ) -> Result<Self, FeatureError> {
        for (layer, _) in content.iter().chain(style) {
            features.config().check_layer(*layer)?;
        }
        Ok(Self {
            features: FrozenFeatures::new(features),
            content: content.to_vec(),
            style: style.to_vec(),
        })
    }

    /// The content of one image and the style of another. The latter may have another size.
    ///
    /// # Errors
    /// Images that the network does not take.
    pub fn target(
        &self,
        content: Tensor<4>,
        style: Tensor<4>,
    ) -> Result<PerceptualTarget, FeatureError> {
        let plain = |image: Tensor<4>| image.without_autodiff();
        let grams = self.features.maps(plain(style), &layers(&self.style))?;
        Ok(PerceptualTarget {
            content: self.features.maps(plain(content), &layers(&self.content))?,
            style: grams.into_iter().map(gram).collect(),
        })
    }

    /// How far `image` is from `target`, differentiable in the image if that lies on an autodiff
    /// device.
    ///
    /// # Errors
    /// Images that the network does not take, or of another size than the target's content.
    pub fn forward(
        &self,
        image: Tensor<4>,
        target: &PerceptualTarget,
    ) -> Result<LossParts, FeatureError> {
        let device = image.device();
        let mut all = layers(&self.content);
        all.extend(layers(&self.style));
        let mut maps = self.features.maps(image, &all)?;
        let style_maps = maps.split_off(self.content.len());

        let mut content = Tensor::zeros([1], &device);
        for (((_, weight), map), target) in self.content.iter().zip(maps).zip(&target.content) {
            let (found, expected) = (map.dims(), target.dims());
            if found != expected {
                return Err(FeatureError::Shapes { found, expected });
            }
            content = content + distance(map, target).mul_scalar(*weight);
        }
        let mut style = Tensor::zeros([1], &device);
        for (((_, weight), map), target) in self.style.iter().zip(style_maps).zip(&target.style) {
            style = style + distance(gram(map), target).mul_scalar(*weight);
        }
        Ok(LossParts { content, style })
    }
}

fn layers(weighted: &[(FeatureLayer, f64)]) -> Vec<FeatureLayer> {
    weighted.iter().map(|(layer, _)| *layer).collect()
}

/// Mean squared difference `[1]`.
fn distance<const D: usize>(found: Tensor<D>, target: &Tensor<D>) -> Tensor<1> {
    let target = match found.device().is_autodiff() {
        true => Tensor::from_inner(target.clone()),
        false => target.clone(),
    };
    (found - target).powi_scalar(2).mean()
}
