//! Files that are there whole or not at all.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use tempfile::{Builder, NamedTempFile};

use crate::file::check_kind;

/// Writes `bytes` to `path` through a temporary file in the same folder, which is created where
/// it is missing: whoever reads `path`, even after a crash, finds the old contents or the new.
/// What a process that was killed here left of `path` is removed.
///
/// # Errors
/// What the system says; [`io::ErrorKind::InvalidInput`] for a folder, a device or a pipe at `path`.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> io::Result<()> {
    write_atomically_with(path, |file| file.write_all(bytes))
}

/// [`write_atomically`] of what `write` puts into the file.
pub(crate) fn write_atomically_with(
    path: &Path,
    write: impl FnOnce(&mut File) -> io::Result<()>,
) -> io::Result<()> {
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    // Renaming would put a file in the place of a device.
    if let Ok(found) = fs::metadata(path) {
        check_kind(path, &found)?;
    }
    fs::create_dir_all(folder)?;
    remove_leftovers(folder, Some(path))?;
    let mut file = temporary(folder, path)?;
    write(file.as_file_mut())?;
    file.as_file().sync_all()?;
    make_readable(file.as_file())?;
    file.persist(path)?;
    sync_folder(folder)
}

/// What the name of a temporary file begins and ends with. Between them are the name of the file
/// that it becomes, a dot, and random letters.
const PREFIX: &str = ".";
const SUFFIX: &str = ".tmp";
/// How many random letters there are.
const LETTERS: usize = 8;
/// A longer name is not repeated: file systems allow 255 bytes.
const LONGEST_NAME: usize = 200;

/// What stands for `target` in the names of its temporary files.
fn label(target: &Path) -> &OsStr {
    let name = target.file_name().unwrap_or_default();
    match name.len() {
        0..=LONGEST_NAME => name,
        _ => OsStr::new("long"),
    }
}

/// A temporary file for `target` in `folder`, locked as long as it is open.
fn temporary(folder: &Path, target: &Path) -> io::Result<NamedTempFile> {
    let prefix: OsString = [OsStr::new(PREFIX), label(target), OsStr::new(".")]
        .into_iter()
        .collect();
    loop {
        let file = Builder::new()
            .prefix(&prefix)
            .suffix(SUFFIX)
            .rand_bytes(LETTERS)
            .tempfile_in(folder)?;
        // Where there are no locks, no file is ever taken for a leftover.
        if file.as_file().try_lock().is_err() || file.path().exists() {
            return Ok(file);
        }
        // Another process took it for a leftover in the moment before it was locked.
    }
}

/// Removes the temporary files in `folder` whose process is dead: those of `target`, or of all
/// files. A living process holds a lock on its own.
pub(crate) fn remove_leftovers(folder: &Path, target: Option<&Path>) -> io::Result<()> {
    let target = target.map(label).map(OsStr::as_encoded_bytes);
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let is_meant = target_of(entry.file_name().as_encoded_bytes())
            .is_some_and(|found| target.is_none_or(|target| found == target));
        // One that is gone meanwhile, or that is another user's, is none of ours.
        if is_meant && File::open(entry.path()).is_ok_and(|file| file.try_lock().is_ok()) {
            let _ = fs::remove_file(entry.path());
        }
    }
    Ok(())
}

/// Whether a file of this name is a temporary one.
#[cfg(feature = "train")]
pub(crate) fn is_leftover(name: &OsStr) -> bool {
    target_of(name.as_encoded_bytes()).is_some()
}

/// The [`label`] in the name of a temporary file; `None` for the name of another file.
fn target_of(name: &[u8]) -> Option<&[u8]> {
    let inner = name.strip_prefix(PREFIX.as_bytes())?;
    let inner = inner.strip_suffix(SUFFIX.as_bytes())?;
    let (label, letters) = inner.split_at_checked(inner.len().checked_sub(LETTERS)?)?;
    let label = label.strip_suffix(b".")?;
    let are_random = letters.iter().all(u8::is_ascii_alphanumeric);
    (are_random && !label.is_empty()).then_some(label)
}

/// A temporary file is its owner's alone; a finished one is as open as any other new file.
#[cfg(unix)]
fn make_readable(file: &File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn make_readable(_: &File) -> io::Result<()> {
    Ok(())
}

/// Makes a rename in `folder` last. Only Unix lets a folder be opened for that.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).expect("a folder");
        let name = |entry: io::Result<fs::DirEntry>| {
            let name = entry.expect("an entry").file_name();
            name.into_string().expect("ASCII")
        };
        let mut names: Vec<_> = entries.map(name).collect();
        names.sort();
        names
    }

    #[test]
    fn what_a_dead_process_left_is_removed_and_nothing_else() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("weights");
        let at_work = temporary(folder.path(), &path).expect("created");
        let living = at_work.path().file_name().expect("a name").to_owned();
        for name in [
            ".weights.abcdefgh.tmp",
            ".other.abcdefgh.tmp",
            ".weights.tmp",
            "weights.abcdefgh.tmp",
            ".tmpabcdef",
        ] {
            let _ = fs::write(folder.path().join(name), "half");
        }
        write_atomically(&path, b"whole").expect("written");
        let mut expected = vec![
            living.into_string().expect("ASCII"),
            ".other.abcdefgh.tmp".to_owned(),
            ".weights.tmp".to_owned(),
            "weights.abcdefgh.tmp".to_owned(),
            ".tmpabcdef".to_owned(),
            "weights".to_owned(),
        ];
        expected.sort();
        assert_eq!(names(folder.path()), expected);
        remove_leftovers(folder.path(), None).expect("read");
        assert!(!folder.path().join(".other.abcdefgh.tmp").exists());
        assert!(at_work.path().exists());
    }

    #[cfg(unix)]
    #[test]
    fn neither_a_pipe_nor_a_folder_is_replaced_by_a_file() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let pipe = folder.path().join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status();
        assert!(made.expect("mkfifo").success());
        for path in [&pipe, folder.path()] {
            let error = write_atomically(path, b"").expect_err("no file");
            assert_eq!(error.kind(), io::ErrorKind::InvalidInput, "{error}");
        }
        assert_eq!(names(folder.path()), ["pipe"]);
    }

    #[test]
    fn a_failed_write_leaves_the_old_contents_and_nothing_beside_them() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("a".repeat(255));
        write_atomically(&path, b"old").expect("written");
        let error = write_atomically_with(&path, |file| {
            file.write_all(b"new")?;
            Err(io::Error::other("the disk is full"))
        });
        error.expect_err("refused");
        assert_eq!(fs::read(&path).expect("there"), b"old");
        assert_eq!(names(folder.path()).len(), 1);
    }
}
