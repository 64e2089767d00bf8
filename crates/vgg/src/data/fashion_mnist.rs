//! All of Fashion-MNIST: 60,000 training and 10,000 test images of clothes, 28×28, grey.
//!
//! Found in a cache folder or where Debian's package `dataset-fashion-mnist` puts it, or
//! downloaded. Whatever the source, the decompressed files must have the published contents.

use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::FASHION_MNIST_CLASSES;
use super::error::DataError;
use super::idx::{find, join, parse_idx_images, parse_idx_labels, read_maybe_gz};
use super::image_data::ImageData;
use super::image_set::ImageSet;
use crate::fetch::{Progress, Remote, fetch, hexadecimal};

/// Where the four files are downloaded from.
pub const DOWNLOAD_ADDRESS: &str =
    "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion";

/// Where Debian's package `dataset-fashion-mnist` puts the files.
const DEBIAN: &str = "/usr/share/datasets/fashion-mnist";

/// The largest of the compressed files has 26 MB.
const MOST_COMPRESSED: u64 = 64 << 20;

/// Name and SHA-256 of the decompressed contents.
struct Member {
    name: &'static str,
    sha256: &'static str,
}

const TRAIN: [Member; 2] = [
    Member {
        name: "train-images-idx3-ubyte",
        sha256: "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
    },
    Member {
        name: "train-labels-idx1-ubyte",
        sha256: "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
    },
];

const TEST: [Member; 2] = [
    Member {
        name: "t10k-images-idx3-ubyte",
        sha256: "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
    },
    Member {
        name: "t10k-labels-idx1-ubyte",
        sha256: "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
    },
];

/// The whole data set, from `cache`/fashion-mnist, from Debian's package, or downloaded from
/// `address` into the former; `progress` is called while a file arrives.
///
/// # Errors
/// No connection (the message says how to get the files by hand), or contents other than the
/// published ones.
pub fn fashion_mnist(
    cache: &Path,
    address: &str,
    progress: Progress,
) -> Result<ImageData, DataError> {
    load(
        &[cache.join("fashion-mnist"), DEBIAN.into()],
        address,
        progress,
    )
}

fn load(folders: &[PathBuf], address: &str, progress: Progress) -> Result<ImageData, DataError> {
    let mut part = |members: &[Member; 2]| -> Result<ImageSet, DataError> {
        let [(image_file, images), (label_file, labels)] = [
            contents(folders, &members[0], address, progress)?,
            contents(folders, &members[1], address, progress)?,
        ];
        let images = parse_idx_images(&image_file, &images)?;
        let labels = parse_idx_labels(&label_file, &labels, FASHION_MNIST_CLASSES.len())?;
        join((&image_file, images), (&label_file, labels))
    };
    Ok(ImageData::new(
        part(&TRAIN)?,
        part(&TEST)?,
        FASHION_MNIST_CLASSES.map(str::to_owned).to_vec(),
        true,
    ))
}

/// The file's path and decompressed contents. The first of `folders` is the cache.
fn contents(
    folders: &[PathBuf],
    member: &Member,
    address: &str,
    progress: Progress,
) -> Result<(PathBuf, Vec<u8>), DataError> {
    if let Some(path) = folders.iter().find_map(|folder| find(folder, member.name)) {
        let bytes = read_maybe_gz(&path)?;
        check(&path, &bytes, member)?;
        return Ok((path, bytes));
    }
    let file = format!("{}.gz", member.name);
    let path = folders[0].join(&file);
    let remote = Remote {
        address: &format!("{address}/{file}"),
        // Known is that of the decompressed contents.
        sha256: "",
        most: MOST_COMPRESSED,
        check: &|part| {
            let checked = read_maybe_gz(part).and_then(|bytes| check(part, &bytes, member));
            checked.map_err(|error| error.to_string())
        },
    };
    fetch(remote, &path, progress).map_err(|error| DataError::NotFound {
        name: "Fashion-MNIST",
        searched: folders.to_vec(),
        advice: format!(
            "downloading failed: {error}. Without a network, put the four files of \
             {DOWNLOAD_ADDRESS} into the first of these folders, or install Debian's package \
             dataset-fashion-mnist"
        ),
    })?;
    let bytes = read_maybe_gz(&path)?;
    Ok((path, bytes))
}

fn check(path: &Path, bytes: &[u8], member: &Member) -> Result<(), DataError> {
    let found = hexadecimal(&Sha256::digest(bytes));
    if found == member.sha256 {
        return Ok(());
    }
    Err(DataError::Checksum {
        path: path.to_owned(),
        expected: member.sha256.to_owned(),
        found,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fetch::test_server::serve;
    use flate2::{Compression, write::GzEncoder};
    use std::io::Write as _;

    const MEMBER: Member = Member {
        name: "hello",
        // of "hello"
        sha256: "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824",
    };

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).expect("in memory");
        encoder.finish().expect("in memory")
    }

    fn get(folder: &Path, address: &str) -> Result<(PathBuf, Vec<u8>), DataError> {
        contents(&[folder.to_owned()], &MEMBER, address, &mut |_, _| {})
    }

    #[test]
    fn a_download_is_checked_and_kept() {
        let cache = tempfile::tempdir().expect("a temporary folder");
        let body = gzip(b"hello");
        let address = serve(move |_| (200, body.clone(), None));
        let (path, bytes) = get(cache.path(), &address).expect("served");
        assert_eq!(
            (bytes.as_slice(), path),
            (b"hello".as_slice(), cache.path().join("hello.gz"))
        );
        // Found in the cache now: no server is asked.
        get(cache.path(), "http://127.0.0.1:9").expect("kept");
    }

    #[test]
    fn wrong_contents_are_refused_and_not_kept() {
        let cache = tempfile::tempdir().expect("a temporary folder");
        let body = gzip(b"something else");
        let address = serve(move |_| (200, body.clone(), None));
        let error = get(cache.path(), &address).expect_err("wrong").to_string();
        assert!(
            error.contains("/hello.gz: what arrived is not what is published there"),
            "{error}"
        );
        assert!(error.contains(MEMBER.sha256), "{error}");
        for kept in ["hello.gz", "hello.gz.part"] {
            assert!(!cache.path().join(kept).exists(), "{kept}");
        }

        std::fs::write(cache.path().join("hello"), "damaged").expect("written");
        let error = get(cache.path(), &address)
            .expect_err("damaged")
            .to_string();
        assert!(
            error.contains("hello: SHA-256 of its contents is "),
            "{error}"
        );
    }

    #[test]
    fn without_a_network_the_message_says_how_to_get_the_files() {
        let cache = tempfile::tempdir().expect("a temporary folder");
        let error = get(cache.path(), "http://127.0.0.1:9")
            .expect_err("no server")
            .to_string();
        assert!(
            error.starts_with("Fashion-MNIST was not found in "),
            "{error}"
        );
        assert!(
            error.contains("Without a network, put the four files of https://"),
            "{error}"
        );
        assert!(error.contains("dataset-fashion-mnist"), "{error}");
    }
}
