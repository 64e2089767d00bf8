//! Pictures.

use std::io::Cursor;
use std::path::Path;

use image::{DynamicImage, ImageFormat, Rgb, RgbImage};
use vgg::Source;
use vgg::data::{Fit, read_image};

use super::{Seeds, Target};

const PHOTOGRAPHS: [&[u8]; 4] = [
    include_bytes!("../../../crates/vgg/tests/golden/images/turned.jpg"),
    include_bytes!("../../../crates/vgg/tests/golden/images/progressive.jpg"),
    include_bytes!("../../../crates/vgg/tests/golden/images/cmyk.jpg"),
    include_bytes!("../../../crates/vgg/tests/golden/images/animated.gif"),
];

pub fn image() -> Target {
    Target {
        name: "image",
        what: "pictures of all kinds",
        seeds: Box::new(pictures),
        read: Box::new(|bytes| {
            let name = Path::new("picture");
            let centre = Fit::CentreCrop { short_side: 36 };
            let _ = read_image(Source::named(name, bytes), [3, 32, 32], centre);
            let _ = read_image(Source::named(name, bytes), [1, 28, 28], Fit::Object);
        }),
    }
}

fn pictures() -> Seeds {
    let picture = RgbImage::from_fn(40, 30, |x, y| {
        Rgb([x as u8 * 6, y as u8 * 8, (x * y) as u8])
    });
    let picture = DynamicImage::ImageRgb8(picture);
    let mut seeds: Vec<_> = PHOTOGRAPHS.iter().map(|bytes| bytes.to_vec()).collect();
    for format in [
        ImageFormat::Png,
        ImageFormat::Jpeg,
        ImageFormat::WebP,
        ImageFormat::Bmp,
        ImageFormat::Gif,
        ImageFormat::Tiff,
    ] {
        let mut bytes = Cursor::new(Vec::new());
        picture.write_to(&mut bytes, format)?;
        seeds.push(bytes.into_inner());
    }
    Ok(seeds)
}
