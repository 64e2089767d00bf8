//! Pictures: from a file to a tensor, from values to colours, and to a PNG.

use std::error::Error;
use std::io::Cursor;
use std::path::Path;

use burn::tensor::{Device, Tensor, TensorData};
use image::{GrayImage, ImageFormat, Rgb, RgbImage};
use vgg::data::{Normalization, read_scaled};

use crate::values;

/// Anchors of matplotlib's colour map inferno, from 0 to 1.
const INFERNO: [[f32; 3]; 6] = [
    [0.0, 0.0, 4.0],
    [66.0, 10.0, 104.0],
    [147.0, 38.0, 103.0],
    [221.0, 81.0, 58.0],
    [252.0, 165.0, 10.0],
    [252.0, 255.0, 164.0],
];

/// The image at `path` with its longer side as it is shown scaled to `side` pixels, values 0 to 1,
/// `[1, channels, height, width]`.
pub fn read(
    path: &Path,
    channels: usize,
    side: usize,
    device: &Device,
) -> Result<Tensor<4>, Box<dyn Error>> {
    let (shape, pixels) = read_scaled(path, channels, side)?;
    let values: Vec<f32> = pixels
        .iter()
        .map(|&value| f32::from(value) / 255.0)
        .collect();
    let data = TensorData::new(values, [1, shape[0], shape[1], shape[2]]);
    Ok(Tensor::from_data(data, device))
}

/// Values 0 to 1 as a network wants to see them.
pub fn normalised(image: Tensor<4>, normalization: &Normalization) -> Tensor<4> {
    let device = image.device();
    let channels = |values: &[f32]| {
        let data = TensorData::new(values.to_vec(), [1, values.len(), 1, 1]);
        Tensor::<4>::from_data(data, &device)
    };
    (image - channels(&normalization.mean)) / channels(&normalization.deviation)
}

/// The first image of a batch with values 0 to 1, `[batch, 1 or 3, height, width]`.
pub fn picture(image: Tensor<4>) -> Result<RgbImage, Box<dyn Error>> {
    let [_, channels, height, width] = image.dims();
    let values = values(image)?;
    let at = |x: u32, y: u32, channel: usize| {
        let channel = channel.min(channels - 1);
        let value = values[(channel * height + y as usize) * width + x as usize];
        (value.clamp(0.0, 1.0) * 255.0).round() as u8
    };
    Ok(RgbImage::from_fn(width as u32, height as u32, |x, y| {
        Rgb([0, 1, 2].map(|channel| at(x, y, channel)))
    }))
}

/// A colour for a value from 0 to 1, dark to light.
pub fn colour(value: f32) -> Rgb<u8> {
    let place = value.clamp(0.0, 1.0) * (INFERNO.len() - 1) as f32;
    let below = (place as usize).min(INFERNO.len() - 2);
    let part = place - below as f32;
    let mix = |channel: usize| {
        let [low, high] = [below, below + 1].map(|index| INFERNO[index][channel]);
        (low + (high - low) * part).round() as u8
    };
    Rgb([0, 1, 2].map(mix))
}

/// Values 0 to 1 in rows of `width` as shades of grey, to be scaled as an image.
pub fn grey(values: &[f32], width: usize) -> GrayImage {
    let height = values.len() / width;
    GrayImage::from_fn(width as u32, height as u32, |x, y| {
        let value = values[y as usize * width + x as usize];
        image::Luma([(value.clamp(0.0, 1.0) * 255.0).round() as u8])
    })
}

/// Writes a PNG that is there whole or not at all.
pub fn save(picture: &RgbImage, path: &Path) -> Result<(), Box<dyn Error>> {
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, ImageFormat::Png)?;
    vgg::files::write_atomically(path, bytes.get_ref())
        .map_err(|error| format!("{}: {error}", path.display()).into())
}
