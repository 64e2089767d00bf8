//! Files that are written whole or not at all, where the system can.

use std::fs::File;
use std::io;
use std::path::Path;

/// Writes what `write` puts into the file at `path`, which is there whole or not at all.
///
/// # Errors
/// What the system says.
#[cfg(not(target_family = "wasm"))]
pub(crate) fn write_whole(
    path: &Path,
    write: impl FnOnce(&mut File) -> io::Result<()>,
) -> io::Result<()> {
    crate::atomic::write_atomically_with(path, write)
}

/// As above; WebAssembly has no renaming.
#[cfg(target_family = "wasm")]
pub(crate) fn write_whole(
    path: &Path,
    write: impl FnOnce(&mut File) -> io::Result<()>,
) -> io::Result<()> {
    write(&mut File::create(path)?)
}
