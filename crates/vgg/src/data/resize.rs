//! Scaling as Pillow and torchvision do it, to the last bit: published networks were tested with
//! images that went through it.

/// Bits behind the point of a weight, as in Pillow: 8 bits of the pixel and 2 for sums above 255
/// remain of 32.
const PRECISION: u32 = 22;

/// Pixels of an image, interleaved.
pub(super) struct Pixels {
    pub(super) values: Vec<u8>,
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) channels: usize,
}

/// A rectangle of an image, in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) left: usize,
    pub(crate) top: usize,
    pub(crate) width: usize,
    pub(crate) height: usize,
}

impl Pixels {
    /// A part that lies within the image.
    pub(super) fn part(&self, part: Part) -> Self {
        let stride = self.width * self.channels;
        let columns = part.left * self.channels..(part.left + part.width) * self.channels;
        let mut values = Vec::with_capacity(part.height * columns.len());
        let rows = self.values.chunks_exact(stride);
        for row in rows.skip(part.top).take(part.height) {
            values.extend_from_slice(&row[columns.clone()]);
        }
        Self {
            values,
            width: part.width,
            height: part.height,
            channels: self.channels,
        }
    }

    /// The values in the order channel, row, column.
    pub(super) fn planes(&self) -> Vec<u8> {
        planes(&self.values, self.channels)
    }
}

/// Interleaved values in the order channel, row, column.
pub(super) fn planes(values: &[u8], channels: usize) -> Vec<u8> {
    let mut planes = Vec::with_capacity(values.len());
    for channel in 0..channels {
        planes.extend(values.chunks_exact(channels).map(|pixel| pixel[channel]));
    }
    planes
}

/// Which inputs an output is a weighted mean of.
struct Window {
    start: usize,
    weights: Vec<i32>,
}

/// The windows of a triangle filter ("bilinear") as wide as an output pixel is in the input, and
/// no narrower than an input pixel, which keeps fine patterns from aliasing.
fn windows(input: usize, output: usize) -> Vec<Window> {
    let scale = input as f64 / output as f64;
    let support = scale.max(1.0);
    let window = |index: usize| {
        let centre = (index as f64 + 0.5) * scale;
        let start = (centre - support + 0.5).max(0.0) as usize;
        let end = ((centre + support + 0.5) as usize).min(input);
        let weight = |at: usize| {
            let distance = (at as f64 - centre + 0.5) / support;
            (1.0 - distance.abs()).max(0.0)
        };
        let weights: Vec<f64> = (start..end).map(weight).collect();
        let sum: f64 = weights.iter().sum();
        let fixed = |weight: f64| (weight / sum * f64::from(1 << PRECISION) + 0.5) as i32;
        Window {
            start,
            weights: weights.into_iter().map(fixed).collect(),
        }
    };
    (0..output).map(window).collect()
}

fn rounded(sum: i32) -> u8 {
    (sum >> PRECISION).clamp(0, 255) as u8
}

/// `image` scaled to `width`×`height`: rows first, then columns, 8 bits in between.
pub(super) fn resize(image: Pixels, width: usize, height: usize) -> Pixels {
    let image = if image.width == width {
        image
    } else {
        resize_rows(&image, width)
    };
    if image.height == height {
        image
    } else {
        resize_columns(&image, height)
    }
}

fn resize_rows(image: &Pixels, width: usize) -> Pixels {
    let channels = image.channels;
    let windows = windows(image.width, width);
    let mut values = Vec::with_capacity(width * image.height * channels);
    for row in image.values.chunks_exact(image.width * channels) {
        for window in &windows {
            for channel in 0..channels {
                let inputs = row[window.start * channels + channel..]
                    .iter()
                    .step_by(channels);
                let terms = inputs
                    .zip(&window.weights)
                    .map(|(&value, &weight)| i32::from(value) * weight);
                values.push(rounded((1 << (PRECISION - 1)) + terms.sum::<i32>()));
            }
        }
    }
    Pixels {
        values,
        width,
        ..*image
    }
}

fn resize_columns(image: &Pixels, height: usize) -> Pixels {
    let stride = image.width * image.channels;
    let mut values = Vec::with_capacity(stride * height);
    let mut sums = vec![0i32; stride];
    for window in windows(image.height, height) {
        sums.fill(1 << (PRECISION - 1));
        let rows = image.values[window.start * stride..].chunks_exact(stride);
        for (row, weight) in rows.zip(&window.weights) {
            for (sum, &value) in sums.iter_mut().zip(row) {
                *sum += i32::from(value) * weight;
            }
        }
        values.extend(sums.iter().map(|&sum| rounded(sum)));
    }
    Pixels {
        values,
        height,
        ..*image
    }
}

/// Height and width of an image whose short side is scaled to `short`; the long one is rounded
/// down, as torchvision does. Sides of at least 1.
pub(super) fn short_side_to(short: usize, width: usize, height: usize) -> [usize; 2] {
    let long = |long: usize, other: usize| {
        let scaled = short as u128 * long as u128 / other as u128;
        usize::try_from(scaled).unwrap_or(usize::MAX).max(1)
    };
    if width <= height {
        [long(height, width), short]
    } else {
        [short, long(width, height)]
    }
}

/// The middle `width`×`height` of `image`, which is at least as large; halves are rounded to even,
/// as Python does.
pub(super) fn centre(image: &Pixels, width: usize, height: usize) -> Pixels {
    let middle = |all: usize, part: usize| ((all - part) as f64 / 2.0).round_ties_even() as usize;
    image.part(Part {
        left: middle(image.width, width),
        top: middle(image.height, height),
        width,
        height,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sides_are_rounded_down() {
        assert_eq!(short_side_to(256, 500, 375), [256, 341]);
        assert_eq!(short_side_to(256, 333, 500), [384, 256]);
        assert_eq!(short_side_to(256, 100_000, 1), [256, 25_600_000]);
        assert_eq!(short_side_to(usize::MAX, 9, 8), [usize::MAX, usize::MAX]);
    }

    #[test]
    fn a_flat_image_stays_flat_and_the_middle_is_cut_out() {
        let values = [200, 100, 50].repeat(30 * 20);
        let image = Pixels {
            values,
            width: 30,
            height: 20,
            channels: 3,
        };
        let large = resize(image, 47, 33);
        assert_eq!(large.values, [200, 100, 50].repeat(47 * 33));

        let values = (0..25).collect();
        let image = Pixels {
            values,
            width: 5,
            height: 5,
            channels: 1,
        };
        // (5 − 2) / 2 = 1.5 is rounded to 2, (5 − 4) / 2 = 0.5 to 0.
        assert_eq!(centre(&image, 2, 4).values, [2, 3, 7, 8, 12, 13, 17, 18]);
    }
}
