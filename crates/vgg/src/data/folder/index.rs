//! What was found in a folder, kept in a file: a walk through a million files takes minutes where they lie on another
//! machine, at every start.
//!
//! A folder's time of change tells whether a file has come or gone in it. An index that is not that of the folder as it
//! is now, or that cannot be understood, is as good as none.

use std::borrow::Cow;
use std::fs;
use std::path::{Component, Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::classes::{Class, Found};
use crate::atomic::write_atomically;
use crate::data::image_data::LeftOut;
use crate::fetch::hexadecimal;
use crate::file::read_at_most;

/// No index is larger: ten million files.
const MOST_BYTES: u64 = 512 << 20;
/// How coarse the clocks of file systems are: after a younger change another one may bear the same time.
const TICK: Duration = Duration::from_secs(2);

/// The file.
#[derive(Serialize, Deserialize)]
struct Index<'a> {
    /// Other versions may read folders by other rules.
    version: String,
    /// The folder, without links.
    root: PathBuf,
    /// Paths within the folder, with the seconds and nanoseconds of their last change.
    folders: Vec<(PathBuf, u64, u32)>,
    parts: Cow<'a, [Vec<Class>; 2]>,
    left_out: Vec<(PathBuf, String)>,
}

/// What is in `folder` by its index among `indexes`, if there is one and nothing has changed since.
pub(super) fn read(indexes: &Path, folder: &Path) -> Option<Found> {
    let root = fs::canonicalize(folder).ok()?;
    let bytes = read_at_most(&path_of(indexes, &root), MOST_BYTES).ok()?;
    let index: Index = serde_json::from_slice(&bytes).ok()?;
    drop(bytes);
    if index.version != env!("CARGO_PKG_VERSION") || index.root != root {
        return None;
    }
    let mut folders = Vec::with_capacity(index.folders.len());
    for (name, seconds, nanoseconds) in index.folders {
        let path = folder.join(within(name)?);
        let changed = fs::metadata(&path).and_then(|metadata| metadata.modified());
        let changed = changed.ok()?;
        if since(changed)? != (seconds, nanoseconds) {
            return None;
        }
        folders.push((path, changed));
    }
    let classes = || index.parts.iter().flatten();
    let whole = classes().all(|class| !class.name.is_empty())
        && classes()
            .flat_map(|class| &class.files)
            .all(|file| is_within(file));
    if !whole || folders.is_empty() || index.parts[0].is_empty() {
        return None;
    }
    let left_out = index
        .left_out
        .into_iter()
        .map(|(path, reason)| Some(LeftOut::new(folder.join(within(path)?), reason)));
    Some(Found {
        left_out: left_out.collect::<Option<_>>()?,
        parts: index.parts.into_owned(),
        folders,
        started: SystemTime::now(),
    })
}

/// Keeps what was found in `folder` among `indexes`. A file that cannot be written, or names that are no text, cost the
/// next start another walk and are no error.
pub(super) fn write(indexes: &Path, folder: &Path, found: &Found) {
    if let Some((path, bytes)) = encoded(indexes, folder, found) {
        let _ = write_atomically(&path, &bytes);
    }
}

/// The index's path and contents, unless a folder had changed just before it was read.
fn encoded(indexes: &Path, folder: &Path, found: &Found) -> Option<(PathBuf, Vec<u8>)> {
    let root = fs::canonicalize(folder).ok()?;
    let name = |path: &Path| Some(path.strip_prefix(folder).ok()?.to_owned());
    let dated = |(path, changed): &(PathBuf, SystemTime)| {
        // In the future, or just now.
        let age = found.started.duration_since(*changed).ok()?;
        let (seconds, nanoseconds) = since(*changed)?;
        (age > TICK).then_some((name(path)?, seconds, nanoseconds))
    };
    let left_out = |left: &LeftOut| Some((name(&left.path)?, left.reason.clone()));
    let index = Index {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        folders: found.folders.iter().map(dated).collect::<Option<_>>()?,
        parts: Cow::Borrowed(&found.parts),
        left_out: found.left_out.iter().map(left_out).collect::<Option<_>>()?,
        root,
    };
    let bytes = serde_json::to_vec(&index).ok()?;
    Some((path_of(indexes, &index.root), bytes))
}

/// A name of the index of the folder at `root`.
fn path_of(indexes: &Path, root: &Path) -> PathBuf {
    let digest = hexadecimal(&Sha256::digest(root.as_os_str().as_encoded_bytes()));
    indexes.join("indexes").join(format!("{digest}.json"))
}

fn since(time: SystemTime) -> Option<(u64, u32)> {
    let since = time.duration_since(UNIX_EPOCH).ok()?;
    Some((since.as_secs(), since.subsec_nanos()))
}

/// A path that leads nowhere but into the folder.
fn within(path: PathBuf) -> Option<PathBuf> {
    is_within(&path).then_some(path)
}

fn is_within(path: &Path) -> bool {
    path.components()
        .all(|part| matches!(part, Component::Normal(_)))
}
