//! A folder of images with one folder a class.

mod layout;
mod listing;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use rayon::iter::{IntoParallelRefIterator, ParallelIterator};
use sha2::{Digest, Sha256};

use super::error::DataError;
use super::image::{Fit, read_image};
use super::image_data::{DataState, ImageData, LeftOut};
use super::image_set::ImageSet;
use crate::fetch::hexadecimal;
use layout::{Layout, layout};
use listing::{entries, pictures};

/// The most bytes of pixels that are held in memory.
const MOST_BYTES: u64 = 16 << 30;
/// Where there is one part, every image whose number is a multiple of this is kept for the test.
const TEST_EVERY: usize = 6;

/// How a folder of images is read.
#[derive(Debug, Clone, Copy)]
pub struct FolderOptions {
    /// Channels, height and width that every image is brought to.
    pub shape: [usize; 3],
    /// Leave out images that cannot be used, instead of giving up.
    pub skip_broken: bool,
}

/// Reads `folder/train/CLASS/*.png` and `folder/test/CLASS/*.png`, or, where these two folders are not there,
/// `folder/CLASS/*.png`, of which every sixth image of each class is kept for the test. The parts may have other names
/// in use (`val`, `Training`), the images lie deeper in their class's folder. The classes are numbered in the order of
/// their names.
pub(super) fn load(folder: &Path, options: FolderOptions) -> Result<ImageData, DataError> {
    let mut left_out = Vec::new();
    let parts = match layout(folder, &mut left_out)? {
        Layout::Parts { train, test } => [
            class_files(&train, &mut left_out)?,
            class_files(&test, &mut left_out)?,
        ],
        Layout::Whole(whole) => split(class_files(&whole, &mut left_out)?),
    };
    let classes: BTreeSet<_> = parts[0].iter().map(|class| class.name.clone()).collect();
    let classes: Vec<_> = classes.into_iter().collect();
    let state = state(folder, &parts);
    let [train, test] = parts.map(|part| read(folder, &part, &classes, options, &mut left_out));
    Ok(ImageData {
        state,
        left_out,
        ..ImageData::new(train?, test?, classes, true)
    })
}

fn state(folder: &Path, parts: &[Vec<Class>; 2]) -> DataState {
    let files = |part: &[Class]| -> usize { part.iter().map(|class| class.files.len()).sum() };
    let all = parts.iter().flatten().flat_map(|class| &class.files);
    let mut names: Vec<_> = all
        .map(|path| path.strip_prefix(folder).unwrap_or(path))
        .collect();
    names.sort();
    let mut hash = Sha256::new();
    for name in names {
        // No name holds a zero, and each system has its own separator.
        for part in name {
            hash.update(part.as_encoded_bytes());
            hash.update("/");
        }
        hash.update([0]);
    }
    DataState {
        train: files(&parts[0]),
        test: files(&parts[1]),
        names: Some(hexadecimal(&hash.finalize())),
    }
}

struct Class {
    name: String,
    files: Vec<PathBuf>,
}

