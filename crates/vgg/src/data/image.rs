//! From an image file of any size to the pixels of one size that a network takes.

use std::fs;
use std::io::Cursor;
use std::path::Path;

use burn::config::Config;
use image::imageops::{self, FilterType};
use image::metadata::Orientation;
use image::{DynamicImage, GrayImage, ImageDecoder, ImageFormat, ImageReader, Luma, Rgb, RgbImage};

use super::error::DataError;
use super::resize::{Pixels, centre, resize, short_side_to};

/// Images of more pixels are refused before they are decoded: 100 megapixels take 400 MB.
const MOST_PIXELS: u64 = 100_000_000;
/// Fewer pixels on a side show nothing that could be recognised.
const SMALLEST_SIDE: u32 = 8;
/// How far from the background's brightness a pixel has to be to belong to the object.
const CONTRAST: u8 = 24;

/// How an image of another shape is brought to the network's.
#[derive(Config, Debug, PartialEq, Eq, Copy)]
pub enum Fit {
    /// Scale until the frame is covered and cut off what sticks out: for photographs.
    Cover,
    /// Trim the plain margin, scale the object into the frame and centre it on the background,
    /// as the images of Fashion-MNIST were made
    /// ([Xiao et al. 2017](https://arxiv.org/abs/1708.07747), section 2).
    Object,
    /// Scale the short side to so many pixels and cut the frame out of the middle, exactly as
    /// torchvision does for published networks. A frame that is larger than that is covered.
    CentreCrop {
        /// Pixels of the short side.
        short_side: usize,
    },
}

/// Reads the image at `path` (PNG or JPEG): see [`decode_image`].
///
/// # Errors
/// A file that cannot be read, and the errors of [`decode_image`].
pub fn read_image(path: &Path, shape: [usize; 3], fit: Fit) -> Result<Vec<u8>, DataError> {
    let bytes = fs::read(path).map_err(|source| DataError::io(path, source))?;
    decode_image(path, &bytes, shape, fit)
}

/// Decodes a PNG or JPEG to `shape` (channels, height, width): values 0 to 255 in the order
/// channel, row, column. One channel is the luminance. Transparent parts are shown on white,
/// and an orientation in EXIF is applied.
/// Scaling is a triangle filter over the whole footprint of each output pixel. `path` is for
/// messages only.
///
/// # Errors
/// An image that is broken, of another format, smaller than 8×8 or larger than 100 megapixels
/// (said before it is decoded), or a `shape` with neither one nor three channels.
pub fn decode_image(
    path: &Path,
    bytes: &[u8],
    shape: [usize; 3],
    fit: Fit,
) -> Result<Vec<u8>, DataError> {
    let [channels, height, width] = shape;
    let image = flatten_alpha(decode(path, bytes)?);
    let size = [width as u32, height as u32];
    if let Fit::CentreCrop { short_side } = fit
        && matches!(channels, 1 | 3)
    {
        return centre_crop(path, image, shape, short_side);
    }
    match channels {
        1 => {
            let grey = DynamicImage::ImageRgb8(image).into_luma8();
            Ok(fit_grey(grey, size, fit).into_raw())
        }
        3 => {
            let fitted = fit_colour(image, size, fit);
            let plane = |channel: usize| fitted.pixels().map(move |pixel| pixel[channel]);
            Ok((0..3).flat_map(plane).collect())
        }
        _ => Err(DataError::Invalid(format!(
            "an image file gives 1 or 3 channels, the network takes {channels}"
        ))),
    }
}

/// [`Fit::CentreCrop`].
fn centre_crop(
    path: &Path,
    image: RgbImage,
    [channels, height, width]: [usize; 3],
    short_side: usize,
) -> Result<Vec<u8>, DataError> {
    let (w, h) = (image.width() as usize, image.height() as usize);
    let [scaled_height, scaled_width] = short_side_to(short_side.max(width).max(height), w, h);
    if (scaled_height as u64).saturating_mul(scaled_width as u64) > MOST_PIXELS {
        let reason = format!(
            "{w}×{h} pixels are too long a strip: scaled it would have {scaled_width}×{scaled_height}"
        );
        return Err(DataError::image(path, reason));
    }
    let values = match channels {
        1 => DynamicImage::ImageRgb8(image).into_luma8().into_raw(),
        _ => image.into_raw(),
    };
    let pixels = Pixels {
        values,
        width: w,
        height: h,
        channels,
    };
    let fitted = centre(&resize(pixels, scaled_width, scaled_height), width, height);
    let plane = |channel: usize| {
        fitted
            .values
            .iter()
            .skip(channel)
            .step_by(channels)
            .copied()
    };
    Ok((0..channels).flat_map(plane).collect())
}

