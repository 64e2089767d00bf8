//! What was done to the training images, as a value that is saved with the network, so that
//! images to be recognised get the same.

use std::path::Path;

use burn::config::Config;
use burn::tensor::{Device, Tensor};

use super::error::DataError;
use super::image::{Fit, border_mean, read_image};
use super::image_set::{ImageSet, Normalization};

/// Darker than this, the border of the training images is a dark background.
const DARK: u8 = 64;

/// How an image becomes the input of one network.
#[derive(Config, Debug, PartialEq)]
pub struct Preprocessing {
    /// Channels, height and width of the input.
    pub shape: [usize; 3],
    /// How an image of another size is brought to that shape.
    pub fit: Fit,
    /// Mean and deviation of the training images.
    pub normalization: Normalization,
    /// Whether the training images show light things on a dark background; then an image with a
    /// light border is turned into its negative.
    pub dark_background: bool,
}

impl Preprocessing {
    /// What `set` needs.
    pub fn measure(set: &ImageSet, fit: Fit) -> Self {
        let shape = set.shape();
        let borders: usize = (0..set.len())
            .map(|index| usize::from(border_mean(set.pixels(index), shape)))
            .sum();
        Self {
            shape,
            fit,
            normalization: Normalization::measure(set),
            dark_background: fit == Fit::Object && borders / set.len() < usize::from(DARK),
        }
    }

    /// Pixels of the image at `path` as the network wants to see them.
    ///
    /// # Errors
    /// See [`read_image`].
    pub fn read(&self, path: &Path) -> Result<Vec<u8>, DataError> {
        let mut pixels = read_image(path, self.shape, self.fit)?;
        if self.dark_background && border_mean(&pixels, self.shape) > 127 {
            pixels.iter_mut().for_each(|value| *value = 255 - *value);
        }
        Ok(pixels)
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
        let preprocessing = Preprocessing::measure(&set, Fit::Object);
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
        assert!(!Preprocessing::measure(&set, Fit::Cover).dark_background);
    }
}
