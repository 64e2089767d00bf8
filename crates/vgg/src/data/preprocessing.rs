//! What was done to the training images, as a value that is saved with the network, so that
//! images to be recognised get the same.

use burn::tensor::{Device, Tensor};
#[cfg(feature = "train")]
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::channel_order::ChannelOrder;
use super::error::DataError;
use super::image::{Fit, border_mean, read_image, read_scaled};
use super::image_set::ImageSet;
use super::normalization::Normalization;
use crate::source::Source;

/// Darker than this, the border of the training images is a dark background.
const DARK: u8 = 64;

/// How an image becomes the input of one network.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Preprocessing {
    /// Channels, height and width of the input.
    pub shape: [usize; 3],
    /// How an image of another size is brought to that shape.
    pub fit: Fit,
    /// The order of the channels; in files that do not say so, red comes first.
    #[serde(default)]
    pub order: ChannelOrder,
    /// Mean and deviation of the training images, in the order of the channels.
    pub normalization: Normalization,
    /// Whether the training images show light things on a dark background; then an image with a
    /// light border is turned into its negative.
    pub dark_background: bool,
}

impl Preprocessing {
    /// What `set` needs.
    ///
    /// # Errors
    /// Those of [`Normalization::measure`].
    pub fn measure(set: &ImageSet, fit: Fit) -> Result<Self, DataError> {
        let set = set.sample()?;
        let shape = set.shape();
        let mut borders = 0;
        for index in 0..set.len() {
            borders += usize::from(border_mean(&set.pixels(index)?, shape));
        }
        Ok(Self {
            shape,
            fit,
            order: ChannelOrder::Rgb,
            normalization: Normalization::measure(&set)?,
            dark_background: fit == Fit::Object && borders / set.len() < usize::from(DARK),
        })
    }

    /// What torchvision's published networks of ImageNet were tested with: the short side scaled
    /// to 256 pixels, the middle 224×224, mean (0.485, 0.456, 0.406) and deviation (0.229, 0.224,
    /// 0.225) of the images they were trained on.
    pub fn imagenet() -> Self {
        Self {
            shape: [3, 224, 224],
            fit: Fit::CentreCrop { short_side: 256 },
            order: ChannelOrder::Rgb,
            normalization: Normalization {
                mean: vec![0.485, 0.456, 0.406],
                deviation: vec![0.229, 0.224, 0.225],
            },
            dark_background: false,
        }
    }

    /// [`Preprocessing::imagenet`] with the mean subtracted and values up to 255, as in the
    /// paper: what the converted weights of the authors take (torchvision's features of VGG-16).
    pub fn mean_subtracted() -> Self {
        Self {
            normalization: Normalization {
                mean: vec![0.48235, 0.45882, 0.40784],
                deviation: vec![1.0 / 255.0; 3],
            },
            ..Self::imagenet()
        }
    }

    /// That of Keras' VGG-16 and VGG-19 ("caffe" mode): blue first, the mean (103.939, 116.779,
    /// 123.68) subtracted from values up to 255.
    pub fn keras() -> Self {
        Self {
            order: ChannelOrder::Bgr,
            normalization: Normalization {
                mean: [103.939, 116.779, 123.68]
                    .map(|mean: f32| mean / 255.0)
                    .to_vec(),
                deviation: vec![1.0 / 255.0; 3],
            },
            ..Self::imagenet()
        }
    }

    /// [`Preprocessing::read`] of several images in parallel, in their order.
    #[cfg(feature = "train")]
    pub fn read_all(&self, paths: &[std::path::PathBuf]) -> Vec<Result<Vec<u8>, DataError>> {
        paths.par_iter().map(|path| self.read(path)).collect()
    }

