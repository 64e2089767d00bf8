//! The binary version of CIFAR-10: records of one label and 3×32×32 pixels.

use std::path::{Path, PathBuf};

use super::error::DataError;
use super::idx::check_labels;
use super::image_data::ImageData;
use super::image_set::ImageSet;
use crate::file::read_at_most;

/// Bytes of one image: red, green and blue planes of 32×32.
const PIXELS: usize = 3 * 32 * 32;
/// No file of this family is larger; the published ones have 31 MB.
const MOST_BYTES: u64 = 1 << 30;
/// The classes in the order of their labels, as in `batches.meta.txt`.
const CLASSES: [&str; 10] = [
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
];

/// Whether `folder` holds CIFAR-10 in its binary version.
pub(super) fn is_cifar10_folder(folder: &Path) -> bool {
    folder.join("data_batch_1.bin").is_file()
}

/// Reads `data_batch_1.bin` to `data_batch_5.bin` and `test_batch.bin`.
pub(super) fn load(folder: &Path) -> Result<ImageData, DataError> {
    let batches: Vec<_> = (1..=5)
        .map(|n| folder.join(format!("data_batch_{n}.bin")))
        .collect();
    Ok(ImageData::new(
        read(&batches)?,
        read(&[folder.join("test_batch.bin")])?,
        CLASSES.map(str::to_owned).to_vec(),
        true,
    ))
}

fn read(paths: &[PathBuf]) -> Result<ImageSet, DataError> {
    let (mut pixels, mut labels) = (Vec::new(), Vec::new());
    for path in paths {
        let bytes = read_at_most(path, MOST_BYTES).map_err(|source| DataError::io(path, source))?;
        if bytes.is_empty() || !bytes.len().is_multiple_of(PIXELS + 1) {
            return Err(DataError::Length {
                path: path.clone(),
                expected: format!("a multiple of {}", PIXELS + 1),
                why: "for records of a label and 3×32×32 pixels".to_owned(),
                found: bytes.len().to_string(),
            });
        }
        let mut own = Vec::with_capacity(bytes.len() / (PIXELS + 1));
        for record in bytes.chunks_exact(PIXELS + 1) {
            own.push(record[0]);
            pixels.extend_from_slice(&record[1..]);
        }
        check_labels(path, &own, CLASSES.len())?;
        labels.extend(own.into_iter().map(u16::from));
    }
    ImageSet::new([3, 32, 32], pixels, labels)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn folder(records: usize, label: u8) -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut record = vec![3; PIXELS + 1];
        record[0] = label;
        let names = (1..=5).map(|n| format!("data_batch_{n}.bin"));
        for name in names.chain(["test_batch.bin".to_owned()]) {
            fs::write(folder.path().join(name), record.repeat(records)).expect("written");
        }
        folder
    }

    #[test]
    fn five_batches_are_one_set() {
        let folder = folder(2, 9);
        let data = load(folder.path()).expect("whole");
        assert_eq!((data.train.len(), data.test.len()), (10, 2));
        assert_eq!((data.train.shape(), data.train.label(9)), ([3, 32, 32], 9));
    }

    #[test]
    fn a_cut_batch_is_named() {
        let folder = folder(2, 0);
        let path = folder.path().join("data_batch_3.bin");
        fs::write(&path, vec![0; PIXELS]).expect("written");
        let error = load(folder.path()).expect_err("cut").to_string();
        assert!(
            error.contains("data_batch_3.bin: a multiple of 3073 bytes expected"),
            "{error}"
        );
        assert!(error.ends_with("found 3072"), "{error}");
    }

    #[test]
    fn a_label_out_of_range_is_shown() {
        let error = load(folder(1, 10).path()).expect_err("10").to_string();
        assert!(
            error.ends_with("label 10 of image 0 is not below 10"),
            "{error}"
        );
    }

    #[cfg(unix)]
    #[test]
    fn a_batch_that_never_ends_is_not_read() {
        let folder = folder(2, 0);
        let path = folder.path().join("data_batch_3.bin");
        fs::remove_file(&path).expect("there");
        std::os::unix::fs::symlink("/dev/zero", &path).expect("linked");
        let error = load(folder.path()).expect_err("endless").to_string();
        assert!(
            error.contains("data_batch_3.bin: it is a device"),
            "{error}"
        );
        fs::remove_file(&path).expect("there");
        fs::File::create(&path)
            .and_then(|file| file.set_len(1 << 40))
            .expect("a hole");
        let error = load(folder.path()).expect_err("too long").to_string();
        assert!(
            error.contains("data_batch_3.bin: it has more than 1073741824 bytes"),
            "{error}"
        );
    }
}
