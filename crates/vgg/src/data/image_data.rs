//! A data set in two parts, what was found of it and what was left out.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::channel_order::ChannelOrder;
use super::image::Fit;
use super::image_set::ImageSet;

/// A data set in two parts.
#[derive(Debug, Clone)]
pub struct ImageData {
    /// What [`load`](crate::data::load) finds it by; of no use to that where it was made in memory.
    pub name: String,
    /// How images of another size are brought to those of the data.
    pub fit: Fit,
    /// What the network learns from.
    pub train: ImageSet,
    /// What it is tested on.
    pub test: ImageSet,
    /// Names of the classes, in the order of the labels.
    pub classes: Vec<String>,
    /// Whether a mirrored image still shows its class: true of clothes, not of digits.
    pub mirrors: bool,
    /// What was found, to notice later that it has changed.
    pub state: DataState,
    /// What a folder holds besides, and images that could not be used.
    pub left_out: Vec<LeftOut>,
}

impl ImageData {
    /// A data set of which all images are used; other images are brought to their size as photographs, by
    /// [`Fit::Cover`].
    ///
    /// ```
    /// # #[cfg(feature = "train")] {
    /// use vgg::data::{ImageData, ImageSet};
    ///
    /// // Ten lines: anything that is bytes, here stripes that lie or stand, 8×8 pixels of one channel.
    /// let stripe = |standing: bool, at: usize| {
    ///     let lit = move |x: usize, y: usize| u8::from(if standing { x == at } else { y == at }) * 255;
    ///     (0..64).map(move |i| lit(i % 8, i / 8))
    /// };
    /// let set = |places: std::ops::Range<usize>| {
    ///     let both = places.flat_map(|at| [(true, at), (false, at)]);
    ///     let (pixels, labels): (Vec<_>, Vec<_>) =
    ///         both.map(|(standing, at)| (stripe(standing, at).collect::<Vec<u8>>(), u16::from(standing))).unzip();
    ///     ImageSet::new([1, 8, 8], pixels.concat(), labels)
    /// };
    /// let classes = ["lying", "standing"].map(str::to_owned).to_vec();
    /// let data = ImageData::new(set(0..6)?, set(6..8)?, classes, true);
    /// assert_eq!((data.train.len(), data.test.len()), (12, 4));
    /// # }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn new(train: ImageSet, test: ImageSet, classes: Vec<String>, mirrors: bool) -> Self {
        let state = DataState {
            train: train.len(),
            test: test.len(),
            names: None,
        };
        Self {
            name: "(in memory)".to_owned(),
            fit: Fit::Cover,
            train,
            test,
            classes,
            mirrors,
            state,
            left_out: Vec::new(),
        }
    }

    /// The same, other images brought to its size by `fit`.
    #[must_use]
    pub fn with_fit(self, fit: Fit) -> Self {
        Self { fit, ..self }
    }

    /// [`ImageSet::in_order`] of both parts: for networks that take blue first.
    #[must_use]
    pub fn in_order(self, order: ChannelOrder) -> Self {
        Self {
            train: self.train.in_order(order),
            test: self.test.in_order(order),
            ..self
        }
    }
}

/// What a data set was when it was read: another state means other data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataState {
    /// Training images that were found, before any limit and with those that could not be used.
    pub train: usize,
    /// Test images, counted likewise.
    pub test: usize,
    /// SHA-256 of the sorted names of a folder's images within it, in hexadecimal digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub names: Option<String>,
}

/// A file or folder that is not used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// Which.
    pub path: PathBuf,
    /// Why.
    pub reason: String,
}

impl LeftOut {
    #[cfg(feature = "train")]
    pub(super) fn new(path: PathBuf, reason: impl Into<String>) -> Self {
        Self {
            path,
            reason: reason.into(),
        }
    }
}
