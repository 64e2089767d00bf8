//! Preprocessing against Pillow and torchvision: files made by scripts/preprocessing.py.

#![cfg(feature = "train")]

use std::path::{Path, PathBuf};

use vgg::data::{Fit, Preprocessing};

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
    let pixels = preprocessing.read(&picture("cmyk.jpg")).expect("whole");
    let (_, mean) = difference(&pixels, &planes(&picture("cmyk.seen.png")));
    assert!(mean < 6.0, "mean {mean}");
}

#[test]
fn what_is_no_picture_is_named() {
    for (name, expected) in [
        ("page.png", "neither a PNG nor a JPEG image"),
        ("animated.gif", "neither a PNG nor a JPEG image, but gif"),
    ] {
        let error = preprocessing()
            .read(&picture(name))
            .expect_err(expected)
            .to_string();
        assert!(error.contains(name) && error.ends_with(expected), "{error}");
    }
}
