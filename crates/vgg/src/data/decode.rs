//! From the bytes of a picture's file to its pixels, upright.

use std::borrow::Cow;
use std::io::{Cursor, ErrorKind};
use std::path::Path;

use image::metadata::Orientation;
use image::{
    DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits, Rgb, RgbImage,
};

use super::error::DataError;
use super::jpeg;
use super::memory::{self, Reserved};
use crate::file::read_at_most;
use crate::source::Source;

/// No picture's file is larger.
const MOST_BYTES: u64 = 1 << 30;
/// So many pixels any file may claim, and as many more as a byte of one colour alone unpacks to at the most.
const PIXELS_OF_ANY: u64 = 16 << 20;
const PIXELS_OF_BYTE: u64 = 4096;
/// Fewer pixels on a side show nothing that could be recognised.
const SMALLEST_SIDE: u32 = 8;
/// Bytes that a pixel takes besides those that the decoder gives: in three colours, and once more when it is turned,
/// scaled or made grey.
const COPIES: u64 = 3 + 3;
/// Bytes of a pixel's coefficients, which a JPEG in several scans holds until the last of them.
const COEFFICIENTS: u64 = 3 * 2;

/// A picture, and the memory that is kept for it.
pub(super) struct Decoded {
    pub(super) image: RgbImage,
    _reserved: Reserved,
}

/// The bytes of a picture's file.
fn read<'a>(source: &'a Source<'_>) -> Result<Cow<'a, [u8]>, DataError> {
    let path = match source {
        Source::Path(path) => path,
        Source::Memory { bytes, .. } => return Ok(Cow::Borrowed(bytes)),
    };
    let bytes = read_at_most(path, MOST_BYTES);
    bytes.map(Cow::Owned).map_err(|error| match error.kind() {
        ErrorKind::FileTooLarge | ErrorKind::InvalidInput => {
            DataError::image(path, error.to_string())
        }
        _ => DataError::io(path, error),
    })
}

/// Decodes a picture as [`read_image`](super::read_image) says.
pub(super) fn decode(source: &Source<'_>) -> Result<Decoded, DataError> {
    decode_bytes(source.name(), &read(source)?)
}

fn decode_bytes(path: &Path, bytes: &[u8]) -> Result<Decoded, DataError> {
    let refused = |reason: String| DataError::image(path, reason);
    let broken = |error: ImageError| refused(format!("broken image: {error}"));
    let mut reader = ImageReader::new(Cursor::new(bytes))
        .with_guessed_format()
        .map_err(|source| DataError::io(path, source))?;
    let format = reader.format();
    match format {
        Some(ImageFormat::Jpeg) => {
            jpeg::check(bytes).map_err(|reason| refused(reason.to_owned()))?
        }
        Some(
            ImageFormat::Png
            | ImageFormat::WebP
            | ImageFormat::Bmp
            | ImageFormat::Gif
            | ImageFormat::Tiff,
        ) => {}
        _ => {
            let reason = "neither a PNG nor a JPEG, WebP, BMP, GIF or TIFF image";
            return Err(refused(reason.to_owned()));
        }
    }
    // The header alone is read with what the decoders allow by themselves.
    reader.no_limits();
    let mut decoder = reader.into_decoder().map_err(broken)?;
    let (width, height) = decoder.dimensions();
    if width.min(height) < SMALLEST_SIDE {
        return Err(refused(format!(
            "{width}×{height} pixels are too few; the least is {SMALLEST_SIDE}×{SMALLEST_SIDE}"
        )));
    }
    let coefficients = match format {
        Some(ImageFormat::Jpeg) if jpeg::has_scans(bytes) => COEFFICIENTS,
        _ => 0,
    };
    let each = u64::from(decoder.color_type().bytes_per_pixel()) + COPIES + coefficients;
    let pixels = u64::from(width) * u64::from(height);
    if pixels > PIXELS_OF_ANY + PIXELS_OF_BYTE * bytes.len() as u64 {
        return Err(refused(format!(
            "broken image: {} bytes cannot hold the {width}×{height} pixels that they claim",
            bytes.len()
        )));
    }
    let need = pixels.saturating_mul(each);
    let reserved = memory::reserve(need).map_err(|there| {
        refused(format!(
            "{width}×{height} pixels are too many: to decode them takes {:.1} GB of memory, there are {:.1}",
            need as f64 / 1e9,
            there as f64 / 1e9
        ))
    })?;
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(need.saturating_add(MOST_BYTES / 16));
    decoder.set_limits(limits).map_err(broken)?;
    // A file without orientation, or with one that cannot be read, is shown as it is.
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let image = DynamicImage::from_decoder(decoder).map_err(broken)?;
    let mut image = DynamicImage::ImageRgb8(flatten_alpha(image));
    image.apply_orientation(orientation);
    Ok(Decoded {
        image: image.into_rgb8(),
        _reserved: reserved,
    })
}

