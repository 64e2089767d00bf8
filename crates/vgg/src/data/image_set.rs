//! Images of one size with their labels, as bytes in memory.

use burn::config::Config;
#[cfg(feature = "train")]
use burn::data::dataset::{Dataset, DatasetError};
use burn::tensor::{Device, Tensor, TensorData};

use super::channel_order::ChannelOrder;
use super::error::DataError;

/// One image and its class.
#[cfg(feature = "train")]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabelledImage {
    /// Values 0 to 255 in the order channel, row, column.
    pub pixels: Vec<u8>,
    /// The class, from 0.
    pub label: usize,
}

/// Images of one size `[channels, height, width]` with their labels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageSet {
    shape: [usize; 3],
    pixels: Vec<u8>,
    labels: Vec<u16>,
}

impl ImageSet {
    /// A set from the pixels of all images in the order image, channel, row, column.
    ///
    /// # Errors
    /// No images, an empty shape, or pixels and labels that do not fit together.
    pub fn new(shape: [usize; 3], pixels: Vec<u8>, labels: Vec<u16>) -> Result<Self, DataError> {
        let [channels, height, width] = shape;
        // An overflow has no pixels that fit it.
        let image = channels
            .checked_mul(height)
            .and_then(|part| part.checked_mul(width));
        let all = image.and_then(|image| image.checked_mul(labels.len()));
        if image == Some(0) || labels.is_empty() {
            return Err(DataError::Invalid(format!(
                "{} images of {channels} channels and {height}×{width} pixels are nothing to \
                 work with",
                labels.len()
            )));
        }
        if all != Some(pixels.len()) {
            return Err(DataError::Invalid(format!(
                "{} labels of {channels}×{height}×{width} images need {} pixel values, found {}",
                labels.len(),
                all.map_or("impossibly many".to_owned(), |all| all.to_string()),
                pixels.len()
            )));
        }
        Ok(Self {
            shape,
            pixels,
            labels,
        })
    }

    /// Channels, height and width of every image.
    pub fn shape(&self) -> [usize; 3] {
        self.shape
    }

    /// How many images there are; never 0.
    #[allow(clippy::len_without_is_empty)]
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Pixels of the image at `index`, in the order channel, row, column.
    ///
    /// # Panics
    /// If `index` is not below [`ImageSet::len`].
    pub fn pixels(&self, index: usize) -> &[u8] {
        let size: usize = self.shape.iter().product();
        &self.pixels[index * size..(index + 1) * size]
    }

    /// The class of the image at `index`.
    ///
    /// # Panics
    /// If `index` is not below [`ImageSet::len`].
    pub fn label(&self, index: usize) -> usize {
        usize::from(self.labels[index])
    }

    /// The same images with their channels in this order, which are red, green and blue so far.
    #[must_use]
    pub fn in_order(mut self, order: ChannelOrder) -> Self {
        let [channels, height, width] = self.shape;
        if order == ChannelOrder::Bgr {
            for image in self.pixels.chunks_exact_mut(channels * height * width) {
                for channel in 0..channels / 2 {
                    let (front, back) =
                        image.split_at_mut((channels - 1 - channel) * height * width);
                    let plane = channel * height * width..(channel + 1) * height * width;
                    front[plane].swap_with_slice(&mut back[..height * width]);
                }
            }
        }
        self
    }

    /// At most `count` images, spread evenly over the set, so that a set sorted by class keeps
    /// all of its classes.
    ///
    /// # Errors
    /// A `count` of 0.
    pub fn limited(self, count: usize) -> Result<Self, DataError> {
        let len = self.len();
        if count >= len {
            return Ok(self);
        }
        let chosen: Vec<_> = (0..count).map(|i| i * len / count).collect();
        let pixels = chosen
            .iter()
            .flat_map(|&i| self.pixels(i))
            .copied()
            .collect();
        let labels = chosen.iter().map(|&i| self.labels[i]).collect();
        Self::new(self.shape, pixels, labels)
    }
}

#[cfg(feature = "train")]
impl Dataset<LabelledImage> for ImageSet {
    fn get(&self, index: usize) -> Result<LabelledImage, DatasetError> {
        Ok(LabelledImage {
            pixels: self.pixels(index).to_vec(),
            label: self.label(index),
        })
    }

    fn len(&self) -> usize {
        self.labels.len()
    }
}

/// Mean and standard deviation of each channel, for values in `[0, 1]`. The network sees
/// `(value / 255 − mean) / deviation`.
#[derive(Config, Debug, PartialEq)]
pub struct Normalization {
    /// Mean of each channel.
    pub mean: Vec<f32>,
    /// Standard deviation of each channel.
    pub deviation: Vec<f32>,
}

impl Normalization {
    /// Measured over every pixel of `set`. A channel without any contrast gets deviation 1.
    pub fn measure(set: &ImageSet) -> Self {
        let [channels, height, width] = set.shape();
        let mut counts = vec![[0u64; 256]; channels];
        for index in 0..set.len() {
            let planes = set.pixels(index).chunks_exact(height * width);
            for (plane, count) in planes.zip(&mut counts) {
                plane
                    .iter()
                    .for_each(|&value| count[usize::from(value)] += 1);
            }
        }
        let (mean, deviation) = counts.iter().map(moments).unzip();
        Self { mean, deviation }
    }

