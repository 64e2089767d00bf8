//! Values as a network takes them, from those of pixels.

use burn::config::Config;
use burn::tensor::{Device, Tensor, TensorData};

use super::error::DataError;
use super::image_set::ImageSet;

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
    /// Measured over every pixel of `set`; where its images lie in files, over 1,000 of them that are spread over the
    /// set. A channel without any contrast gets deviation 1.
    ///
    /// # Errors
    /// A file that cannot be used.
    pub fn measure(set: &ImageSet) -> Result<Self, DataError> {
        let set = set.sample()?;
        let [channels, height, width] = set.shape();
        let mut counts = vec![[0u64; 256]; channels];
        for index in 0..set.len() {
            let pixels = set.pixels(index)?;
            let planes = pixels.chunks_exact(height * width);
            for (plane, count) in planes.zip(&mut counts) {
                plane
                    .iter()
                    .for_each(|&value| count[usize::from(value)] += 1);
            }
        }
        let (mean, deviation) = counts.iter().map(moments).unzip();
        Ok(Self { mean, deviation })
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
    fn mean_and_deviation_are_those_of_the_pixels() {
        let normalization = Normalization::measure(&set()).expect("in memory");
        let mean = (2.0 * 255.0 + 40.0) / 8.0 / 255.0;
        let variance = (2.0 * 255.0f32.powi(2) + 400.0) / 8.0 / 255.0f32.powi(2) - mean * mean;
        assert!((normalization.mean[0] - mean).abs() < 1e-6);
        assert!((normalization.deviation[0] - variance.sqrt()).abs() < 1e-6);
    }

    #[test]
    fn a_flat_channel_is_left_in_place() {
        let flat = ImageSet::new([1, 1, 2], vec![51, 51], vec![0]).expect("fits");
        let normalization = Normalization::measure(&flat).expect("in memory");
        assert_eq!(
            (normalization.mean[0], normalization.deviation[0]),
            (0.2, 1.0)
        );
    }
}
