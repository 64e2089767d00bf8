//! Preprocessing against Pillow and torchvision: files made by scripts/preprocessing.py.

#![cfg(feature = "train")]

use std::path::{Path, PathBuf};

use vgg::data::{Fit, Preprocessing, read_scaled};

fn picture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden/images")
        .join(name)
}

/// As in scripts/preprocessing.py.
fn preprocessing() -> Preprocessing {
    Preprocessing {
        shape: [3, 56, 56],
        fit: Fit::CentreCrop { short_side: 64 },
        ..Preprocessing::imagenet()
    }
}

fn planes(path: &Path) -> Vec<u8> {
    let image = image::open(path).expect("a golden file").into_rgb8();
    let plane = |channel: usize| image.pixels().map(move |pixel| pixel[channel]);
    (0..3).flat_map(plane).collect()
}

/// The largest and the mean difference, in steps of 255.
fn difference(found: &[u8], expected: &[u8]) -> (u8, f64) {
    assert_eq!(found.len(), expected.len());
    let differences = found.iter().zip(expected).map(|(a, b)| a.abs_diff(*b));
    let sum: f64 = differences.clone().map(f64::from).sum();
    (differences.max().unwrap_or(0), sum / found.len() as f64)
}

#[test]
fn ten_kinds_of_pictures_come_out_as_torchvision_makes_them() {
    let names = [
        "landscape.png",
        "portrait.png",
        "square.png",
        "small.png",
        "strip.png",
        "grey.png",
        "palette.png",
        "alpha.png",
        "sixteen-bit.png",
        "turned.jpg",
    ];
    let read = preprocessing().read_all(&names.map(picture));
    for (name, pixels) in names.iter().zip(read) {
        let stem = name.split('.').next().expect("a name");
        let expected = planes(&picture(&format!("{stem}.expected.png")));
        let (largest, mean) = difference(&pixels.expect("whole"), &expected);
        println!("{name}: largest {largest}, mean {mean:.4}");
        assert!(
            largest < 2 && mean < 0.2,
            "{name}: largest {largest}, mean {mean}"
        );
    }
}

#[test]
fn a_cmyk_jpeg_is_seen_in_colour() {
    let preprocessing = Preprocessing {
        shape: [3, 70, 80],
        fit: Fit::Cover,
        ..Preprocessing::imagenet()
    };
    let pixels = preprocessing.read(picture("cmyk.jpg")).expect("whole");
    let (_, mean) = difference(&pixels, &planes(&picture("cmyk.seen.png")));
    assert!(mean < 6.0, "mean {mean}");
}

/// Ordinary photographs have their colours at half the size. The decoder spreads and rounds these otherwise than
/// libjpeg-turbo does.
#[test]
fn a_photograph_with_small_colours_is_seen_as_pillow_sees_it() {
    let preprocessing = Preprocessing {
        shape: [3, 113, 150],
        fit: Fit::Cover,
        ..Preprocessing::imagenet()
    };
    for stem in ["photograph", "progressive"] {
        let pixels = preprocessing
            .read(picture(&format!("{stem}.jpg")))
            .expect("whole");
        let expected = planes(&picture(&format!("{stem}.seen.png")));
        let (largest, mean) = difference(&pixels, &expected);
        println!("{stem}: largest {largest}, mean {mean:.4}");
        assert!(
            largest <= 4 && mean < 0.4,
            "{stem}: largest {largest}, mean {mean}"
        );
    }
}

#[test]
fn the_first_frame_is_taken() {
    let preprocessing = Preprocessing {
        shape: [3, 20, 20],
        fit: Fit::Cover,
        ..Preprocessing::imagenet()
    };
    let pixels = preprocessing.read(picture("animated.gif")).expect("whole");
    let seen = planes(&picture("animated.gif"));
    assert_eq!(pixels, seen);
}

/// A picture that lies on its side is scaled as it is shown.
#[test]
fn a_turned_picture_keeps_its_frame() {
    for (side, expected) in [(90, [3, 90, 60]), (180, [3, 180, 120])] {
        let (shape, pixels) = read_scaled(picture("turned.jpg"), 3, side).expect("whole");
        assert_eq!(shape, expected);
        assert_eq!(pixels.len(), expected.iter().product::<usize>());
    }
    for side in [0, usize::MAX] {
        let read = read_scaled(picture("turned.jpg"), 3, side);
        assert!(read.is_err() || side == 0, "{side}");
    }
}

#[test]
fn what_is_no_picture_is_named() {
    let error = preprocessing()
        .read(picture("page.png"))
        .expect_err("a page")
        .to_string();
    let expected = "page.png: neither a PNG nor a JPEG, WebP, BMP, GIF or TIFF image";
    assert!(error.ends_with(expected), "{error}");
}
