//! A folder of images with one folder a class.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use rayon::iter::{IntoParallelRefIterator, ParallelIterator};

use super::error::DataError;
use super::image::{Fit, read_image};
use super::image_set::{ImageData, ImageSet};

/// The most bytes of pixels that are held in memory.
const MOST_BYTES: usize = 16 << 30;
/// Without folders `train` and `test`, every image whose number is a multiple of this is kept
/// for the test.
const TEST_EVERY: usize = 6;

/// How a folder of images is read.
#[derive(Debug, Clone, Copy)]
pub struct FolderOptions {
    /// Channels, height and width that every image is brought to.
    pub shape: [usize; 3],
    /// Leave out images that cannot be used, with a line on standard error for each, instead of
    /// giving up.
    pub skip_broken: bool,
}

/// Reads `folder/train/CLASS/*.png` and `folder/test/CLASS/*.png`, or, where these two folders
/// are not there, `folder/CLASS/*.png`, of which every sixth image of each class is kept for the
/// test. The classes are numbered in the order of their names.
pub(super) fn load(folder: &Path, options: FolderOptions) -> Result<ImageData, DataError> {
    let (train, test) = (folder.join("train"), folder.join("test"));
    let parts = if train.is_dir() && test.is_dir() {
        [class_files(&train)?, class_files(&test)?]
    } else {
        split(class_files(folder)?)
    };
    let classes: BTreeSet<_> = parts[0].iter().map(|class| class.name.clone()).collect();
    let classes: Vec<_> = classes.into_iter().collect();
    let [train, test] = parts.map(|part| read(folder, &part, &classes, options));
    Ok(ImageData {
        train: train?,
        test: test?,
        classes,
        mirrors: true,
    })
}

struct Class {
    name: String,
    files: Vec<PathBuf>,
}

fn class_files(folder: &Path) -> Result<Vec<Class>, DataError> {
    let mut classes = Vec::new();
    for path in entries(folder)? {
        if !path.is_dir() {
            continue;
        }
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let files: Vec<_> = entries(&path)?
            .into_iter()
            .filter(|file| is_image(file))
            .collect();
        if files.is_empty() {
            return Err(DataError::Folder {
                path,
                reason: "no PNG or JPEG image is in it".to_owned(),
            });
        }
        classes.push(Class { name, files });
    }
    if classes.is_empty() {
        return Err(DataError::Folder {
            path: folder.to_owned(),
            reason: "neither one folder of images a class, nor the files of an IDX data set \
                     (train-images-idx3-ubyte, …), nor those of CIFAR-10 (data_batch_1.bin, …) \
                     are in it"
                .to_owned(),
        });
    }
    Ok(classes)
}

/// What a folder holds, in the order of the names.
fn entries(folder: &Path) -> Result<Vec<PathBuf>, DataError> {
    let error = |source| DataError::io(folder, source);
    let mut paths = fs::read_dir(folder)
        .map_err(error)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<Vec<_>, _>>()
        .map_err(error)?;
    paths.sort();
    Ok(paths)
}

fn is_image(path: &Path) -> bool {
    let extension = path
        .extension()
        .unwrap_or_default()
        .to_string_lossy()
        .to_lowercase();
    path.is_file() && ["png", "jpg", "jpeg"].contains(&extension.as_str())
}

fn split(classes: Vec<Class>) -> [Vec<Class>; 2] {
    let part = |for_test: bool| {
        let chosen = |class: &Class| Class {
            name: class.name.clone(),
            files: class
                .files
                .iter()
                .enumerate()
                .filter(|(index, _)| ((index + 1) % TEST_EVERY == 0) == for_test)
                .map(|(_, file)| file.clone())
                .collect(),
        };
        classes.iter().map(chosen).collect()
    };
    [part(false), part(true)]
}

