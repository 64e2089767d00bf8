//! Where runs go that were given no folder.

use std::path::PathBuf;

/// The first of `runs/NAME-1`, `runs/NAME-2`, … that is not there yet.
pub fn free_folder(name: &str) -> PathBuf {
    (1..)
        .map(|number| PathBuf::from(format!("runs/{name}-{number}")))
        .find(|path| !path.exists())
        .unwrap_or_default()
}