/// Transparent parts are shown on white.
fn flatten_alpha(image: DynamicImage) -> RgbImage {
    if !image.color().has_alpha() {
        return image.into_rgb8();
    }
    let rgba = image.into_rgba8();
    RgbImage::from_fn(rgba.width(), rgba.height(), |x, y| {
        let [r, g, b, alpha] = rgba.get_pixel(x, y).0.map(u32::from);
        Rgb([r, g, b].map(|value| ((value * alpha + 255 * (255 - alpha) + 127) / 255) as u8))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::codecs::jpeg::JpegEncoder;

    fn scene(width: u32, height: u32) -> RgbImage {
        RgbImage::from_fn(width, height, |x, y| {
            Rgb([
                (x * 7 + y * 3) as u8,
                (x * y) as u8,
                (y * 5) as u8 ^ x as u8,
            ])
        })
    }

    fn encoded(image: &RgbImage, format: ImageFormat) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        image.write_to(&mut bytes, format).expect("encodes");
        bytes.into_inner()
    }

    fn pixels(bytes: &[u8]) -> Result<Vec<u8>, String> {
        let decoded =
            decode_bytes(Path::new("picture"), bytes).map_err(|error| error.to_string())?;
        Ok(decoded.image.into_raw())
    }

    fn golden(name: &str) -> Vec<u8> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/images");
        std::fs::read(folder.join(name)).expect("a golden file")
    }

    /// Cut anywhere, a file is refused, or what is missing was no part of the picture.
    #[test]
    fn no_cut_loses_a_part_of_the_picture() {
        use ImageFormat::{Bmp, Gif, Jpeg, Png, Tiff, WebP};
        let image = scene(41, 35);
        let files = [Bmp, Gif, Jpeg, Png, Tiff, WebP]
            .map(|format| (format!("{format:?}"), encoded(&image, format)));
        let goldens = [
            "progressive.jpg",
            "photograph.jpg",
            "cmyk.jpg",
            "turned.jpg",
            "animated.gif",
            "palette.png",
        ];
        for (name, bytes) in files
            .into_iter()
            .chain(goldens.map(|name| (name.to_owned(), golden(name))))
        {
            let whole = pixels(&bytes).expect("whole");
            // Every cut near the end, where it is easily missed, and many before it.
            let step = (bytes.len() / 300).max(1);
            let early = (0..bytes.len().saturating_sub(200)).step_by(step);
            for end in early.chain(bytes.len().saturating_sub(200)..bytes.len()) {
                if let Ok(found) = pixels(&bytes[..end]) {
                    assert!(
                        found == whole,
                        "{name}: cut to {end} of {} bytes",
                        bytes.len()
                    );
                }
            }
        }
    }

    #[test]
    fn bytes_around_the_picture_do_no_harm() {
        for name in ["progressive.jpg", "photograph.jpg"] {
            let bytes = golden(name);
            let whole = pixels(&bytes).expect("whole");
            let behind = [&bytes, &b"and a film"[..], &bytes].concat();
            assert!(pixels(&behind).expect("whole") == whole);
            // Between two segments: behind the first one, of JFIF.
            let at = 4 + usize::from(u16::from_be_bytes([bytes[4], bytes[5]]));
            let between = [&bytes[..at], b"12345678", &bytes[at..]].concat();
            assert!(pixels(&between).expect("whole") == whole);
            let fill = [&bytes[..at], &[0xff; 5], &bytes[at..]].concat();
            assert!(pixels(&fill).expect("whole") == whole);
        }
    }

    #[test]
    fn a_small_file_that_claims_a_large_picture_is_refused() {
        let small = encoded(&scene(8, 8), ImageFormat::Jpeg);
        for (bytes, start) in [(small, 0xc0), (golden("progressive.jpg"), 0xc2)] {
            let frame = bytes
                .windows(2)
                .position(|pair| pair == [0xff, start])
                .expect("a frame");
            for side in [2_000u16, 10_000, u16::MAX] {
                let mut bytes = bytes.clone();
                bytes[frame + 5..frame + 7].copy_from_slice(&side.to_be_bytes());
                bytes[frame + 7..frame + 9].copy_from_slice(&side.to_be_bytes());
                let error = pixels(&bytes).expect_err("too short");
                assert!(
                    error.contains("too short for a picture of the size"),
                    "{error}"
                );
            }
        }
    }

    #[test]
    fn a_screen_without_a_picture_is_refused() {
        let gif = b"GIF89a\xd7\xb9\x8f\xb5\x00\x00\x00,\x00\x00\x00\x00\x0a\x00\x0a\x00\x00";
        let error = pixels(gif).expect_err("too short");
        assert!(
            error.contains("23 bytes cannot hold the 47575×46479 pixels"),
            "{error}"
        );
    }

    /// The EXIF segment that says nothing but the orientation.
    fn exif(orientation: u8) -> Vec<u8> {
        let tiff = [
            b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0".as_slice(),
            &[orientation, 0, 0, 0, 0, 0, 0, 0],
        ];
        [b"Exif\0\0".as_slice(), &tiff.concat()].concat()
    }

    #[test]
    fn a_picture_is_turned_upright_in_all_eight_ways() {
        let (w, h) = (24, 16);
        // A light corner at the upper left of what is stored.
        let stored = RgbImage::from_fn(w, h, |x, y| Rgb([if x < 8 && y < 8 { 250 } else { 5 }; 3]));
        let mut file = Vec::new();
        JpegEncoder::new_with_quality(&mut file, 95)
            .encode_image(&stored)
            .expect("encodes");
        // Where the corner is shown: right, low.
        let corners = [
            [0, 0],
            [1, 0],
            [1, 1],
            [0, 1],
            [0, 0],
            [1, 0],
            [1, 1],
            [0, 1],
        ];
        for (orientation, [right, low]) in (1..).zip(corners) {
            let segment = exif(orientation);
            let length = (segment.len() as u16 + 2).to_be_bytes();
            let bytes = [&file[..2], &[0xff, 0xe1], &length, &segment, &file[2..]].concat();
            let image = decode_bytes(Path::new("picture"), &bytes)
                .expect("whole")
                .image;
            let (width, height) = if orientation < 5 { (w, h) } else { (h, w) };
            assert_eq!(
                image.dimensions(),
                (width, height),
                "orientation {orientation}"
            );
            for (x, y) in [(0, 0), (1, 0), (0, 1), (1, 1)] {
                let light = image.get_pixel(x * (width - 1), y * (height - 1))[0] > 128;
                assert_eq!(
                    light,
                    [x, y] == [right, low],
                    "orientation {orientation}: {x}, {y}"
                );
            }
        }
    }

    /// Of a phone, and larger than the 100 megapixels that were once the most: a plain grey.
    #[test]
    fn a_photograph_of_108_megapixels_is_decoded() {
        let (width, height) = (12_000u16, 9_000u16);
        let mut bytes = Vec::new();
        let grey = image::GrayImage::from_pixel(8, 8, image::Luma([128]));
        JpegEncoder::new(&mut bytes)
            .encode_image(&grey)
            .expect("encodes");
        let at = |marker: u8| {
            bytes
                .windows(2)
                .position(|pair| pair == [0xff, marker])
                .expect("there")
        };
        let (frame, scan) = (at(0xc0), at(0xda));
        bytes[frame + 5..frame + 7].copy_from_slice(&height.to_be_bytes());
        bytes[frame + 7..frame + 9].copy_from_slice(&width.to_be_bytes());
        bytes.truncate(scan + 10);
        // Four blocks: 00 for "as light as the one before", 1010 for "no more of it".
        let blocks = usize::from(width / 8) * usize::from(height / 8);
        bytes.extend([0x28, 0xa2, 0x8a].repeat(blocks / 4));
        bytes.extend([0xff, 0xd9]);
        let decoded = decode_bytes(Path::new("picture"), &bytes).expect("whole");
        assert_eq!(decoded.image.dimensions(), (12_000, 9_000));
        assert_eq!(decoded.image.get_pixel(11_999, 8_999)[0], 128);
    }
}