    /// Images `[batch, channels, height, width]` on `device`, normalised. `pixels` holds whole
    /// images of `shape` (channels, height, width).
    ///
    /// # Errors
    /// Another number of channels than this was made for, or pixels that are no whole images.
    pub fn images(
        &self,
        pixels: &[u8],
        shape: [usize; 3],
        device: &Device,
    ) -> Result<Tensor<4>, DataError> {
        let [channels, height, width] = shape;
        let image = channels.saturating_mul(height).saturating_mul(width);
        if self.mean.len() != channels || self.deviation.len() != channels {
            return Err(DataError::Invalid(format!(
                "a normalisation of {} means and {} deviations does not fit {channels} channels",
                self.mean.len(),
                self.deviation.len()
            )));
        }
        if image == 0 || !pixels.len().is_multiple_of(image) {
            return Err(DataError::Invalid(format!(
                "{} pixel values are no whole images of {channels}×{height}×{width}",
                pixels.len()
            )));
        }
        let mut values = Vec::with_capacity(pixels.len());
        for (index, plane) in pixels.chunks_exact(height * width).enumerate() {
            let (mean, deviation) = (
                self.mean[index % channels],
                self.deviation[index % channels],
            );
            values.extend(
                plane
                    .iter()
                    .map(|&value| (f32::from(value) / 255.0 - mean) / deviation),
            );
        }
        let data = TensorData::new(values, [pixels.len() / image, channels, height, width]);
        Ok(Tensor::from_data(data, device))
    }
}

fn moments(count: &[u64; 256]) -> (f32, f32) {
    let total = count.iter().sum::<u64>() as f64;
    let sum = |power: i32| -> f64 {
        let terms = count.iter().enumerate();
        terms
            .map(|(value, &n)| n as f64 * (value as f64 / 255.0).powi(power))
            .sum()
    };
    let mean = sum(1) / total;
    let variance = sum(2) / total - mean * mean;
    let deviation = if variance > 1e-12 {
        variance.sqrt()
    } else {
        1.0
    };
    (mean as f32, deviation as f32)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set() -> ImageSet {
        let pixels = vec![0, 255, 0, 255, 10, 10, 10, 10];
        ImageSet::new([1, 2, 2], pixels, vec![3, 7]).expect("fits")
    }

    #[test]
    fn pixels_and_labels_must_fit_together() {
        for (shape, pixels, labels, expected) in [
            ([1, 2, 2], 7, 2, "need 8 pixel values, found 7"),
            ([1, 2, 2], 0, 0, "0 images of 1 channels and 2×2 pixels"),
            ([1, 0, 2], 0, 2, "2 images of 1 channels and 0×2 pixels"),
            (
                [1, 1 << 31, 1 << 33],
                0,
                2,
                "need impossibly many pixel values",
            ),
            ([usize::MAX; 3], 7, 1, "need impossibly many pixel values"),
        ] {
            let error = ImageSet::new(shape, vec![0; pixels], vec![0; labels]).expect_err(expected);
            assert!(error.to_string().contains(expected), "{error}");
        }
    }

    #[test]
    fn blue_comes_first_on_request() {
        let set = ImageSet::new([3, 1, 2], (0..12).collect(), vec![0, 1]).expect("fits");
        assert_eq!(set.clone().in_order(ChannelOrder::Rgb), set);
        let blue_first = [4, 5, 2, 3, 0, 1, 10, 11, 8, 9, 6, 7];
        assert_eq!(set.in_order(ChannelOrder::Bgr).pixels, blue_first);
    }

    #[test]
    fn a_limit_spreads_over_the_set() {
        let labels: Vec<u16> = (0..10).collect();
        let set = ImageSet::new([1, 1, 1], vec![0; 10], labels).expect("fits");
        assert_eq!(set.clone().limited(3).expect("not zero").labels, [0, 3, 6]);
        assert_eq!(set.clone().limited(99).expect("not zero").len(), 10);
        set.limited(0).expect_err("nothing left");
    }

    #[test]
    fn mean_and_deviation_are_those_of_the_pixels() {
        let normalization = Normalization::measure(&set());
        let mean = (2.0 * 255.0 + 40.0) / 8.0 / 255.0;
        let variance = (2.0 * 255.0f32.powi(2) + 400.0) / 8.0 / 255.0f32.powi(2) - mean * mean;
        assert!((normalization.mean[0] - mean).abs() < 1e-6);
        assert!((normalization.deviation[0] - variance.sqrt()).abs() < 1e-6);
    }

    #[test]
    fn a_flat_channel_is_left_in_place() {
        let flat = ImageSet::new([1, 1, 2], vec![51, 51], vec![0]).expect("fits");
        let normalization = Normalization::measure(&flat);
        assert_eq!(
            (normalization.mean[0], normalization.deviation[0]),
            (0.2, 1.0)
        );
    }
}
