//! LPIPS: how different two images look to people.

use burn::tensor::{Tensor, TensorData};
use safetensors::SafeTensors;

use super::error::FeatureError;
use super::extract::VggFeatures;
use super::frozen::FrozenFeatures;
use super::layer::FeatureLayer;

/// The 1,472 weights of the authors' package `lpips` 0.1.4 (`weights/v0.1/vgg.pth`, BSD-2).
const WEIGHTS: &[u8] = include_bytes!("../../weights/lpips-vgg.safetensors");

/// Shift and scale of red, green and blue in -1 … 1: ImageNet's mean and deviation.
const SHIFT: [f32; 3] = [-0.030, -0.088, -0.188];
const SCALE: [f32; 3] = [0.458, 0.448, 0.450];

/// Keeps the division by a length of zero defined.
const EPSILON: f64 = 1e-10;

/// The learned perceptual distance of
/// [Zhang et al. 2018](https://arxiv.org/abs/1801.03924), equation 1, version 0.1 on VGG-16: the
/// maps behind the last ReLU of each block are brought to length 1 at every pixel; their squared
/// differences are weighted by channel, averaged over the pixels and added.
///
/// Its values mean what the paper says only with ImageNet's weights in the network.
///
/// ```
/// # #[cfg(feature = "flex")] {
/// use burn::tensor::{Device, Tensor};
/// use vgg::{Lpips, VggConfig};
///
/// let device = Device::flex();
/// let features = VggConfig::named("vgg16")?.init(&device)?.into_features();
/// let lpips = Lpips::new(&features)?;
/// let image = Tensor::<4>::full([1, 3, 32, 32], 0.5, &device);
/// let distance = lpips.forward(image.clone(), image)?;
/// assert_eq!(distance.into_data().try_into_vec::<f32>()?, [0.0]);
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Lpips {
    features: FrozenFeatures,
    layers: Vec<FeatureLayer>,
    /// The channels' weights, one tensor a layer.
    weights: Vec<Vec<f32>>,
}

impl Lpips {
    /// The distance on the features of a `vgg16`; they do not learn from it.
    ///
    /// # Errors
    /// Features of another network than VGG-16 for colour images.
    pub fn new(features: &VggFeatures) -> Result<Self, FeatureError> {
        let config = features.config();
        let mut layers = config.pyramid_layers();
        layers.pop();
        let channels: Vec<_> = layers
            .iter()
            .map(|&layer| config.channels_at(layer))
            .collect();
        let weights = weights()?;
        let lengths: Vec<_> = weights
            .iter()
            .map(|of_layer| Some(of_layer.len()))
            .collect();
        if channels != lengths || config.input_channels != 3 {
            return Err(FeatureError::NotVgg16 {
                found: config.channels(),
            });
        }
        Ok(Self {
            features: FrozenFeatures::new(features),
            layers,
            weights,
        })
    }

    /// The distance `[batch]` of each pair of images, `[batch, 3, height, width]` with red, green
    /// and blue from 0 to 1, not normalised. Differentiable in both if they lie on an autodiff
    /// device.
    ///
    /// # Errors
    /// Images that the network does not take, or pairs of two sizes.
    pub fn forward(&self, images: Tensor<4>, others: Tensor<4>) -> Result<Tensor<1>, FeatureError> {
        let (found, expected) = (others.dims(), images.dims());
        if found != expected {
            return Err(FeatureError::Shapes { found, expected });
        }
        let device = images.device();
        let [batch, ..] = expected;
        let maps = self.features.maps(scaled(images), &self.layers)?;
        let others = self.features.maps(scaled(others), &self.layers)?;
        let mut sum = Tensor::zeros([batch], &device);
        for ((map, other), weights) in maps.into_iter().zip(others).zip(&self.weights) {
            let [_, channels, height, width] = map.dims();
            let data = TensorData::new(weights.clone(), [1, channels, 1, 1]);
            let weights = Tensor::<4>::from_data(data, &device);
            let difference = (unit(map) - unit(other)).powi_scalar(2) * weights;
            let flat = difference.reshape([batch, channels * height * width]);
            let mean = flat.sum_dim(1).div_scalar((height * width) as f64);
            sum = sum + mean.reshape([batch]);
        }
        Ok(sum)
    }
}

/// From 0 … 1 to the values that the network was trained on.
fn scaled(images: Tensor<4>) -> Tensor<4> {
    let device = images.device();
    let channels = |values: [f32; 3]| {
        Tensor::<4>::from_data(TensorData::new(values.to_vec(), [1, 3, 1, 1]), &device)
    };
    (images.mul_scalar(2.0).sub_scalar(1.0) - channels(SHIFT)) / channels(SCALE)
}

/// Every pixel's channels divided by their length. A length of zero stays zero, and the clamp
/// gives it the gradient 0 where the root's own would be infinite.
fn unit(map: Tensor<4>) -> Tensor<4> {
    let squares = map.clone().powi_scalar(2).sum_dim(1);
    let length = squares.clamp_min(EPSILON * EPSILON).sqrt();
    map / length.add_scalar(EPSILON)
}

fn weights() -> Result<Vec<Vec<f32>>, FeatureError> {
    let damaged = |error: safetensors::SafeTensorError| FeatureError::Data(error.to_string());
    let file = SafeTensors::deserialize(WEIGHTS).map_err(damaged)?;
    let layer = |index: usize| {
        let view = file.tensor(&format!("lin{index}")).map_err(damaged)?;
        let (words, _) = view.data().as_chunks::<4>();
        Ok(words.iter().map(|word| f32::from_le_bytes(*word)).collect())
    };
    (0..5).map(layer).collect()
}