    /// Pixels of an image as the network wants to see them.
    ///
    /// # Errors
    /// See [`read_image`].
    pub fn read<'a>(&self, source: impl Into<Source<'a>>) -> Result<Vec<u8>, DataError> {
        let mut pixels = read_image(source, self.shape, self.fit)?;
        if self.dark_background && border_mean(&pixels, self.shape) > 127 {
            pixels.iter_mut().for_each(|value| *value = 255 - *value);
        }
        Ok(self.in_order(pixels, self.shape))
    }

    /// A whole photograph as a network's input `[1, channels, height, width]`, in its own proportions with its longer
    /// side scaled to `side` pixels.
    ///
    /// # Errors
    /// See [`read_image`].
    pub fn photograph<'a>(
        &self,
        source: impl Into<Source<'a>>,
        side: usize,
        device: &Device,
    ) -> Result<Tensor<4>, DataError> {
        let (shape, pixels) = read_scaled(source, self.shape[0], side)?;
        let pixels = self.in_order(pixels, shape);
        self.normalization.images(&pixels, shape, device)
    }

    /// Pixels in the order of the channels that the network takes.
    fn in_order(&self, pixels: Vec<u8>, [_, height, width]: [usize; 3]) -> Vec<u8> {
        match self.order {
            ChannelOrder::Rgb => pixels,
            ChannelOrder::Bgr => {
                let planes: Vec<_> = pixels.chunks_exact(height * width).rev().collect();
                planes.concat()
            }
        }
    }

    /// Normalised images `[batch, channels, height, width]` from the pixels of whole images.
    ///
    /// # Errors
    /// See [`Normalization::images`].
    pub fn images(&self, pixels: &[u8], device: &Device) -> Result<Tensor<4>, DataError> {
        self.normalization.images(pixels, self.shape, device)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{GrayImage, Luma};

    #[test]
    fn a_light_background_is_turned_dark() {
        let set = ImageSet::new([1, 8, 8], vec![0; 64], vec![0]).expect("fits");
        let preprocessing = Preprocessing::measure(&set, Fit::Object).expect("in memory");
        assert!(preprocessing.dark_background);

        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("dark on light.png");
        let stroke = |x: u32, y: u32| {
            if x == y && (2..6).contains(&x) {
                30
            } else {
                240
            }
        };
        GrayImage::from_fn(8, 8, |x, y| Luma([stroke(x, y)]))
            .save(&path)
            .expect("saved");
        let pixels = preprocessing.read(&path).expect("whole");
        assert_eq!((pixels[0], pixels[3 * 8 + 3]), (15, 225));
    }

    #[test]
    fn photographs_stay_as_they_are() {
        let set = ImageSet::new([3, 8, 8], vec![0; 192], vec![0]).expect("fits");
        let cover = Preprocessing::measure(&set, Fit::Cover).expect("in memory");
        assert!(!cover.dark_background);
    }

    #[test]
    fn keras_takes_blue_first_and_values_around_zero() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("orange.png");
        image::RgbImage::from_pixel(300, 300, image::Rgb([255, 128, 0]))
            .save(&path)
            .expect("saved");
        let preprocessing = Preprocessing::keras();
        let pixels = preprocessing.read_all(&[path]).remove(0).expect("whole");
        let images = preprocessing
            .images(&pixels, &Device::flex())
            .expect("fits");
        let values = images.into_data().try_into_vec::<f32>().expect("floats");
        let first: Vec<f32> = values.into_iter().step_by(224 * 224).collect();
        for (found, expected) in first
            .iter()
            .zip([-103.939, 128.0 - 116.779, 255.0 - 123.68])
        {
            assert!((found - expected).abs() < 1e-3, "{first:?}");
        }
    }

    #[test]
    fn a_file_from_before_the_order_was_saved_means_red_first() {
        let mut value = serde_json::to_value(Preprocessing::imagenet()).expect("serialises");
        value.as_object_mut().expect("an object").remove("order");
        let read: Preprocessing = serde_json::from_value(value).expect("parses");
        assert_eq!(read, Preprocessing::imagenet());
    }
}