fn class_files(folder: &Path, left_out: &mut Vec<LeftOut>) -> Result<Vec<Class>, DataError> {
    let mut classes: Vec<Class> = Vec::new();
    let entries = entries(folder)?;
    for path in entries.folders {
        let name = class_name(&path);
        let before = left_out.len();
        let files = pictures(&path, left_out)?;
        let reason = if classes.iter().any(|class| class.name == name) {
            format!("another class is called {name:?} as well")
        } else if !files.is_empty() {
            classes.push(Class { name, files });
            continue;
        } else {
            let others = match &left_out[before..] {
                [] => String::new(),
                [first, ..] => format!(
                    " (but {} others, as {})",
                    left_out.len() - before,
                    first.path.display()
                ),
            };
            format!("no PNG, JPEG, WebP, BMP, GIF or TIFF image is in it{others}")
        };
        return Err(DataError::Folder { path, reason });
    }
    left_out.extend(
        entries
            .files
            .into_iter()
            .map(|file| LeftOut::new(file, "in no class's folder")),
    );
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

/// A folder's name; bytes that are no text are written as `\xe9`, so that two names never become one.
fn class_name(folder: &Path) -> String {
    let mut name = String::new();
    for chunk in folder
        .file_name()
        .unwrap_or_default()
        .as_encoded_bytes()
        .utf8_chunks()
    {
        name.push_str(chunk.valid());
        for byte in chunk.invalid() {
            name.push_str(&format!("\\x{byte:02x}"));
        }
    }
    name
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
    left_out: &mut Vec<LeftOut>,
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
    let bytes_each = options
        .shape
        .iter()
        .fold(1u64, |all, &side| all.saturating_mul(side as u64));
    let most = MOST_BYTES.min(isize::MAX as u64);
    if bytes_each.saturating_mul(files.len() as u64) > most {
        return Err(DataError::TooMuch {
            images: files.len(),
            bytes_each,
            most,
        });
    }
    let decoded: Vec<_> = files
        .par_iter()
        .map(|(file, _)| read_image(*file, options.shape, Fit::Cover))
        .collect();
    let (mut pixels, mut labels) = (Vec::new(), Vec::new());
    for (image, (_, label)) in decoded.into_iter().zip(&files) {
        match image {
            Ok(image) => {
                pixels.extend(image);
                labels.push(*label);
            }
            Err(DataError::Image { path, reason }) if options.skip_broken => {
                left_out.push(LeftOut { path, reason });
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
    use std::fs;

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
            error.contains("cat: no PNG, JPEG, WebP, BMP, GIF or TIFF image is in it"),
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
            error.contains("03.png: neither a PNG nor a JPEG, WebP"),
            "{error}"
        );
        let skipping = FolderOptions {
            skip_broken: true,
            ..OPTIONS
        };
        let data = load(folder.path(), skipping).expect("skipped");
        assert_eq!((data.train.len(), data.state.train), (5, 6));
        assert_eq!(left_out(folder.path(), &data), ["cat/03.png"]);
    }

    /// What was left out, within the folder.
    fn left_out(folder: &Path, data: &ImageData) -> Vec<String> {
        let within = |path: &Path| {
            path.strip_prefix(folder)
                .expect("within")
                .display()
                .to_string()
        };
        let mut names: Vec<_> = data
            .left_out
            .iter()
            .map(|left| within(&left.path))
            .collect();
        names.sort();
        names
    }

    #[test]
    fn what_systems_and_tools_leave_behind_is_no_class_and_no_image() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let root = folder.path();
        images(&root.join("cat"), 7, 10);
        for hidden in [
            ".ipynb_checkpoints",
            "__MACOSX/cat",
            ".git/objects",
            "cat/.ipynb_checkpoints",
            "cat/@eaDir",
        ] {
            images(&root.join(hidden), 1, 1);
        }
        for file in [
            ".DS_Store",
            "cat/.DS_Store",
            "cat/._00.png",
            "cat/Thumbs.db",
            "cat/desktop.ini",
        ] {
            fs::write(root.join(file), "no image").expect("written");
        }
        for file in ["labels.csv", "cat/notes.txt", "cat/a.heic"] {
            fs::write(root.join(file), "of the user").expect("written");
        }
        let data = load(root, OPTIONS).expect("whole");
        assert_eq!(
            (data.classes.as_slice(), data.train.len(), data.test.len()),
            (&["cat".to_owned()][..], 6, 1)
        );
        assert_eq!(
            left_out(root, &data),
            ["cat/a.heic", "cat/notes.txt", "labels.csv"]
        );
    }

    #[test]
    fn the_parts_have_the_names_in_use() {
        for (train, test) in [
            ("train", "val"),
            ("Train", "Test"),
            ("train", "valid"),
            ("TRAINING", "Validation"),
            ("training", "testing"),
        ] {
            let folder = tempfile::tempdir().expect("a temporary folder");
            images(&folder.path().join(train).join("a"), 2, 1);
            images(&folder.path().join(test).join("a"), 1, 2);
            images(&folder.path().join("__MACOSX").join(train), 1, 2);
            let data = load(folder.path(), OPTIONS).expect("whole");
            assert_eq!(
                (data.train.len(), data.test.len()),
                (2, 1),
                "{train} and {test}"
            );
            assert_eq!(data.classes, ["a"]);
        }
    }

    #[test]
    fn a_test_is_preferred_to_a_validation_which_is_named() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        for (part, count) in [("train", 3), ("val", 2), ("test", 1)] {
            images(&folder.path().join(part).join("a"), count, 1);
        }
        let data = load(folder.path(), OPTIONS).expect("whole");
        assert_eq!((data.train.len(), data.test.len()), (3, 1));
        assert_eq!(left_out(folder.path(), &data), ["val"]);
        assert!(data.left_out[0].reason.starts_with("not used: the test is"));
    }

    #[test]
    fn folders_in_folders_are_found() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        images(&folder.path().join("flowers/train/rose/day 1/garden"), 6, 1);
        images(&folder.path().join("flowers/train/rose"), 6, 1);
        images(&folder.path().join("flowers/train/tulip"), 6, 1);
        let data = load(folder.path(), OPTIONS).expect("whole");
        assert_eq!(data.classes, ["rose", "tulip"]);
        assert_eq!((data.train.len(), data.test.len()), (15, 3));
        // Classes that are called as parts are.
        let folder = tempfile::tempdir().expect("a temporary folder");
        images(&folder.path().join("train"), 6, 1);
        images(&folder.path().join("ship"), 6, 1);
        assert_eq!(
            load(folder.path(), OPTIONS).expect("whole").classes,
            ["ship", "train"]
        );
    }

    #[test]
    fn every_kind_of_image_is_read() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let class = folder.path().join("a");
        images(&class, 1, 1);
        let image = image::RgbImage::from_pixel(10, 12, image::Rgb([10, 20, 30]));
        for ending in [
            "jpg", "jpeg", "JPG", "webp", "bmp", "gif", "tif", "TIFF", "Png",
        ] {
            image
                .save(class.join(format!("picture.{ending}")))
                .expect("saved");
        }
        fs::copy(class.join("picture.jpg"), class.join("picture.jfif")).expect("copied");
        fs::copy(class.join("picture.jpg"), class.join("picture.jpe")).expect("copied");
        let data = load(folder.path(), OPTIONS).expect("whole");
        assert_eq!((data.train.len(), data.test.len()), (10, 2));
        assert!(data.left_out.is_empty());
    }

    #[test]
    fn another_state_means_other_data() {
        let state = |names: [&str; 2], count| {
            let folder = tempfile::tempdir().expect("a temporary folder");
            for name in names {
                images(&folder.path().join(name), count, 1);
            }
            load(folder.path(), OPTIONS).expect("whole").state
        };
        let before = state(["a", "b"], 6);
        assert_eq!(before, state(["a", "b"], 6));
        assert_ne!(before, state(["a", "c"], 6));
        assert_ne!(before, state(["a", "b"], 7));
        let text = serde_json::to_string(&before).expect("serialises");
        assert_eq!(
            serde_json::from_str::<DataState>(&text).expect("parses"),
            before
        );
    }

    #[test]
    fn a_shape_that_cannot_be_is_an_error() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        images(&folder.path().join("cat"), 7, 10);
        for shape in [
            [1, 1 << 31, 1 << 33],
            [1, 1 << 20, 1 << 20],
            [3, usize::MAX, 2],
        ] {
            let options = FolderOptions { shape, ..OPTIONS };
            load(folder.path(), options).expect_err("no such shape");
        }
    }

    #[cfg(unix)]
    #[test]
    fn links_lead_nowhere_twice() {
        use std::os::unix::fs::symlink;
        let folder = tempfile::tempdir().expect("a temporary folder");
        let class = folder.path().join("cat");
        images(&class, 6, 10);
        symlink(&class, class.join("loop")).expect("linked");
        symlink("nowhere", class.join("gone.png")).expect("linked");
        symlink("/dev/zero", class.join("endless.png")).expect("linked");
        let data = load(folder.path(), OPTIONS).expect("whole");
        assert_eq!((data.train.len(), data.test.len()), (5, 1));
        assert_eq!(
            left_out(folder.path(), &data),
            ["cat/endless.png", "cat/gone.png", "cat/loop"]
        );
    }

    #[cfg(all(unix, not(target_os = "macos")))]
    #[test]
    fn names_that_are_no_text_stay_two_classes() {
        use std::ffi::OsStr;
        use std::os::unix::ffi::OsStrExt;
        let folder = tempfile::tempdir().expect("a temporary folder");
        for name in [b"caf\xe9", b"caf\xe8"] {
            images(&folder.path().join(OsStr::from_bytes(name)), 6, 1);
        }
        let data = load(folder.path(), OPTIONS).expect("whole");
        assert_eq!(data.classes, ["caf\\xe8", "caf\\xe9"]);
        // The same name as text.
        images(&folder.path().join("caf\\xe9"), 6, 1);
        let error = load(folder.path(), OPTIONS)
            .expect_err("one name")
            .to_string();
        assert!(error.contains("another class is called"), "{error}");
    }
}
