//! One process at a time works on a run.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::Path;
use std::sync::Arc;

use super::error::TrainError;

/// The name of the file that is locked. It stays when the process ends, its lock does not.
pub(super) const LOCK: &str = ".lock";

/// So many bytes of a lock's file are believed to say who holds it.
const MOST_HOLDER: u64 = 64;

/// The right to work on a run, held until the last copy is dropped or the process ends, however that
/// happens.
#[derive(Debug, Clone)]
pub(super) struct RunLock {
    _file: Arc<File>,
}

impl RunLock {
    /// Takes the lock of the run in `folder`.
    ///
    /// # Errors
    /// [`TrainError::InUse`] with who holds it, or a folder that cannot be written to.
    pub(super) fn take(folder: &Path) -> Result<Self, TrainError> {
        let path = folder.join(LOCK);
        let error = |source| TrainError::io(&path, source);
        let mut options = OpenOptions::new();
        let options = options.create(true).truncate(false).read(true).write(true);
        let mut file = options.open(&path).map_err(error)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                // Who it is only serves the message.
                let _ = file.take(MOST_HOLDER).read_to_string(&mut holder);
                return Err(TrainError::InUse {
                    path: folder.to_owned(),
                    holder: holder.trim().to_owned(),
                });
            }
            // A file system without locks: there, two processes are the user's own care.
            Err(TryLockError::Error(source)) if unsupported(&source) => {}
            Err(TryLockError::Error(source)) => return Err(error(source)),
        }
        let holder = format!("process {}\n", std::process::id());
        file.set_len(0).map_err(error)?;
        file.rewind().map_err(error)?;
        file.write_all(holder.as_bytes()).map_err(error)?;
        Ok(Self {
            _file: Arc::new(file),
        })
    }
}

fn unsupported(error: &std::io::Error) -> bool {
    // ENOLCK, which has no kind of its own: a network file system whose server keeps no locks.
    const NO_LOCKS: i32 = 37;
    error.kind() == std::io::ErrorKind::Unsupported
        || cfg!(target_os = "linux") && error.raw_os_error() == Some(NO_LOCKS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_says_who_holds_it_and_the_end_of_the_first_frees_it() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let first = RunLock::take(folder.path()).expect("free");
        let copy = first.clone();
        drop(first);
        let error = RunLock::take(folder.path()).expect_err("held").to_string();
        let holder = format!("process {} is working on this run", std::process::id());
        assert!(error.contains(&holder), "{error}");
        drop(copy);
        RunLock::take(folder.path()).expect("free again");
    }
}
