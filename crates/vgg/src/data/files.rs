//! Images that stay in their files until they are asked for.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::channel_order::ChannelOrder;
use super::error::DataError;
use super::image::{Fit, read_image};
use super::part::{Part, read_part};

/// The files of a folder's images. A million of them take some 60 MB.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Files {
    folder: Arc<Path>,
    /// Within the folder.
    names: Arc<[Box<Path>]>,
    order: ChannelOrder,
    skip_broken: bool,
}

impl Files {
    /// The files `names` within `folder`. With `skip_broken` those that cannot be used are to be passed over.
    pub(super) fn new(folder: &Path, names: Vec<Box<Path>>, skip_broken: bool) -> Self {
        Self {
            folder: folder.into(),
            names: names.into(),
            order: ChannelOrder::Rgb,
            skip_broken,
        }
    }

    /// The name of the file at `index` within the folder.
    pub(crate) fn name(&self, index: usize) -> &Path {
        &self.names[index]
    }

    /// The path of the file at `index`.
    pub(crate) fn path(&self, index: usize) -> PathBuf {
        self.folder.join(self.name(index))
    }

    /// Whether images that cannot be used are passed over.
    pub(crate) fn skips_broken(&self) -> bool {
        self.skip_broken
    }

    pub(super) fn set_order(&mut self, order: ChannelOrder) {
        self.order = order;
    }

    /// Those at these places alone.
    pub(super) fn chosen(&self, indices: &[usize]) -> Self {
        let names = indices.iter().map(|&index| self.names[index].clone());
        Self {
            names: names.collect(),
            ..self.clone()
        }
    }

    /// The image at `index`, brought to `shape` as a photograph is.
    pub(super) fn read(&self, index: usize, shape: [usize; 3]) -> Result<Vec<u8>, DataError> {
        let image = read_image(self.path(index), shape, Fit::Cover)?;
        Ok(self.ordered(image, shape))
    }

    /// The part of the image at `index` that `choose` takes of its width and height, scaled to `shape`.
    pub(super) fn read_part(
        &self,
        index: usize,
        shape: [usize; 3],
        choose: impl FnOnce(usize, usize) -> Part,
    ) -> Result<Vec<u8>, DataError> {
        let image = read_part(self.path(index), shape, choose)?;
        Ok(self.ordered(image, shape))
    }

    fn ordered(&self, mut image: Vec<u8>, [_, height, width]: [usize; 3]) -> Vec<u8> {
        self.order.apply(&mut image, height * width);
        image
    }
}

/// Goes on with the digest of names within a folder, which is the same on every system: each has its own separator.
pub(crate) fn digest_name(hash: &mut Sha256, name: &Path) {
    for part in name {
        hash.update(part.as_encoded_bytes());
        hash.update("/");
    }
    // No name holds a zero.
    hash.update([0]);
}
