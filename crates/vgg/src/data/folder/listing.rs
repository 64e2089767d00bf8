//! What is in a folder: pictures, what is left out, and what is not for people.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

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

/// The folders and the files in a folder that are meant to be seen, in the order of their names.
pub(super) struct Entries {
    pub(super) folders: Vec<PathBuf>,
    pub(super) files: Vec<Entry>,
}

/// What is in a folder and is none.
pub(super) struct Entry {
    pub(super) path: PathBuf,
    /// It is a file or leads to one; not a device, and not a link to nowhere.
    is_file: bool,
}

/// A walk through folders: what it finds besides pictures.
#[derive(Default)]
pub(super) struct Walk {
    pub(super) left_out: Vec<LeftOut>,
    /// Every folder that was read, and when it had last changed by then.
    pub(super) folders: BTreeMap<PathBuf, SystemTime>,
}

impl Walk {
    /// Reads `folder`.
    pub(super) fn entries(&mut self, folder: &Path) -> Result<Entries, DataError> {
        let error = |source| DataError::io(folder, source);
        // Before it is read, so that what changes meanwhile is noticed later.
        let changed = fs::metadata(folder).and_then(|metadata| metadata.modified());
        self.folders
            .insert(folder.to_owned(), changed.map_err(error)?);
        let (mut folders, mut files) = (Vec::new(), Vec::new());
        for entry in fs::read_dir(folder).map_err(error)? {
            let entry = entry.map_err(error)?;
            let path = entry.path();
            if is_hidden(&path) {
                continue;
            }
            // The system tells what an entry is with its name; of a link alone it has to be asked.
            let kind = entry.file_type().map_err(error)?;
            let (is_folder, is_file) = match kind.is_symlink() {
                true => (path.is_dir(), path.is_file()),
                false => (kind.is_dir(), kind.is_file()),
            };
            match is_folder {
                true => folders.push(path),
                false => files.push(Entry { path, is_file }),
            }
        }
        folders.sort();
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(Entries { folders, files })
    }

    pub(super) fn leave_out(&mut self, path: PathBuf, reason: impl Into<String>) {
        self.left_out.push(LeftOut::new(path, reason));
    }

    /// All pictures in `folder` and the folders in it, in the order of their names. Each folder is read once, however
    /// many links lead to it.
    pub(super) fn pictures(&mut self, folder: &Path) -> Result<Vec<PathBuf>, DataError> {
        let (mut found, mut seen, mut open) = (Vec::new(), HashSet::new(), vec![folder.to_owned()]);
        while let Some(folder) = open.pop() {
            let real =
                fs::canonicalize(&folder).map_err(|source| DataError::io(&folder, source))?;
            if !seen.insert(real) {
                self.leave_out(folder, "a link to a folder that is read already");
                continue;
            }
            let entries = self.entries(&folder)?;
            for file in entries.files {
                match reason(&file) {
                    None => found.push(file.path),
                    Some(reason) => self.leave_out(file.path, reason),
                }
            }
            open.extend(entries.folders);
        }
        found.sort();
        Ok(found)
    }
}

fn is_hidden(path: &Path) -> bool {
    let name = path
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .to_lowercase();
    name.starts_with('.') || OF_THE_SYSTEM.contains(&name.as_str())
}

/// Why a file is left out.
fn reason(file: &Entry) -> Option<&'static str> {
    let ending = file
        .path
        .extension()
        .unwrap_or_default()
        .to_string_lossy()
        .to_lowercase();
    if !ENDINGS.contains(&ending.as_str()) {
        Some("no picture by its name")
    } else if !file.is_file {
        Some("no file")
    } else {
        None
    }
}
