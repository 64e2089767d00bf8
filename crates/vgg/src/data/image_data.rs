//! A data set in two parts, what was found of it and what was left out.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::image_set::ImageSet;
use super::preprocessing::ChannelOrder;

/// A data set in two parts.
#[derive(Debug, Clone)]
pub struct ImageData {
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
    /// A data set of which all images are used.
    pub fn new(train: ImageSet, test: ImageSet, classes: Vec<String>, mirrors: bool) -> Self {
        let state = DataState {
            train: train.len(),
            test: test.len(),
            names: None,
        };
        Self {
            train,
            test,
            classes,
            mirrors,
            state,
            left_out: Vec::new(),
        }
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
