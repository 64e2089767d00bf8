//! The part of Fashion-MNIST that is shipped in the repository and compiled in: 6,000 training
//! and 1,000 test images, the first of each class in the official order.

use std::path::Path;

use super::FASHION_MNIST_CLASSES;
use super::error::DataError;
use super::idx::{gunzip, join, parse_idx_images, parse_idx_labels};
use super::image_data::ImageData;
use super::image_set::ImageSet;

macro_rules! shipped {
    ($name:literal) => {
        (
            $name,
            include_bytes!(concat!("../../data/fashion-mnist/", $name)),
        )
    };
}

/// The shipped images.
pub(super) fn load() -> Result<ImageData, DataError> {
    Ok(ImageData::new(
        part(
            shipped!("train-images-idx3-ubyte.gz"),
            shipped!("train-labels-idx1-ubyte.gz"),
        )?,
        part(
            shipped!("t10k-images-idx3-ubyte.gz"),
            shipped!("t10k-labels-idx1-ubyte.gz"),
        )?,
        FASHION_MNIST_CLASSES.map(str::to_owned).to_vec(),
        true,
    ))
}

fn part(
    (image_name, images): (&str, &[u8]),
    (label_name, labels): (&str, &[u8]),
) -> Result<ImageSet, DataError> {
    let (image_file, label_file) = (Path::new(image_name), Path::new(label_name));
    let images = parse_idx_images(image_file, &gunzip(image_file, images)?)?;
    let labels = gunzip(label_file, labels)?;
    let labels = parse_idx_labels(label_file, &labels, FASHION_MNIST_CLASSES.len())?;
    join((image_file, images), (label_file, labels))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_class_has_its_share() {
        let data = load().expect("shipped");
        for (set, each) in [(&data.train, 600), (&data.test, 100)] {
            assert_eq!(set.shape(), [1, 28, 28]);
            let mut counts = [0; 10];
            (0..set.len()).for_each(|index| counts[set.label(index)] += 1);
            assert_eq!(counts, [each; 10]);
        }
    }
}
