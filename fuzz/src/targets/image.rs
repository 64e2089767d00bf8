//! Pictures.

use std::error::Error;
use std::io::Cursor;
use std::path::Path;

use image::{DynamicImage, ImageFormat, Rgb, RgbImage};
use vgg::data::{Fit, decode_image};

use super::Target;

const PHOTOGRAPH: &[u8] = include_bytes!("../../../crates/vgg/tests/golden/images/turned.jpg");

pub fn image() -> Target {
    Target {
        name: "image",
        what: "pictures of all kinds",
        seeds,
        read: Box::new(|bytes| {
            let name = Path::new("picture");
            let centre = Fit::CentreCrop { short_side: 36 };
            let _ = decode_image(name, bytes, [3, 32, 32], centre);
            let _ = decode_image(name, bytes, [1, 28, 28], Fit::Object);
        }),
    }
}

fn seeds() -> Result<Vec<Vec<u8>>, Box<dyn Error>> {
    let picture = RgbImage::from_fn(40, 30, |x, y| {
        Rgb([x as u8 * 6, y as u8 * 8, (x * y) as u8])
    });
    let picture = DynamicImage::ImageRgb8(picture);
    let mut seeds = vec![PHOTOGRAPH.to_vec()];
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
