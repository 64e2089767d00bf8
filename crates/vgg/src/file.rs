//! Files that are read with a limit, and files that are there whole or not at all.

use std::fs::{self, File};
#[cfg(feature = "train")]
use std::io::Write;
use std::io::{self, ErrorKind, Read};
use std::path::Path;

/// The contents of the file at `path`, if these are at most `most` bytes.
///
/// A device is not read, which may never end, nor a named pipe, which may never begin; what the process was given
/// open (`/dev/stdin`, a shell's `<(…)`) is.
///
/// # Errors
/// What the system says; [`ErrorKind::FileTooLarge`] for more bytes, of which none are kept;
/// [`ErrorKind::InvalidInput`] for what is no file.
pub fn read_at_most(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let too_large = || {
        let reason = format!("it has more than {most} bytes, the most that is read");
        io::Error::new(ErrorKind::FileTooLarge, reason)
    };
    // Before it is opened: that alone waits at a named pipe.
    check_kind(path, &fs::metadata(path)?)?;
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    check_kind(path, &metadata)?;
    if metadata.len() > most {
        return Err(too_large());
    }
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(metadata.len() as usize)?;
    // A file may grow while it is read, and those of the system say that they are empty.
    file.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        return Err(too_large());
    }
    Ok(bytes)
}

fn check_kind(path: &Path, metadata: &fs::Metadata) -> io::Result<()> {
    let given = path == Path::new("/dev/stdin") || path.starts_with("/dev/fd");
    let found = match metadata.is_dir() {
        _ if metadata.is_file() => return Ok(()),
        true => "it is a folder, not a file",
        false if given => return Ok(()),
        false => "it is a device or a pipe, not a file",
    };
    Err(io::Error::new(ErrorKind::InvalidInput, found))
}

/// Writes `bytes` to `path` through a temporary file in the same folder, which is created where
/// it is missing: whoever reads `path`, even after a crash, finds the old contents or the new.
///
/// # Errors
/// What the system says.
#[cfg(feature = "train")]
pub fn write_atomically(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    fs::create_dir_all(folder)?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    make_readable(file.as_file())?;
    file.persist(path)?;
    sync_folder(folder)
}

/// A temporary file is its owner's alone; a finished one is as open as any other new file.
#[cfg(all(feature = "train", unix))]
fn make_readable(file: &File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(fs::Permissions::from_mode(0o644))
}

#[cfg(all(feature = "train", not(unix)))]
fn make_readable(_: &File) -> io::Result<()> {
    Ok(())
}

/// Makes a rename in `folder` last. Only Unix lets a folder be opened for that.
#[cfg(feature = "train")]
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_up_to_its_limit() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("file");
        fs::write(&path, b"12345").expect("written");
        assert_eq!(read_at_most(&path, 5).expect("short enough"), b"12345");
        let error = read_at_most(&path, 4).expect_err("too long");
        assert_eq!(error.kind(), ErrorKind::FileTooLarge);
        assert!(error.to_string().contains("more than 4 bytes"), "{error}");
        // A hole of a terabyte.
        let hole = File::create(&path).and_then(|file| file.set_len(1 << 40));
        if hole.is_ok() {
            let error = read_at_most(&path, 1 << 30).expect_err("too long");
            assert_eq!(error.kind(), ErrorKind::FileTooLarge);
        }
    }

    #[test]
    fn what_is_no_file_is_not_read() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let error = read_at_most(folder.path(), 10).expect_err("a folder");
        assert!(error.to_string().contains("a folder"), "{error}");
        read_at_most(&folder.path().join("none"), 10).expect_err("not there");
    }

    #[cfg(unix)]
    #[test]
    fn neither_a_device_nor_a_named_pipe_is_waited_for() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let pipe = folder.path().join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status();
        assert!(made.expect("mkfifo").success());
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(&pipe, &link).expect("linked");
        for path in [Path::new("/dev/zero"), &pipe, &link] {
            let error = read_at_most(path, 1 << 20).expect_err("no file");
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
        }
    }

    /// Such a file says that it is empty.
    #[cfg(target_os = "linux")]
    #[test]
    fn a_file_of_the_system_is_read() {
        let path = Path::new("/proc/self/status");
        assert!(!read_at_most(path, 1 << 20).expect("read").is_empty());
        let error = read_at_most(path, 10).expect_err("longer");
        assert_eq!(error.kind(), ErrorKind::FileTooLarge);
    }
}
