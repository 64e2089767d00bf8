//! Activations between layers.

use rayon::prelude::*;

use crate::error::{Error, check_length, check_nonzero, product};
use crate::maps::line::{LANES, Line, lines_for};
use crate::memory::pages::grow;

/// A batch of feature maps in the layout that the layers of this crate work on: `NCHW16c`, that is
/// `[batch][channels / 16][height][width][16]`, with zeros in the lanes beyond the last channel.
///
/// An activation keeps its memory when it is given a new shape: reused as the output of one layer after
/// another, it allocates nothing once it has been large enough for each of them.
#[derive(Clone, Debug, Default)]
pub struct Activation {
    batch: usize,
    channels: usize,
    height: usize,
    width: usize,
    /// At least as many lines as the shape needs; never fewer than before, so that a larger shape finds
    /// memory that has been written before.
    lines: Vec<Line>,
    used: usize,
}

impl Activation {
    /// An empty activation, to be filled by a layer.
    pub fn new() -> Self {
        Self::default()
    }

    /// An activation from a tensor.
    ///
    /// # Shapes
    /// - `data`: `[batch, channels, height, width]`
    ///
    /// # Errors
    /// [`Error::Length`] if `data` has another size, [`Error::Zero`] if a size is zero.
    pub fn from_nchw(
        data: &[f32],
        batch: usize,
        channels: usize,
        height: usize,
        width: usize,
    ) -> Result<Self, Error> {
        let mut activation = Self::default();
        activation.copy_from_nchw(data, batch, channels, height, width)?;
        Ok(activation)
    }

    /// Replaces shape and content by those of a tensor; see [`Activation::from_nchw`].
    ///
    /// # Errors
    /// [`Error::Length`] if `data` has another size, [`Error::Zero`] if a size is zero.
    pub fn copy_from_nchw(
        &mut self,
        data: &[f32],
        batch: usize,
        channels: usize,
        height: usize,
        width: usize,
    ) -> Result<(), Error> {
        let expected = product("input", &[batch, channels, height, width])?;
        check_length("input", expected, data.len())?;
        self.reshape(batch, channels, height, width)?;
        let image = height * width;
        self.lines_mut()
            .par_chunks_exact_mut(image)
            .enumerate()
            .with_min_len(1 + (1 << 12) / image)
            .for_each(|(plane, lines)| {
                let (item, block) = (plane / lines_for(channels), plane % lines_for(channels));
                let first = block * LANES;
                let count = LANES.min(channels - first);
                let start = (item * channels + first) * image;
                interleave(&data[start..start + count * image], lines);
            });
        Ok(())
    }

    /// Writes the content as a tensor.
    ///
    /// # Shapes
    /// - `data`: `[batch, channels, height, width]`
    ///
    /// # Errors
    /// [`Error::Length`] if `data` has another size.
    pub fn copy_to_nchw(&self, data: &mut [f32]) -> Result<(), Error> {
        check_length("output", self.len(), data.len())?;
        if data.is_empty() {
            return Ok(());
        }
        let image = self.height * self.width;
        let blocks = lines_for(self.channels);
        data.par_chunks_exact_mut(self.channels * image)
            .zip(self.lines().par_chunks_exact(blocks * image))
            .for_each(|(data, lines)| {
                let planes = data.chunks_mut(LANES * image);
                for (data, lines) in planes.zip(lines.chunks_exact(image)) {
                    deinterleave(lines, data);
                }
            });
        Ok(())
    }

    /// The content as a tensor `[batch, channels, height, width]`.
    pub fn to_nchw(&self) -> Vec<f32> {
        let mut data = vec![0.0; self.len()];
        // The length is right by construction.
        let _ = self.copy_to_nchw(&mut data);
        data
    }

    /// Images.
    pub fn batch(&self) -> usize {
        self.batch
    }

    /// Channels, without those that only fill up the last line.
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// Height in pixels.
    pub fn height(&self) -> usize {
        self.height
    }

    /// Bytes that it holds, for the largest shape that it has had.
    pub fn bytes(&self) -> usize {
        size_of_val(self.lines.as_slice())
    }

    /// Width in pixels.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Numbers in the activation, without those that only fill up the last line.
    pub fn len(&self) -> usize {
        self.batch * self.channels * self.height * self.width
    }

    /// Whether it holds nothing.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The content: `[batch][channels / 16][height][width]` lines.
    pub fn lines(&self) -> &[Line] {
        &self.lines[..self.used]
    }

    /// The content, to be changed. Lanes beyond the last channel have to stay finite: the layers
    /// multiply them by zero.
    pub fn lines_mut(&mut self) -> &mut [Line] {
        &mut self.lines[..self.used]
    }

    /// An activation without a shape yet, in memory that has been written before.
    pub(crate) fn from_memory(lines: Vec<Line>) -> Self {
        Self {
            lines,
            ..Self::default()
        }
    }

    /// Its memory.
    pub(crate) fn into_memory(self) -> Vec<Line> {
        self.lines
    }

    /// Gives it a new shape. The content is arbitrary until it has been written.
    pub(crate) fn reshape(
        &mut self,
        batch: usize,
        channels: usize,
        height: usize,
        width: usize,
    ) -> Result<(), Error> {
        check_nonzero("batch", batch)?;
        check_nonzero("channels", channels)?;
        check_nonzero("height", height)?;
        check_nonzero("width", width)?;
        let lines = map_lines(batch, channels, [height, width])?;
        grow(&mut self.lines, lines);
        self.used = lines;
        self.batch = batch;
        self.channels = channels;
        self.height = height;
        self.width = width;
        Ok(())
    }
}

/// Lines of a batch of maps.
///
/// # Errors
/// [`Error::TooLarge`] if they cannot be addressed.
pub(crate) fn map_lines(
    batch: usize,
    channels: usize,
    [height, width]: [usize; 2],
) -> Result<usize, Error> {
    let sizes = [batch, lines_for(channels), LANES, height, width];
    Ok(product("activation", &sizes)? / LANES)
}

/// Up to sixteen planes of `lines.len()` pixels to one plane of lines.
fn interleave(planes: &[f32], lines: &mut [Line]) {
    let image = lines.len();
    // Blocks of pixels, so that the lines being filled stay in the first cache.
    for (block, lines) in lines.chunks_mut(64).enumerate() {
        if planes.len() < LANES * image {
            lines.fill(Line::ZERO);
        }
        for (lane, plane) in planes.chunks_exact(image).enumerate() {
            for (line, &value) in lines.iter_mut().zip(&plane[block * 64..]) {
                line.0[lane] = value;
            }
        }
    }
}

/// One plane of lines to up to sixteen planes of `lines.len()` pixels.
fn deinterleave(lines: &[Line], planes: &mut [f32]) {
    let image = lines.len();
    for (block, lines) in lines.chunks(64).enumerate() {
        for (lane, plane) in planes.chunks_exact_mut(image).enumerate() {
            for (line, value) in lines.iter().zip(&mut plane[block * 64..]) {
                *value = line.0[lane];
            }
        }
    }
}
