//! A part of an image, scaled to the size that a network takes: what a random crop is made of.

use super::decode::decode;
use super::error::DataError;
use super::image::{check_shape, interleaved};
use super::resize::{Pixels, resize};
use crate::source::Source;

pub(crate) use super::resize::Part;

/// Reads an image as [`read_image`](super::read_image) does, but of it only the part that `choose` takes of its width
/// and height. It is scaled as torchvision does it.
pub(super) fn read_part<'a>(
    source: impl Into<Source<'a>>,
    shape: [usize; 3],
    choose: impl FnOnce(usize, usize) -> Part,
) -> Result<Vec<u8>, DataError> {
    check_shape(shape)?;
    let [channels, height, width] = shape;
    // The memory that is kept for the picture is given back at the end.
    let decoded = decode(&source.into())?;
    let image = interleaved(decoded.image, channels);
    let part = image.part(choose(image.width, image.height));
    Ok(resize(part, width, height).planes())
}

/// A part of an image of `shape` with its values in the order channel, row, column, scaled to the whole shape.
pub(super) fn part_of_planes(
    image: &[u8],
    [channels, height, width]: [usize; 3],
    part: Part,
) -> Vec<u8> {
    let plane = |plane: &[u8]| {
        let image = Pixels {
            values: plane.to_vec(),
            width,
            height,
            channels: 1,
        };
        resize(image.part(part), width, height).values
    };
    image
        .chunks_exact(height * width)
        .take(channels)
        .flat_map(plane)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{ImageFormat, Rgb, RgbImage};
    use std::io::Cursor;

    #[test]
    fn a_part_of_a_file_is_that_of_its_pixels() {
        let image = RgbImage::from_fn(12, 9, |x, y| Rgb([x as u8 * 20, y as u8 * 20, 7]));
        let mut bytes = Cursor::new(Vec::new());
        image
            .write_to(&mut bytes, ImageFormat::Png)
            .expect("encodes");
        let bytes = bytes.into_inner();
        let part = Part {
            left: 2,
            top: 3,
            width: 4,
            height: 5,
        };
        let same = read_part(&bytes, [3, 5, 4], |width, height| {
            assert_eq!((width, height), (12, 9));
            part
        });
        let plane =
            |value: fn(u8, u8) -> u8| (3..8).flat_map(move |y| (2..6).map(move |x| value(x, y)));
        let red = plane(|x, _| x * 20);
        let expected: Vec<_> = red
            .chain(plane(|_, y| y * 20))
            .chain(plane(|_, _| 7))
            .collect();
        assert_eq!(same.expect("whole"), expected);

        let whole = read_part(&bytes, [3, 9, 12], |width, height| Part {
            left: 0,
            top: 0,
            width,
            height,
        });
        let of_planes = part_of_planes(&whole.expect("whole"), [3, 9, 12], part);
        let of_file = read_part(&bytes, [3, 9, 12], |_, _| part).expect("whole");
        assert_eq!(of_planes, of_file);
    }
}
