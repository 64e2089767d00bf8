//! From an image file of any size to the pixels of one size that a network takes.

use std::path::Path;

use burn::config::Config;
use image::imageops::{self, FilterType};
use image::{DynamicImage, GrayImage, Luma, RgbImage};

use super::decode::decode;
use super::error::DataError;
use super::resize::{Pixels, centre, planes, resize, short_side_to};
use crate::source::Source;

/// An image is not scaled to more pixels: 100 megapixels take 300 MB.
const MOST_PIXELS: u64 = 100_000_000;
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

/// Reads an image as [`read_image`] does, with its longer side scaled to `side` pixels as it is shown: the shape
/// (`channels`, height, width) and its pixels.
///
/// # Errors
/// Those of [`read_image`].
pub fn read_scaled<'a>(
    source: impl Into<Source<'a>>,
    channels: usize,
    side: usize,
) -> Result<([usize; 3], Vec<u8>), DataError> {
    let source = source.into();
    let decoded = decode(&source)?;
    let (width, height) = decoded.image.dimensions();
    let scale = side as f64 / f64::from(width.max(height));
    let scaled = |length: u32| ((f64::from(length) * scale).round() as usize).max(1);
    let shape = [channels, scaled(height), scaled(width)];
    let pixels = fitted(source.name(), decoded.image, shape, Fit::Cover)?;
    Ok((shape, pixels))
}

/// Reads a PNG, JPEG, WebP, BMP, GIF or TIFF file to `shape` (channels, height, width): values 0 to 255 in the
/// order channel, row, column. Of several frames or pages the first is taken. One channel is the luminance.
/// Transparent parts are shown on white, and an orientation in EXIF is applied.
/// Scaling is a triangle filter over the whole footprint of each output pixel.
///
/// # Errors
/// A file that cannot be read, of more than 1 GiB, or that is no file but a device or a named pipe; an image that is broken or cut off, of another format, smaller than 8×8 or larger than there is memory to decode it
/// (said before it is decoded), or a `shape` with neither one nor three channels, without pixels or with more than 100
/// million.
pub fn read_image<'a>(
    source: impl Into<Source<'a>>,
    shape: [usize; 3],
    fit: Fit,
) -> Result<Vec<u8>, DataError> {
    let source = source.into();
    check_shape(shape)?;
    let decoded = decode(&source)?;
    fitted(source.name(), decoded.image, shape, fit)
}

pub(super) fn check_shape([channels, height, width]: [usize; 3]) -> Result<(), DataError> {
    if !matches!(channels, 1 | 3) {
        return Err(DataError::Invalid(format!(
            "an image file gives 1 or 3 channels, the network takes {channels}"
        )));
    }
    if height == 0 || width == 0 || too_many(width, height) {
        return Err(DataError::Invalid(format!(
            "an image cannot be brought to {width}×{height} pixels; the most is {MOST_PIXELS} in all"
        )));
    }
    Ok(())
}

fn too_many(width: usize, height: usize) -> bool {
    (width as u64).saturating_mul(height as u64) > MOST_PIXELS
}

fn fitted(path: &Path, image: RgbImage, shape: [usize; 3], fit: Fit) -> Result<Vec<u8>, DataError> {
    check_shape(shape)?;
    let [channels, height, width] = shape;
    if let Fit::CentreCrop { short_side } = fit {
        return centre_crop(path, image, shape, short_side);
    }
    let (w, h) = image.dimensions();
    let scale = (width as f64 / f64::from(w)).max(height as f64 / f64::from(h));
    let covering = [w, h].map(|side| (f64::from(side) * scale).ceil() as usize);
    if fit == Fit::Cover {
        check_scaled(path, [w as usize, h as usize], covering)?;
    }
    let size = [width as u32, height as u32];
    if channels == 1 {
        let grey = DynamicImage::ImageRgb8(image).into_luma8();
        return Ok(fit_grey(grey, size, fit).into_raw());
    }
    Ok(planes(fit_colour(image, size, fit).as_raw(), 3))
}

