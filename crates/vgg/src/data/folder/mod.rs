//! A folder of images with one folder a class.

mod classes;
mod index;
mod layout;
mod listing;

use std::collections::BTreeSet;
use std::path::Path;

use rayon::iter::{IntoParallelRefIterator, ParallelIterator};
use sha2::{Digest, Sha256};

use super::error::DataError;
use super::files::{Files, digest_name};
use super::image::{Fit, check_shape, read_image};
use super::image_data::{DataState, ImageData, LeftOut};
use super::image_set::ImageSet;
use crate::fetch::hexadecimal;
use classes::{Class, Found, TEST_EVERY, find};

/// Where the pixels are more than this, the images stay in their files.
const MOST_BYTES: u64 = 4 << 30;

/// How a folder of images is read.
#[derive(Debug, Clone, Copy)]
pub struct FolderOptions {
    /// Channels, height and width that every image is brought to.
    pub shape: [usize; 3],
    /// Leave out images that cannot be used, instead of giving up.
    pub skip_broken: bool,
    /// Leave the images in their files, however few they are.
    pub stream: bool,
}

/// Reads `folder/train/CLASS/*.png` and `folder/test/CLASS/*.png`, or, where these two folders are not there,
/// `folder/CLASS/*.png`, of which every sixth image of each class is kept for the test. The parts may have other names
/// in use (`val`, `Training`), the images lie deeper in their class's folder. The classes are numbered in the order of
/// their names.
///
/// Where the images stay in their files, their index is kept in the folder `indexes`.
pub(super) fn load(
    folder: &Path,
    options: FolderOptions,
    indexes: &Path,
) -> Result<ImageData, DataError> {
    check_shape(options.shape)?;
    let known = index::read(indexes, folder);
    let indexed = known.is_some();
    let found = match known {
        Some(found) => found,
        None => find(folder)?,
    };
    let pixels = options
        .shape
        .iter()
        .fold(1u64, |all, &side| all.saturating_mul(side as u64));
    let files = |part: &[Class]| -> usize { part.iter().map(|class| class.files.len()).sum() };
    let counts = [0, 1].map(|part| files(&found.parts[part]));
    let most = MOST_BYTES.min(isize::MAX as u64);
    let stream = options.stream || pixels.saturating_mul((counts[0] + counts[1]) as u64) > most;
    if stream && !indexed {
        index::write(indexes, folder, &found);
    }

    let Found {
        parts,
        mut left_out,
        ..
    } = found;
    let classes: BTreeSet<_> = parts[0].iter().map(|class| class.name.clone()).collect();
    let classes: Vec<_> = classes.into_iter().collect();
    let state = DataState {
        train: counts[0],
        test: counts[1],
        names: Some(names(&parts)),
    };
    let [train, test] = parts.map(|part| {
        let (files, labels) = labelled(folder, part, &classes)?;
        if files.is_empty() {
            return Err(none_for_test(folder));
        }
        if stream {
            let files = Files::new(folder, files, options.skip_broken);
            return ImageSet::of_files(options.shape, files, labels);
        }
        read(folder, &files, &labels, options, &mut left_out)
    });
    Ok(ImageData {
        state,
        left_out,
        ..ImageData::new(train?, test?, classes, true)
    })
}

/// SHA-256 of the sorted names of all files.
fn names(parts: &[Vec<Class>; 2]) -> String {
    let all = parts.iter().flatten().flat_map(|class| &class.files);
    let mut names: Vec<_> = all.collect();
    names.sort();
    let mut hash = Sha256::new();
    for name in names {
        digest_name(&mut hash, name);
    }
    hexadecimal(&hash.finalize())
}

/// The files of a part, and the class of each.
type Labelled = (Vec<Box<Path>>, Vec<u16>);

fn labelled(folder: &Path, part: Vec<Class>, classes: &[String]) -> Result<Labelled, DataError> {
    let (mut files, mut labels) = (Vec::new(), Vec::new());
    for class in part {
        let label = classes.binary_search(&class.name);
        let label = label.map_err(|_| DataError::Folder {
            path: folder.to_owned(),
            reason: format!(
                "the class {:?} has test images but none to train on",
                class.name
            ),
        })?;
        let label = u16::try_from(label).map_err(|_| DataError::Folder {
            path: folder.to_owned(),
            reason: format!("{} classes are more than {}", classes.len(), u16::MAX),
        })?;
        labels.resize(labels.len() + class.files.len(), label);
        files.extend(class.files);
    }
    Ok((files, labels))
}

/// Decodes all files of a part into memory.
fn read(
    folder: &Path,
    files: &[Box<Path>],
    labels: &[u16],
    options: FolderOptions,
    left_out: &mut Vec<LeftOut>,
) -> Result<ImageSet, DataError> {
    let decoded: Vec<_> = files
        .par_iter()
        .map(|file| read_image(folder.join(file), options.shape, Fit::Cover))
        .collect();
    let (mut pixels, mut used) = (Vec::new(), Vec::new());
    for (image, &label) in decoded.into_iter().zip(labels) {
        match image {
            Ok(image) => {
                pixels.extend(image);
                used.push(label);
            }
            Err(DataError::Image { path, reason }) if options.skip_broken => {
                left_out.push(LeftOut { path, reason });
            }
            Err(error) => return Err(error),
        }
    }
    if used.is_empty() {
        return Err(none_for_test(folder));
    }
    ImageSet::new(options.shape, pixels, used)
}

fn none_for_test(folder: &Path) -> DataError {
    DataError::Folder {
        path: folder.to_owned(),
        reason: format!(
            "no image is left for the test: a class needs {TEST_EVERY} images, or the folder one \
             folder `train` and one `test`"
        ),
    }
}

#[cfg(test)]
mod tests;
