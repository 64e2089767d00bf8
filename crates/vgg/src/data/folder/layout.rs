//! Which folders hold the images to train on, and which those to test on.

use std::path::{Path, PathBuf};

use super::listing::{Entries, Walk};
use crate::data::error::DataError;

const TRAIN: [&str; 3] = ["train", "training", "trainset"];
/// In the order in which they are preferred: images for the choice of a network are no test where there is one.
const TEST: [&str; 7] = [
    "test",
    "testing",
    "testset",
    "val",
    "valid",
    "validation",
    "dev",
];

/// Folders that hold one folder a class.
pub(super) enum Layout {
    /// One part for the training and one for the test.
    Parts { train: PathBuf, test: PathBuf },
    /// One part for both.
    Whole(PathBuf),
}

/// Finds the parts of the data in `folder` by the names in use, in any case.
///
/// # Errors
/// Two folders of one name that differ in its case alone, or images to test on without any to train on.
pub(super) fn layout(folder: &Path, walk: &mut Walk) -> Result<Layout, DataError> {
    let Entries { folders, files } = walk.entries(folder)?;
    // As archives are unpacked: a folder in a folder.
    if let ([inner], true) = (&folders[..], files.is_empty())
        && named(&folders, &TRAIN)?.is_none()
        && holds_folders_alone(inner, walk)?
    {
        return layout(inner, walk);
    }
    let Some(train) = named(&folders, &TRAIN)? else {
        return match named(&folders, &TEST)? {
            Some(test) if folders.iter().all(|path| is_named(path, &TEST)) => {
                Err(DataError::Folder {
                    path: test,
                    reason: "there is no folder `train` beside it".to_owned(),
                })
            }
            _ => Ok(Layout::Whole(folder.to_owned())),
        };
    };
    let test = named(&folders, &TEST)?;
    let used = |path: &PathBuf| *path == train || Some(path) == test.as_ref();
    let others = || folders.iter().filter(|path| !used(path));
    match &test {
        Some(test) => {
            for path in others() {
                let reason = format!("not used: the test is {}", test.display());
                walk.leave_out(path.clone(), reason);
            }
        }
        // A class may be called so, beside others; folders of classes are not classes.
        None if others().next().is_some() || !holds_folders_alone(&train, walk)? => {
            return Ok(Layout::Whole(folder.to_owned()));
        }
        None => {}
    }
    for file in files {
        walk.leave_out(file.path, "in no class's folder");
    }
    Ok(match test {
        Some(test) => Layout::Parts { train, test },
        None => Layout::Whole(train),
    })
}

fn is_named(path: &Path, names: &[&str]) -> bool {
    let name = path
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .to_lowercase();
    names.contains(&name.as_str())
}

/// The folder with the first of `names` that is there.
fn named(folders: &[PathBuf], names: &[&str]) -> Result<Option<PathBuf>, DataError> {
    for name in names {
        let mut found = folders.iter().filter(|path| is_named(path, &[name]));
        match (found.next(), found.next()) {
            (None, _) => {}
            (Some(path), None) => return Ok(Some(path.clone())),
            (Some(path), Some(other)) => {
                return Err(DataError::Folder {
                    path: path.clone(),
                    reason: format!(
                        "{} is beside it: which of the two is meant?",
                        other.display()
                    ),
                });
            }
        }
    }
    Ok(None)
}

fn holds_folders_alone(folder: &Path, walk: &mut Walk) -> Result<bool, DataError> {
    let Entries { folders, files } = walk.entries(folder)?;
    Ok(!folders.is_empty() && files.is_empty())
}