fn decode(path: &Path, bytes: &[u8]) -> Result<DynamicImage, DataError> {
    let broken =
        |error: image::ImageError| DataError::image(path, format!("broken image: {error}"));
    let reader = ImageReader::new(Cursor::new(bytes))
        .with_guessed_format()
        .map_err(|source| DataError::io(path, source))?;
    match reader.format() {
        Some(ImageFormat::Png | ImageFormat::Jpeg) => {}
        Some(other) => {
            let name = other.extensions_str().first().unwrap_or(&"other");
            let reason = format!("neither a PNG nor a JPEG image, but {name}");
            return Err(DataError::image(path, reason));
        }
        None => return Err(DataError::image(path, "neither a PNG nor a JPEG image")),
    }
    let mut decoder = reader.into_decoder().map_err(broken)?;
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > MOST_PIXELS {
        let reason = format!("{width}×{height} pixels are too many; the most is {MOST_PIXELS}");
        return Err(DataError::image(path, reason));
    }
    if width.min(height) < SMALLEST_SIDE {
        let reason = format!(
            "{width}×{height} pixels are too few; the least is {SMALLEST_SIDE}×{SMALLEST_SIDE}"
        );
        return Err(DataError::image(path, reason));
    }
    // A file without orientation, or with one that cannot be read, is shown as it is.
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let mut image = DynamicImage::from_decoder(decoder).map_err(broken)?;
    image.apply_orientation(orientation);
    Ok(image)
}

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

fn fit_colour(image: RgbImage, [width, height]: [u32; 2], fit: Fit) -> RgbImage {
    if image.dimensions() == (width, height) {
        return image;
    }
    match fit {
        Fit::Cover | Fit::CentreCrop { .. } => DynamicImage::ImageRgb8(image)
            .resize_to_fill(width, height, FilterType::Triangle)
            .into_rgb8(),
        Fit::Object => {
            let grey = imageops::grayscale(&image);
            let [x, y, w, h] = object(&grey);
            let background = *image.get_pixel(0, 0);
            let part = imageops::crop_imm(&image, x, y, w, h).to_image();
            let part = DynamicImage::ImageRgb8(part)
                .resize(width, height, FilterType::Triangle)
                .into_rgb8();
            centred(&part, RgbImage::from_pixel(width, height, background))
        }
    }
}

fn fit_grey(image: GrayImage, [width, height]: [u32; 2], fit: Fit) -> GrayImage {
    if image.dimensions() == (width, height) {
        return image;
    }
    match fit {
        Fit::Cover | Fit::CentreCrop { .. } => DynamicImage::ImageLuma8(image)
            .resize_to_fill(width, height, FilterType::Triangle)
            .into_luma8(),
        Fit::Object => {
            let [x, y, w, h] = object(&image);
            let background = Luma([border_brightness(&image)]);
            let part = imageops::crop_imm(&image, x, y, w, h).to_image();
            let part = DynamicImage::ImageLuma8(part)
                .resize(width, height, FilterType::Triangle)
                .into_luma8();
            centred(&part, GrayImage::from_pixel(width, height, background))
        }
    }
}

fn centred<P: image::Pixel<Subpixel = u8> + 'static>(
    part: &image::ImageBuffer<P, Vec<u8>>,
    mut frame: image::ImageBuffer<P, Vec<u8>>,
) -> image::ImageBuffer<P, Vec<u8>> {
    let x = (frame.width() - part.width()) / 2;
    let y = (frame.height() - part.height()) / 2;
    imageops::replace(&mut frame, part, x.into(), y.into());
    frame
}

/// The box `[x, y, width, height]` around everything that stands out from the border; the whole
/// image where nothing does.
fn object(image: &GrayImage) -> [u32; 4] {
    let background = border_brightness(image);
    let (mut left, mut top, mut right, mut bottom) = (u32::MAX, u32::MAX, 0, 0);
    for (x, y, pixel) in image.enumerate_pixels() {
        if pixel[0].abs_diff(background) > CONTRAST {
            (left, top) = (left.min(x), top.min(y));
            (right, bottom) = (right.max(x), bottom.max(y));
        }
    }
    match left {
        u32::MAX => [0, 0, image.width(), image.height()],
        _ => [left, top, right - left + 1, bottom - top + 1],
    }
}

