//! Files that are read with a limit.

use std::fs::{self, File};
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
    let file = open_file(path)?;
    let metadata = file.metadata()?;
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

/// Opens the file at `path` to read parts of it.
///
/// # Errors
/// As for [`read_at_most`].
pub(crate) fn open_file(path: &Path) -> io::Result<File> {
    // Before it is opened: that alone waits at a named pipe.
    check_kind(path, &fs::metadata(path)?)?;
    let file = File::open(path)?;
    check_kind(path, &file.metadata()?)?;
    Ok(file)
}

/// Whether what is at `path` is a file, or was given to the process open.
pub(crate) fn check_kind(path: &Path, metadata: &fs::Metadata) -> io::Result<()> {
    let given = path == Path::new("/dev/stdin") || path.starts_with("/dev/fd");
    let found = match metadata.is_dir() {
        _ if metadata.is_file() => return Ok(()),
        true => "it is a folder, not a file",
        false if given => return Ok(()),
        false => "it is a device or a pipe, not a file",
    };
    Err(io::Error::new(ErrorKind::InvalidInput, found))
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
