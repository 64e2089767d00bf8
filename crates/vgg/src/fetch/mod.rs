//! A file from the network, kept in a folder: once there, no network is needed.

mod answer;
mod checksum;
mod error;
#[cfg(test)]
pub(crate) mod test_server;

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use sha2::{Digest, Sha256};

use crate::atomic::sync_folder;
use answer::{Answer, PATIENCE};
pub(crate) use checksum::hexadecimal;
pub use error::FetchError;

/// Called with the bytes that have arrived and, where the server says so, the bytes to come in
/// all.
pub type Progress<'a> = &'a mut dyn FnMut(u64, Option<u64>);

/// Where downloads are kept, and indexes of folders of images: `VGG_HOME` if it is set, else `vgg` in the platform's folder for
/// such files (`~/.cache` on Linux).
pub fn cache_folder() -> PathBuf {
    std::env::var_os("VGG_HOME")
        .map(PathBuf::from)
        .or_else(|| dirs::cache_dir().map(|folder| folder.join("vgg")))
        .unwrap_or_else(|| std::env::temp_dir().join("vgg"))
}

/// A file in the network.
#[derive(Clone, Copy)]
pub(crate) struct Remote<'a> {
    /// Where it is.
    pub(crate) address: &'a str,
    /// What the SHA-256 of its contents begins with, in hexadecimal digits; empty if unknown.
    pub(crate) sha256: &'a str,
    /// More bytes than this are refused.
    pub(crate) most: u64,
    /// Says of the file that arrived what is wrong with it: a server may answer with anything.
    pub(crate) check: &'a dyn Fn(&Path) -> Result<(), String>,
}

/// Downloads `remote` to `path`, unless it is there already. What arrived before a failure is
/// kept beside it (`.part`), and the next call goes on from there. Of several processes one
/// downloads and the others wait for it.
///
/// # Errors
/// [`FetchError::Download`]: no connection, an answer that is none, a body that is larger than `most` or shorter than
/// announced, or one of which nothing came for a while; [`FetchError::Checksum`] for other contents than published,
/// [`FetchError::Contents`] for what does not pass the check, [`FetchError::Io`] for a folder that cannot be written to.
pub(crate) fn fetch(remote: Remote, path: &Path, progress: Progress) -> Result<(), FetchError> {
    fetch_patiently(remote, path, PATIENCE, progress)
}

fn fetch_patiently(
    remote: Remote,
    path: &Path,
    patience: Duration,
    progress: Progress,
) -> Result<(), FetchError> {
    if path.is_file() {
        return Ok(());
    }
    let error = |source| FetchError::io(path, source);
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(error)?;
    // The lock ends with the process, however that ends; its empty file stays.
    let lock = beside(path, ".lock");
    let lock = File::create(&lock).map_err(|source| FetchError::io(&lock, source))?;
    lock.lock().map_err(error)?;
    if path.is_file() {
        return Ok(()); // another process was faster
    }
    let part = beside(path, ".part");
    receive(remote, &part, patience, progress)?;
    let found = sha256(&part).map_err(error)?;
    if !found.starts_with(remote.sha256) {
        fs::remove_file(&part).map_err(error)?;
        return Err(FetchError::Checksum {
            address: remote.address.to_owned(),
            expected: format!("{}…", remote.sha256),
            found,
        });
    }
    if let Err(reason) = (remote.check)(&part) {
        fs::remove_file(&part).map_err(error)?;
        return Err(FetchError::Contents {
            address: remote.address.to_owned(),
            reason,
        });
    }
    fs::rename(&part, path).map_err(error)?;
    sync_folder(folder).map_err(error)
}

/// Appends to the file `part` until it is whole.
fn receive(
    remote: Remote,
    part: &Path,
    patience: Duration,
    progress: Progress,
) -> Result<(), FetchError> {
    let error = |source| FetchError::io(part, source);
    let mut file = OpenOptions::new()
        .create(true)
        .append(true)
        .open(part)
        .map_err(error)?;
    let there = file.metadata().map_err(error)?.len();
    let mut answer = Answer::ask(remote.address, there, patience)?.at_most(remote.most)?;
    file.set_len(answer.arrived).map_err(error)?;
    let mut chunk = vec![0; 1 << 16];
    loop {
        let count = answer.read(&mut chunk, remote.most)?;
        if count == 0 {
            return file.sync_all().map_err(error);
        }
        file.write_all(&chunk[..count]).map_err(error)?;
        progress(answer.arrived, answer.length);
    }
}

