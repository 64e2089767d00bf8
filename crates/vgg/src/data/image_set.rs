//! Images of one size with their labels: as bytes in memory, or in files.

use std::borrow::Cow;

#[cfg(feature = "train")]
use burn::data::dataset::{Dataset, DatasetError};
#[cfg(feature = "train")]
use rayon::prelude::*;

use super::channel_order::ChannelOrder;
use super::error::DataError;
#[cfg(feature = "train")]
use super::files::Files;
#[cfg(feature = "train")]
use super::part::{Part, part_of_planes};

/// So many images stand for all where these lie in files.
#[cfg(feature = "train")]
const SAMPLE: usize = 1000;

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
    labels: Vec<u16>,
    images: Images,
}

/// Where the images are.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Images {
    /// All pixels, image after image.
    Memory(Vec<u8>),
    /// Each is read when it is asked for.
    #[cfg(feature = "train")]
    Files(Files),
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
        check(shape, &labels)?;
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
            labels,
            images: Images::Memory(pixels),
        })
    }

    /// A set of images that are read, and brought to `shape`, when they are asked for.
    #[cfg(feature = "train")]
    pub(super) fn of_files(
        shape: [usize; 3],
        files: Files,
        labels: Vec<u16>,
    ) -> Result<Self, DataError> {
        check(shape, &labels)?;
        Ok(Self {
            shape,
            labels,
            images: Images::Files(files),
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
    /// # Errors
    /// A file that cannot be used; none where the images are in memory.
    ///
    /// # Panics
    /// If `index` is not below [`ImageSet::len`].
    pub fn pixels(&self, index: usize) -> Result<Cow<'_, [u8]>, DataError> {
        match &self.images {
            Images::Memory(pixels) => Ok(Cow::Borrowed(image(pixels, self.shape, index))),
            #[cfg(feature = "train")]
            Images::Files(files) => files.read(index, self.shape).map(Cow::Owned),
        }
    }

    /// The part of the image at `index` that `choose` takes of its width and height, scaled to the shape. An image in
    /// memory has the size of the shape, one in a file its own.
    #[cfg(feature = "train")]
    pub(crate) fn part(
        &self,
        index: usize,
        choose: impl FnOnce(usize, usize) -> Part,
    ) -> Result<Vec<u8>, DataError> {
        match &self.images {
            Images::Memory(pixels) => {
                let [_, height, width] = self.shape;
                let pixels = image(pixels, self.shape, index);
                Ok(part_of_planes(pixels, self.shape, choose(width, height)))
            }
            Images::Files(files) => files.read_part(index, self.shape, choose),
        }
    }

    /// The class of the image at `index`.
    ///
    /// # Panics
    /// If `index` is not below [`ImageSet::len`].
    pub fn label(&self, index: usize) -> usize {
        usize::from(self.labels[index])
    }

    /// Whether the images lie in files, from which each is read when it is asked for.
    #[cfg(feature = "train")]
    pub fn is_streamed(&self) -> bool {
        self.files().is_some()
    }

    #[cfg(feature = "train")]
    pub(crate) fn files(&self) -> Option<&Files> {
        match &self.images {
            Images::Memory(_) => None,
            Images::Files(files) => Some(files),
        }
    }

    /// The same images with their channels in this order, which are red, green and blue so far.
    #[must_use]
    pub fn in_order(mut self, order: ChannelOrder) -> Self {
        let [channels, height, width] = self.shape;
        match &mut self.images {
            Images::Memory(pixels) => {
                for image in pixels.chunks_exact_mut(channels * height * width) {
                    order.apply(image, height * width);
                }
            }
            #[cfg(feature = "train")]
            Images::Files(files) => files.set_order(order),
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
        let labels: Vec<_> = chosen.iter().map(|&i| self.labels[i]).collect();
        match &self.images {
            Images::Memory(pixels) => {
                let images = chosen.iter().map(|&i| image(pixels, self.shape, i));
                Self::new(self.shape, images.collect::<Vec<_>>().concat(), labels)
            }
            #[cfg(feature = "train")]
            Images::Files(files) => Self::of_files(self.shape, files.chosen(&chosen), labels),
        }
    }

    /// The set itself where it is in memory, else some of its images, spread over the set: what figures of the whole
    /// are measured over.
    pub(super) fn sample(&self) -> Result<Cow<'_, Self>, DataError> {
        #[cfg(feature = "train")]
        if let Some(files) = self.files() {
            let some = self.clone().limited(SAMPLE)?;
            let read: Vec<_> = (0..some.len())
                .into_par_iter()
                .map(|index| some.pixels(index).map(Cow::into_owned))
                .collect();
            let (mut pixels, mut labels) = (Vec::new(), Vec::new());
            for (image, &label) in read.into_iter().zip(&some.labels) {
                match image {
                    Err(DataError::Image { .. }) if files.skips_broken() => {}
                    image => {
                        pixels.extend(image?);
                        labels.push(label);
                    }
                }
            }
            return Self::new(self.shape, pixels, labels).map(Cow::Owned);
        }
        Ok(Cow::Borrowed(self))
    }
}

/// The image at `index` among all `pixels`.
fn image(pixels: &[u8], shape: [usize; 3], index: usize) -> &[u8] {
    let size: usize = shape.iter().product();
    &pixels[index * size..(index + 1) * size]
}

/// Refuses a set without images, or of images without pixels.
fn check([channels, height, width]: [usize; 3], labels: &[u16]) -> Result<(), DataError> {
    if [channels, height, width].contains(&0) || labels.is_empty() {
        return Err(DataError::Invalid(format!(
            "{} images of {channels} channels and {height}×{width} pixels are nothing to work with",
            labels.len()
        )));
    }
    Ok(())
}

#[cfg(feature = "train")]
impl Dataset<LabelledImage> for ImageSet {
    fn get(&self, index: usize) -> Result<LabelledImage, DatasetError> {
        Ok(LabelledImage {
            pixels: self.pixels(index).map_err(DatasetError::new)?.into_owned(),
            label: self.label(index),
        })
    }

    fn len(&self) -> usize {
        self.labels.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let set = set.in_order(ChannelOrder::Bgr);
        assert_eq!(set.images, Images::Memory(blue_first.to_vec()));
    }

    #[test]
    fn a_limit_spreads_over_the_set() {
        let labels: Vec<u16> = (0..10).collect();
        let set = ImageSet::new([1, 1, 1], vec![0; 10], labels).expect("fits");
        assert_eq!(set.clone().limited(3).expect("not zero").labels, [0, 3, 6]);
        assert_eq!(set.clone().limited(99).expect("not zero").len(), 10);
        set.limited(0).expect_err("nothing left");
    }
}
