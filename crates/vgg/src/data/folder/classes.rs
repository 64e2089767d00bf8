//! The classes of a folder, and the files of each.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::layout::{Layout, layout};
use super::listing::Walk;
use crate::data::error::DataError;
use crate::data::image_data::LeftOut;

/// Where there is one part, every image whose number is a multiple of this is kept for the test.
pub(super) const TEST_EVERY: usize = 6;

/// A class with its files, as paths within the folder.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Class {
    pub(super) name: String,
    pub(super) files: Vec<Box<Path>>,
}

/// What is in a folder.
pub(super) struct Found {
    /// Classes with the images to train on, and with those to test on.
    pub(super) parts: [Vec<Class>; 2],
    pub(super) left_out: Vec<LeftOut>,
    /// Every folder that was read, and when it had last changed by then.
    pub(super) folders: Vec<(PathBuf, SystemTime)>,
    /// When the first of them was.
    pub(super) started: SystemTime,
}

/// Looks into `folder` and the folders in it.
pub(super) fn find(folder: &Path) -> Result<Found, DataError> {
    let (started, mut walk) = (SystemTime::now(), Walk::default());
    let classes = |part: &Path, walk: &mut Walk| class_files(folder, part, walk);
    let parts = match layout(folder, &mut walk)? {
        Layout::Parts { train, test } => [classes(&train, &mut walk)?, classes(&test, &mut walk)?],
        Layout::Whole(whole) => split(classes(&whole, &mut walk)?),
    };
    Ok(Found {
        parts,
        left_out: walk.left_out,
        folders: walk.folders.into_iter().collect(),
        started,
    })
}

/// The classes of one part of the data in `root`.
fn class_files(root: &Path, part: &Path, walk: &mut Walk) -> Result<Vec<Class>, DataError> {
    let mut classes: Vec<Class> = Vec::new();
    let entries = walk.entries(part)?;
    for path in entries.folders {
        let name = class_name(&path);
        let before = walk.left_out.len();
        let files = walk.pictures(&path)?;
        let reason = if classes.iter().any(|class| class.name == name) {
            format!("another class is called {name:?} as well")
        } else if !files.is_empty() {
            let within = |file: PathBuf| file.strip_prefix(root).unwrap_or(&file).into();
            let files = files.into_iter().map(within).collect();
            classes.push(Class { name, files });
            continue;
        } else {
            let others = match &walk.left_out[before..] {
                [] => String::new(),
                [first, ..] => format!(
                    " (but {} others, as {})",
                    walk.left_out.len() - before,
                    first.path.display()
                ),
            };
            format!("no PNG, JPEG, WebP, BMP, GIF or TIFF image is in it{others}")
        };
        return Err(DataError::Folder { path, reason });
    }
    for file in entries.files {
        walk.leave_out(file.path, "in no class's folder");
    }
    if classes.is_empty() {
        return Err(DataError::Folder {
            path: part.to_owned(),
            reason: "neither one folder of images a class, nor the files of an IDX data set \
                     (train-images-idx3-ubyte, …), nor those of CIFAR-10 (data_batch_1.bin, …) \
                     are in it"
                .to_owned(),
        });
    }
    Ok(classes)
}

/// A folder's name; bytes that are no text are written as `\xe9`, so that two names never become one.
fn class_name(folder: &Path) -> String {
    let mut name = String::new();
    for chunk in folder
        .file_name()
        .unwrap_or_default()
        .as_encoded_bytes()
        .utf8_chunks()
    {
        name.push_str(chunk.valid());
        for byte in chunk.invalid() {
            name.push_str(&format!("\\x{byte:02x}"));
        }
    }
    name
}

fn split(classes: Vec<Class>) -> [Vec<Class>; 2] {
    let part = |for_test: bool| {
        let chosen = |class: &Class| Class {
            name: class.name.clone(),
            files: class
                .files
                .iter()
                .enumerate()
                .filter(|(index, _)| ((index + 1) % TEST_EVERY == 0) == for_test)
                .map(|(_, file)| file.clone())
                .collect(),
        };
        classes.iter().map(chosen).collect()
    };
    [part(false), part(true)]
}
