//! What is in a folder: pictures, what is left out, and what is not for people.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::data::error::DataError;
use crate::data::image_data::LeftOut;

/// The endings of the names of pictures, in any case.
const ENDINGS: [&str; 10] = [
    "png", "jpg", "jpeg", "jpe", "jfif", "webp", "bmp", "gif", "tif", "tiff",
];
/// What systems put into folders for themselves, in any case, besides what begins with a point.
const OF_THE_SYSTEM: [&str; 10] = [
    "__macosx",
    "__pycache__",
    "thumbs.db",
    "ehthumbs.db",
    "desktop.ini",
    "icon\r",
    "$recycle.bin",
    "system volume information",
    "@eadir",
    "lost+found",
];

/// The folders and the files in `folder` that are meant to be seen, in the order of their names.
pub(super) struct Entries {
    pub(super) folders: Vec<PathBuf>,
    pub(super) files: Vec<PathBuf>,
}

pub(super) fn entries(folder: &Path) -> Result<Entries, DataError> {
    let error = |source| DataError::io(folder, source);
    let mut paths = fs::read_dir(folder)
        .map_err(error)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<Vec<_>, _>>()
        .map_err(error)?;
    paths.retain(|path| !is_hidden(path));
    paths.sort();
    let (folders, files) = paths.into_iter().partition(|path| path.is_dir());
    Ok(Entries { folders, files })
}

fn is_hidden(path: &Path) -> bool {
    let name = path
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .to_lowercase();
    name.starts_with('.') || OF_THE_SYSTEM.contains(&name.as_str())
}

/// All pictures in `folder` and the folders in it, in the order of their names. Each folder is read once, however many
/// links lead to it.
pub(super) fn pictures(
    folder: &Path,
    left_out: &mut Vec<LeftOut>,
) -> Result<Vec<PathBuf>, DataError> {
    let (mut found, mut seen, mut open) = (Vec::new(), HashSet::new(), vec![folder.to_owned()]);
    while let Some(folder) = open.pop() {
        let real = fs::canonicalize(&folder).map_err(|source| DataError::io(&folder, source))?;
        if !seen.insert(real) {
            left_out.push(LeftOut::new(
                folder,
                "a link to a folder that is read already",
            ));
            continue;
        }
        let entries = entries(&folder)?;
        for file in entries.files {
            match reason(&file) {
                None => found.push(file),
                Some(reason) => left_out.push(LeftOut::new(file, reason)),
            }
        }
        open.extend(entries.folders);
    }
    found.sort();
    Ok(found)
}

/// Why a file is left out.
fn reason(path: &Path) -> Option<&'static str> {
    let ending = path
        .extension()
        .unwrap_or_default()
        .to_string_lossy()
        .to_lowercase();
    if !ENDINGS.contains(&ending.as_str()) {
        Some("no picture by its name")
    } else if !path.is_file() {
        Some("no file")
    } else {
        None
    }
}
