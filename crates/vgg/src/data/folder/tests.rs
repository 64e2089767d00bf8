//! What is read of a folder, and what is not.

use super::*;
use image::{GrayImage, Luma};
use std::fs;

const OPTIONS: FolderOptions = FolderOptions {
    shape: [1, 8, 8],
    skip_broken: false,
    stream: false,
};

/// With the indexes where no picture is looked for.
fn load(folder: &Path, options: FolderOptions) -> Result<ImageData, DataError> {
    super::load(folder, options, &folder.join(".indexes"))
}

fn images(folder: &Path, count: usize, value: u8) {
    fs::create_dir_all(folder).expect("created");
    for index in 0..count {
        let image = GrayImage::from_pixel(10, 12, Luma([value]));
        image
            .save(folder.join(format!("{index:02}.png")))
            .expect("saved");
    }
}

fn pixel(set: &ImageSet, index: usize) -> u8 {
    set.pixels(index).expect("whole")[0]
}

#[test]
fn classes_are_folders_and_every_sixth_image_is_for_the_test() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    images(&folder.path().join("cat"), 7, 10);
    images(&folder.path().join("ant"), 6, 200);
    let data = load(folder.path(), OPTIONS).expect("whole");
    assert_eq!(data.classes, ["ant", "cat"]);
    assert_eq!((data.train.len(), data.test.len()), (11, 2));
    assert_eq!((data.train.label(0), pixel(&data.train, 0)), (0, 200));
    assert_eq!((data.test.label(1), pixel(&data.test, 1)), (1, 10));
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

const STREAMED: FolderOptions = FolderOptions {
    stream: true,
    ..OPTIONS
};

/// Makes a folder's last change, and those of the folders in it, lie back so far that its index is kept.
#[cfg(unix)]
fn age(folder: &Path) {
    let time = std::time::SystemTime::now() - std::time::Duration::from_secs(60);
    for entry in fs::read_dir(folder).expect("read") {
        let path = entry.expect("read").path();
        if path.is_dir() {
            age(&path);
        }
    }
    let folder = fs::File::open(folder).expect("opened");
    folder.set_modified(time).expect("changed");
}

#[test]
fn a_streamed_set_is_that_in_memory() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (class, value) in [("cat", 10), ("ant", 200)] {
        images(&folder.path().join(class), 13, value);
    }
    let memory = load(folder.path(), OPTIONS).expect("whole");
    let files = load(folder.path(), STREAMED).expect("whole");
    assert_eq!(
        (&memory.classes, &memory.state),
        (&files.classes, &files.state)
    );
    for (memory, files) in [(memory.train, files.train), (memory.test, files.test)] {
        assert!(files.is_streamed() && !memory.is_streamed());
        let few = |set: &ImageSet| set.clone().limited(3).expect("some");
        for (memory, files) in [(few(&memory), few(&files)), (memory, files)] {
            assert_eq!(memory.len(), files.len());
            for index in 0..memory.len() {
                assert_eq!(memory.label(index), files.label(index));
                assert_eq!(
                    memory.pixels(index).expect("whole"),
                    files.pixels(index).expect("whole")
                );
            }
        }
    }
}

#[test]
fn a_streamed_set_names_a_broken_file_when_it_is_asked_for() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    images(&folder.path().join("cat"), 7, 10);
    fs::write(folder.path().join("cat/03.png"), b"broken").expect("written");
    let data = load(folder.path(), STREAMED).expect("not read yet");
    let error = data.train.pixels(3).expect_err("broken").to_string();
    assert!(error.contains("03.png: neither a PNG"), "{error}");
    // Figures of the whole are measured over the others, where these are passed over.
    crate::data::Normalization::measure(&data.train).expect_err("broken");
    let skipping = FolderOptions {
        skip_broken: true,
        ..STREAMED
    };
    let data = load(folder.path(), skipping).expect("not read yet");
    let measured = crate::data::Normalization::measure(&data.train).expect("others");
    assert!((measured.mean[0] - 10.0 / 255.0).abs() < 1e-6);
}