fn border_brightness(image: &GrayImage) -> u8 {
    let shape = [1, image.height() as usize, image.width() as usize];
    border_mean(image.as_raw(), shape)
}

/// Mean brightness of the outermost pixels of an image of `shape` (channels, height, width),
/// all channels taken together.
pub(crate) fn border_mean(pixels: &[u8], [_, height, width]: [usize; 3]) -> u8 {
    let on_border = |index: usize| {
        let (row, column) = (index / width % height, index % width);
        row == 0 || column == 0 || row + 1 == height || column + 1 == width
    };
    let border = pixels
        .iter()
        .enumerate()
        .filter(|&(index, _)| on_border(index));
    let (sum, count) = border.fold((0u64, 0u64), |(sum, count), (_, &value)| {
        (sum + u64::from(value), count + 1)
    });
    (sum / count.max(1)) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    fn png(image: impl Into<DynamicImage>) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        image
            .into()
            .write_to(&mut bytes, ImageFormat::Png)
            .expect("encodes");
        bytes.into_inner()
    }

    fn error(bytes: &[u8]) -> String {
        let path = Path::new("pictures/a.png");
        let error = decode_image(path, bytes, [1, 28, 28], Fit::Cover).expect_err("refused");
        let message = error.to_string();
        assert!(message.starts_with("pictures/a.png: "), "{message}");
        message
    }

    /// A PNG that says it is of this size, and nothing behind its header.
    fn header_only(width: u32, height: u32) -> Vec<u8> {
        let mut bytes = png(GrayImage::new(8, 8));
        bytes[16..20].copy_from_slice(&width.to_be_bytes());
        bytes[20..24].copy_from_slice(&height.to_be_bytes());
        let checksum = crc(&bytes[12..29]);
        bytes[29..33].copy_from_slice(&checksum.to_be_bytes());
        bytes
    }

    fn crc(bytes: &[u8]) -> u32 {
        let mut crc = flate2::Crc::new();
        crc.update(bytes);
        crc.sum()
    }

    #[test]
    fn sizes_are_checked_before_decoding() {
        let message = error(&header_only(20_000, 20_000));
        assert!(
            message.contains("20000×20000 pixels are too many; the most is 100000000"),
            "{message}"
        );
        let message = error(&png(GrayImage::new(1, 1)));
        assert!(
            message.contains("1×1 pixels are too few; the least is 8×8"),
            "{message}"
        );
        assert!(error(&header_only(0, 0)).contains("broken image"));
    }

    #[test]
    fn broken_files_are_errors() {
        let whole = png(GrayImage::from_fn(64, 64, |x, y| Luma([(x * y) as u8])));
        assert!(error(&whole[..whole.len() / 2]).contains("broken image"));
        assert!(error(b"no image at all").contains("neither a PNG nor a JPEG"));
        assert!(error(b"").contains("neither a PNG nor a JPEG"));
    }

    #[test]
    fn channels_are_planes() {
        let image = RgbImage::from_fn(8, 8, |x, _| Rgb([x as u8, 100, 200]));
        let pixels =
            decode_image(Path::new("a"), &png(image), [3, 8, 8], Fit::Cover).expect("whole");
        assert_eq!(&pixels[..8], [0, 1, 2, 3, 4, 5, 6, 7]);
        assert_eq!((pixels[64], pixels[128]), (100, 200));
    }

    #[test]
    fn transparent_parts_are_white() {
        let image = image::RgbaImage::from_pixel(8, 8, image::Rgba([9, 9, 9, 0]));
        let pixels =
            decode_image(Path::new("a"), &png(image), [1, 8, 8], Fit::Cover).expect("whole");
        assert_eq!(pixels, [255; 64]);
    }

    #[test]
    fn an_object_is_trimmed_scaled_and_centred() {
        let inside = |x: u32, y: u32| (50..70).contains(&x) && (10..50).contains(&y);
        let image = GrayImage::from_fn(100, 60, |x, y| Luma([if inside(x, y) { 250 } else { 5 }]));
        let pixels =
            decode_image(Path::new("a"), &png(image), [1, 28, 28], Fit::Object).expect("whole");
        let row = &pixels[14 * 28..15 * 28];
        assert!(
            row[..7].iter().chain(&row[21..]).all(|&value| value == 5),
            "{row:?}"
        );
        assert!(row[7..21].iter().all(|&value| value == 250), "{row:?}");
    }
}