/// Refuses what would be scaled to too many pixels before a part of them is cut out: a long strip, or a shape that
/// asks for it.
fn check_scaled(
    path: &Path,
    [w, h]: [usize; 2],
    [width, height]: [usize; 2],
) -> Result<(), DataError> {
    if !too_many(width, height) {
        return Ok(());
    }
    let reason = format!(
        "{w}×{h} pixels would be scaled to {width}×{height}; the most is {MOST_PIXELS} in all"
    );
    Err(DataError::image(path, reason))
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
    check_scaled(path, [w, h], [scaled_width, scaled_height])?;
    let pixels = interleaved(image, channels);
    Ok(centre(&resize(pixels, scaled_width, scaled_height), width, height).planes())
}

/// The pixels of a picture with three channels, or with that of its luminance.
pub(super) fn interleaved(image: RgbImage, channels: usize) -> Pixels {
    let (width, height) = (image.width() as usize, image.height() as usize);
    let values = match channels {
        1 => DynamicImage::ImageRgb8(image).into_luma8().into_raw(),
        _ => image.into_raw(),
    };
    Pixels {
        values,
        width,
        height,
        channels,
    }
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
    use image::{ImageFormat, Rgb};
    use std::io::Cursor;

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
        let error =
            read_image(Source::named(path, bytes), [1, 28, 28], Fit::Cover).expect_err("refused");
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
        let short = header_only(200_000, 200_000);
        let message = error(&short);
        assert!(
            message.contains("cannot hold the 200000×200000 pixels"),
            "{message}"
        );
        let message = error(&[short, vec![0; 10 << 20]].concat());
        assert!(
            message.contains("200000×200000 pixels are too many: to decode them takes 280.0 GB"),
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
        assert!(error(b"no image at all").contains("neither a PNG nor a JPEG, WebP"));
        assert!(error(b"").contains("neither a PNG nor a JPEG, WebP"));
    }

    #[test]
    fn a_shape_that_cannot_be_is_an_error() {
        let image = png(RgbImage::new(40, 30));
        let strip = png(GrayImage::new(60_000, 8));
        let centre = |short_side| Fit::CentreCrop { short_side };
        for fit in [Fit::Cover, Fit::Object, centre(8), centre(usize::MAX)] {
            for shape in [
                [1, 1 << 20, 1 << 20],
                [1, 1 << 31, 1 << 31],
                [3, usize::MAX, usize::MAX],
                [3, 1, usize::MAX],
                [3, 0, 8],
                [1, 8, 0],
                [2, 8, 8],
                [usize::MAX, 8, 8],
            ] {
                read_image(&image, shape, fit).expect_err("no such shape");
            }
        }
        for short_side in [1 << 20, usize::MAX / 2, usize::MAX] {
            let fit = centre(short_side);
            read_image(&image, [3, 8, 8], fit).expect_err("too large in between");
        }
        for fit in [Fit::Cover, centre(8)] {
            let error = read_image(&strip, [1, 224, 224], fit).expect_err("a strip");
            assert!(error.to_string().contains("would be scaled to"), "{error}");
        }
    }

    #[test]
    fn channels_are_planes() {
        let image = RgbImage::from_fn(8, 8, |x, _| Rgb([x as u8, 100, 200]));
        let pixels = read_image(&png(image), [3, 8, 8], Fit::Cover).expect("whole");
        assert_eq!(&pixels[..8], [0, 1, 2, 3, 4, 5, 6, 7]);
        assert_eq!((pixels[64], pixels[128]), (100, 200));
    }

    #[test]
    fn transparent_parts_are_white() {
        let image = image::RgbaImage::from_pixel(8, 8, image::Rgba([9, 9, 9, 0]));
        let pixels = read_image(&png(image), [1, 8, 8], Fit::Cover).expect("whole");
        assert_eq!(pixels, [255; 64]);
    }

    #[test]
    fn an_object_is_trimmed_scaled_and_centred() {
        let inside = |x: u32, y: u32| (50..70).contains(&x) && (10..50).contains(&y);
        let image = GrayImage::from_fn(100, 60, |x, y| Luma([if inside(x, y) { 250 } else { 5 }]));
        let pixels = read_image(&png(image), [1, 28, 28], Fit::Object).expect("whole");
        let row = &pixels[14 * 28..15 * 28];
        assert!(
            row[..7].iter().chain(&row[21..]).all(|&value| value == 5),
            "{row:?}"
        );
        assert!(row[7..21].iter().all(|&value| value == 250), "{row:?}");
    }
}
