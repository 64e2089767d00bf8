//! A network whose head is convolutions: predictions for every place of a larger image.

use burn::module::{Module, Param};
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::{Linear, PaddingConfig2d, Relu};
use burn::tensor::Tensor;

use crate::config::Pooling;
use crate::features::{FeatureError, VggFeatures};
use crate::model::Vgg;

/// A network with its linear layers as convolutions
/// ([Simonyan & Zisserman 2014](https://arxiv.org/abs/1409.1556), section 3.2), made by
/// [`Vgg::into_dense`]: logits for each place of the feature map where the head fits, of images
/// of any size.
#[derive(Module, Debug)]
pub struct DenseVgg {
    /// The convolutional part.
    pub features: VggFeatures,
    /// The hidden layers: the first as large as the map that it was trained on, the others 1×1.
    pub hidden: Vec<Conv2d>,
    /// The last layer, to the classes.
    pub output: Conv2d,
    relu: Relu,
}

impl Vgg {
    /// The network with its linear layers as convolutions. The weights are the same numbers: one
    /// image of the size that the network is meant for gives one place with the same logits. With
    /// [`Pooling::GlobalAverage`] the first linear layer becomes a 1×1 convolution, and without
    /// hidden layers the mean of the places has the same logits.
    pub fn into_dense(self) -> DenseVgg {
        let config = self.config();
        let map = match config.pooling {
            Pooling::GlobalAverage => [1, 1],
            _ => config
                .pooling
                .output_size(config.feature_map(config.input_size)),
        };
        let hidden = self.hidden.iter().map(|layer| &layer.linear);
        let mut kernels = [map].into_iter().chain(std::iter::repeat([1, 1]));
        let mut next = |linear: &Linear| convolution(linear, kernels.next().unwrap_or([1, 1]));
        let hidden: Vec<_> = hidden.map(&mut next).collect();
        let output = next(&self.output);
        DenseVgg {
            features: self.into_features(),
            hidden,
            output,
            relu: Relu::new(),
        }
    }
}

impl DenseVgg {
    /// Logits `[batch, classes, rows, columns]` of normalised images `[batch, channels, height,
    /// width]`: for each place of the feature map where the head's window lies within it, one
    /// image of the network's own size moved by 32 pixels (for five blocks).
    ///
    /// # Errors
    /// Images with another number of channels, or smaller than the network is meant for.
    pub fn forward(&self, images: Tensor<4>) -> Result<Tensor<4>, FeatureError> {
        let size = [images.dims()[2], images.dims()[3]];
        let first = self.hidden.first().unwrap_or(&self.output);
        let window = first.kernel_size;
        let map = self.features.config().feature_map(size);
        if map[0] < window[0] || map[1] < window[1] {
            return Err(FeatureError::Window { window, map });
        }
        let features = self.features.forward(images)?;
        let hidden = self.hidden.iter().fold(features, |input, layer| {
            self.relu.forward(layer.forward(input))
        });
        Ok(self.output.forward(hidden))
    }
}

/// A linear layer over a flattened `[channels, height, width]` as a convolution of that size.
fn convolution(linear: &Linear, [height, width]: [usize; 2]) -> Conv2d {
    let weight = linear.weight.val();
    let [inputs, outputs] = weight.dims();
    let channels = inputs / (height * width);
    let device = weight.device();
    let mut conv = Conv2dConfig::new([channels, outputs], [height, width])
        .with_padding(PaddingConfig2d::Valid)
        .init(&device);
    let kernel = weight
        .transpose()
        .reshape([outputs, channels, height, width]);
    conv.weight = Param::from_tensor(kernel.detach());
    conv.bias = linear
        .bias
        .as_ref()
        .map(|bias| Param::from_tensor(bias.val().detach()));
    conv
}