/// Bytes of the file for `path` that have arrived so far.
#[cfg(feature = "pretrained")]
pub(crate) fn arrived(path: &Path) -> u64 {
    fs::metadata(beside(path, ".part")).map_or(0, |part| part.len())
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn sha256(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let (mut hash, mut chunk) = (Sha256::new(), vec![0; 1 << 16]);
    loop {
        match file.read(&mut chunk)? {
            0 => return Ok(hexadecimal(&hash.finalize())),
            count => hash.update(&chunk[..count]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::test_server::{Response, serve, serve_ranges};
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    const CONTENTS: &[u8; 600] = &[7; 600];

    fn remote(address: &str) -> Remote<'_> {
        Remote {
            address,
            sha256: &SHA256[..8],
            most: 1000,
            check: &|_| Ok(()),
        }
    }

    /// Of 600 bytes 7.
    const SHA256: &str = "f3729137ab245824f035f3a855878a52ffed858b8b01482a1d6bae6d0d9f7028";

    fn get(address: &str, path: &Path) -> Result<(), String> {
        let patience = Duration::from_millis(300);
        fetch_patiently(remote(address), path, patience, &mut |_, _| {})
            .map_err(|error| error.to_string())
    }

    fn target() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("cache/vgg.pth");
        (folder, path)
    }

    #[test]
    fn a_file_that_is_there_needs_no_network() {
        let (_folder, path) = target();
        let address = serve(|path| match path {
            "/moved" => (200, CONTENTS.to_vec(), None),
            _ => (302, vec![], None),
        });
        get(&address, &path).expect("behind a redirect");
        assert_eq!(fs::read(&path).expect("there"), CONTENTS);
        assert!(!beside(&path, ".part").exists());
        get("http://127.0.0.1:9", &path).expect("there already");
    }

    #[test]
    fn other_contents_than_published_are_thrown_away() {
        let (_folder, path) = target();
        let error = get(&serve(|_| (200, vec![8; 600], None)), &path).expect_err("another hash");
        assert!(
            error.contains(&format!("expected {}…", &SHA256[..8])),
            "{error}"
        );
        assert!(!path.exists() && !beside(&path, ".part").exists());
    }

    #[test]
    fn a_missing_file_and_a_large_one_are_errors() {
        let (_folder, path) = target();
        let error = get(&serve(|_| (404, vec![], None)), &path).expect_err("404");
        assert!(error.contains("404"), "{error}");
        let error = get(&serve(|_| (200, vec![0; 2000], None)), &path).expect_err("large");
        assert!(error.contains("2000 bytes are announced"), "{error}");
        assert!(!path.exists());
    }

    #[test]
    fn a_download_goes_on_where_it_broke_off() {
        let (_folder, path) = target();
        let address = serve_ranges(|_, start| match start {
            None => Response {
                status: 200,
                body: CONTENTS[..250].to_vec(),
                announced: Some(600),
                pause: Duration::ZERO,
            },
            Some(start) => Response {
                status: 206,
                body: CONTENTS[start..].to_vec(),
                announced: None,
                pause: Duration::ZERO,
            },
        });
        let error = get(&address, &path).expect_err("cut off");
        assert!(
            error.contains("broke off after 250 bytes") || error.contains("250 arrived"),
            "{error}"
        );
        assert_eq!(fs::read(beside(&path, ".part")).expect("kept").len(), 250);
        let mut seen = Vec::new();
        fetch(remote(&address), &path, &mut |done, all| {
            seen.push((done, all));
        })
        .expect("the rest");
        assert_eq!(seen, [(600, Some(600))]);
        assert_eq!(fs::read(&path).expect("there"), CONTENTS);
    }

    #[test]
    fn a_server_that_cannot_go_on_begins_again() {
        let (_folder, path) = target();
        fs::create_dir_all(path.parent().expect("a folder")).expect("created");
        fs::write(beside(&path, ".part"), [9; 100]).expect("written");
        get(&serve(|_| (200, CONTENTS.to_vec(), None)), &path).expect("all of it");
        assert_eq!(fs::read(&path).expect("there"), CONTENTS);

        fs::remove_file(&path).expect("removed");
        fs::write(beside(&path, ".part"), CONTENTS).expect("written");
        let address = serve_ranges(|_, start| Response {
            status: if start.is_some() { 416 } else { 200 },
            body: if start.is_some() {
                vec![]
            } else {
                CONTENTS.to_vec()
            },
            announced: None,
            pause: Duration::ZERO,
        });
        get(&address, &path).expect("all of it");
    }

    #[test]
    fn a_server_that_falls_silent_is_left() {
        let (_folder, path) = target();
        let address = serve_ranges(|_, _| Response {
            status: 200,
            body: CONTENTS[..100].to_vec(),
            announced: Some(600),
            pause: Duration::from_secs(20),
        });
        let started = std::time::Instant::now();
        let error = get(&address, &path).expect_err("silence");
        assert!(error.contains("broke off after 100 bytes"), "{error}");
        assert!(started.elapsed() < Duration::from_secs(10));
    }

    #[test]
    fn two_at_once_download_once() {
        let (_folder, path) = target();
        let requests = Arc::new(AtomicUsize::new(0));
        let counted = requests.clone();
        let address = serve(move |_| {
            counted.fetch_add(1, Ordering::SeqCst);
            std::thread::sleep(Duration::from_millis(100));
            (200, CONTENTS.to_vec(), None)
        });
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| get(&address, &path).expect("downloaded"));
            }
        });
        assert_eq!(fs::read(&path).expect("there"), CONTENTS);
        assert_eq!(requests.load(Ordering::SeqCst), 1);
    }

    /// One that says no length: the end of the connection would be the end of the file.
    #[test]
    fn a_server_that_never_ends_is_left() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = format!("http://{}", listener.local_addr().expect("bound"));
        std::thread::spawn(move || {
            for mut stream in listener.incoming().map_while(Result::ok) {
                let _ = stream.read(&mut [0; 4096]);
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
                while stream.write_all(&[7; 512]).is_ok() {}
            }
        });
        let (_folder, path) = target();
        let error = get(&address, &path).expect_err("endless");
        assert!(error.contains("more than 1000 bytes arrived"), "{error}");
    }
}