#[cfg(unix)]
#[test]
fn an_index_is_used_until_something_changes() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (root, indexes) = (
        folder.path().join("pictures"),
        folder.path().join("indexes"),
    );
    images(&root.join("train/cat/deep"), 7, 10);
    images(&root.join("test/cat"), 2, 10);
    let counts = || {
        let data = super::load(&root, STREAMED, &indexes).expect("whole");
        (data.train.len(), data.test.len(), data.left_out.len())
    };
    // What has changed just now may change again without a trace.
    assert_eq!(counts(), (7, 2, 0));
    assert!(index::read(&indexes, &root).is_none());
    fs::write(root.join("train/cat/notes.txt"), "no picture").expect("written");
    age(&root);
    assert_eq!(counts(), (7, 2, 1));
    let walked = find(&root).expect("walked");
    let known = index::read(&indexes, &root).expect("an index");
    assert_eq!(
        (&known.parts, &known.left_out),
        (&walked.parts, &walked.left_out)
    );
    // Its contents are what counts now.
    let path = fs::read_dir(indexes.join("indexes")).expect("there").next();
    let path = path.expect("one").expect("read").path();
    let text = fs::read_to_string(&path).expect("text");
    let other = text.replace("train/cat/deep/00.png", "train/cat/deep/99.png");
    fs::write(&path, other).expect("written");
    let data = super::load(&root, STREAMED, &indexes).expect("by its index");
    data.train.pixels(0).expect_err("no such file");
    // A file that comes or goes anywhere is noticed.
    images(&root.join("train/cat/deep"), 8, 10);
    assert_eq!(counts(), (8, 2, 1));
    age(&root);
    assert_eq!(counts(), (8, 2, 1));
    fs::remove_file(root.join("test/cat/01.png")).expect("removed");
    assert_eq!(counts(), (8, 1, 1));
}

#[cfg(unix)]
#[test]
fn a_bad_index_is_as_good_as_none() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (root, indexes) = (
        folder.path().join("pictures"),
        folder.path().join("indexes"),
    );
    images(&root.join("cat"), 12, 10);
    age(&root);
    super::load(&root, STREAMED, &indexes).expect("whole");
    let path = fs::read_dir(indexes.join("indexes")).expect("there").next();
    let path = path.expect("one").expect("read").path();
    let text = fs::read_to_string(&path).expect("text");
    let replaced = |from: &str, to: &str| {
        let other = text.replace(from, to);
        assert_ne!(other, text, "{from}");
        other.into_bytes()
    };
    let real = fs::canonicalize(&root).expect("there");
    for bad in [
        Vec::new(),
        text.as_bytes()[..text.len() / 2].to_vec(),
        vec![0xff; 1000],
        replaced(env!("CARGO_PKG_VERSION"), "0.0.1"),
        replaced(&real.display().to_string(), "/elsewhere"),
        replaced("cat/00.png", "../../00.png"),
        replaced("cat/00.png", "/etc/passwd"),
        br#"{"version":"0.2.0","root":"/","folders":[],"parts":[[],[]],"left_out":[]}"#.to_vec(),
        b"[[[[[[[[[[[[[[[[".repeat(1000),
    ] {
        fs::write(&path, &bad).expect("written");
        assert!(
            index::read(&indexes, &root).is_none(),
            "{:?}",
            String::from_utf8_lossy(&bad)
        );
        let data = super::load(&root, STREAMED, &indexes).expect("walked again");
        assert_eq!((data.train.len(), data.test.len()), (10, 2));
        // It is written anew.
        assert!(index::read(&indexes, &root).is_some());
    }
    // A byte here and there: another name of a file at most, and nothing outside of the folder.
    for at in (0..text.len()).step_by(3) {
        let mut bad = text.clone().into_bytes();
        bad[at] ^= 1 << (at % 8);
        fs::write(&path, &bad).expect("written");
        if let Some(found) = index::read(&indexes, &root) {
            let files = found.parts.iter().flatten().flat_map(|class| &class.files);
            assert!(
                files
                    .into_iter()
                    .all(|file| !file.has_root() && !file.starts_with(".."))
            );
        }
    }
    fs::remove_file(&path).expect("removed");
    // Where none can be written the folder is read all the same.
    super::load(&root, STREAMED, &root.join("cat/00.png")).expect("whole");
}