fn read(
    folder: &Path,
    part: &[Class],
    classes: &[String],
    options: FolderOptions,
) -> Result<ImageSet, DataError> {
    let mut files = Vec::new();
    for class in part {
        let label = classes.iter().position(|name| *name == class.name);
        let label = label.ok_or_else(|| DataError::Folder {
            path: folder.to_owned(),
            reason: format!(
                "the class {:?} has test images but none to train on",
                class.name
            ),
        })?;
        let label = u16::try_from(label).map_err(|_| DataError::Folder {
            path: folder.to_owned(),
            reason: format!("{} classes are more than {}", classes.len(), u16::MAX),
        })?;
        files.extend(class.files.iter().map(|file| (file, label)));
    }
    let bytes_each: usize = options.shape.iter().product();
    if files.len().saturating_mul(bytes_each) > MOST_BYTES {
        return Err(DataError::TooMuch {
            images: files.len(),
            bytes_each,
            most: MOST_BYTES,
        });
    }
    let decoded: Vec<_> = files
        .par_iter()
        .map(|(file, _)| read_image(file, options.shape, Fit::Cover))
        .collect();
    let (mut pixels, mut labels) = (Vec::new(), Vec::new());
    for (image, (_, label)) in decoded.into_iter().zip(&files) {
        match image {
            Ok(image) => {
                pixels.extend(image);
                labels.push(*label);
            }
            Err(error @ DataError::Image { .. }) if options.skip_broken => {
                eprintln!("skipped {error}");
            }
            Err(error) => return Err(error),
        }
    }
    if labels.is_empty() {
        return Err(DataError::Folder {
            path: folder.to_owned(),
            reason: format!(
                "no image is left for the test: a class needs {TEST_EVERY} images, \
                             or the folder one folder `train` and one `test`"
            ),
        });
    }
    ImageSet::new(options.shape, pixels, labels)
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{GrayImage, Luma};

    const OPTIONS: FolderOptions = FolderOptions {
        shape: [1, 8, 8],
        skip_broken: false,
    };

    fn images(folder: &Path, count: usize, value: u8) {
        fs::create_dir_all(folder).expect("created");
        for index in 0..count {
            let image = GrayImage::from_pixel(10, 12, Luma([value]));
            image
                .save(folder.join(format!("{index:02}.png")))
                .expect("saved");
        }
    }

    #[test]
    fn classes_are_folders_and_every_sixth_image_is_for_the_test() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        images(&folder.path().join("cat"), 7, 10);
        images(&folder.path().join("ant"), 6, 200);
        let data = load(folder.path(), OPTIONS).expect("whole");
        assert_eq!(data.classes, ["ant", "cat"]);
        assert_eq!((data.train.len(), data.test.len()), (11, 2));
        assert_eq!((data.train.label(0), data.train.pixels(0)[0]), (0, 200));
        assert_eq!((data.test.label(1), data.test.pixels(1)[0]), (1, 10));
    }

    #[test]
    fn folders_train_and_test_are_used_as_they_are() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        images(&folder.path().join("train/a"), 2, 1);
        images(&folder.path().join("test/a"), 1, 2);
        let data = load(folder.path(), OPTIONS).expect("whole");
        assert_eq!((data.train.len(), data.test.len()), (2, 1));
        images(&folder.path().join("test/b"), 1, 2);
        let error = load(folder.path(), OPTIONS).expect_err("b").to_string();
        assert!(
            error.contains("the class \"b\" has test images but none to train on"),
            "{error}"
        );
    }

    #[test]
    fn an_empty_folder_says_what_could_be_in_it() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let error = load(folder.path(), OPTIONS).expect_err("empty").to_string();
        assert!(
            error.contains("neither one folder of images a class"),
            "{error}"
        );
        fs::create_dir(folder.path().join("cat")).expect("created");
        let error = load(folder.path(), OPTIONS).expect_err("empty").to_string();
        assert!(
            error.contains("cat: no PNG or JPEG image is in it"),
            "{error}"
        );
    }

    #[test]
    fn a_broken_image_is_named_or_skipped() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        images(&folder.path().join("cat"), 7, 10);
        fs::write(folder.path().join("cat/03.png"), b"broken").expect("written");
        let error = load(folder.path(), OPTIONS)
            .expect_err("broken")
            .to_string();
        assert!(
            error.contains("03.png: neither a PNG nor a JPEG image"),
            "{error}"
        );
        let skipping = FolderOptions {
            skip_broken: true,
            ..OPTIONS
        };
        assert_eq!(
            load(folder.path(), skipping).expect("skipped").train.len(),
            5
        );
    }
}
