//! Sums: of all images and pixels for each channel, which is the gradient of a bias, and of what several units have.

use burn_cubecl::cubecl::client::Client;
use burn_cubecl::cubecl::{self, prelude::*};

use super::cubes::{UNITS, cubes_of_units};
use super::memory::Numbers;

/// Units of a cube side by side, and those that share a column.
const ALONG: usize = 32;
const ACROSS: usize = UNITS / ALONG;

/// What `units` neighbouring units of a cube have, added up: for the first of them. Every unit of the cube takes part;
/// `units` is a power of two.
#[cube]
pub(super) fn added(value: f32, #[comptime] units: usize) -> f32 {
    let mut shared = Shared::<[f32]>::new_slice(UNITS);
    let unit = UNIT_POS as usize;
    shared[unit] = value;
    sync_cube();
    #[unroll]
    for halving in 0..comptime!(units.ilog2() as usize) {
        let half = comptime!(units >> (halving + 1));
        if unit % units < half {
            let other = shared[unit + half];
            shared[unit] += other;
        }
        sync_cube();
    }
    shared[unit]
}

/// The sum of each line of `[lines, length]`, which `units` units share.
#[cube(launch_unchecked)]
fn line_sums(values: &[f32], sums: &mut [f32], lines: u32, length: u32, #[comptime] units: usize) {
    let (line, first) = (ABSOLUTE_POS / units, ABSOLUTE_POS % units);
    let length = length as usize;
    let inside = line < lines as usize;
    let mut sum = 0.0f32;
    if inside {
        let mut i = first;
        while i < length {
            sum += values[line * length + i];
            i += units;
        }
    }
    let sum = added(sum, units);
    if inside && first == 0 {
        sums[line] = sum;
    }
}

/// The sum of each column of `[lines, columns]`.
#[cube(launch_unchecked)]
fn column_sums(values: &[f32], sums: &mut [f32], lines: u32, columns: u32) {
    let (along, across) = (UNIT_POS as usize % ALONG, UNIT_POS as usize / ALONG);
    let column = CUBE_POS_X as usize * ALONG + along;
    let columns = columns as usize;
    let inside = column < columns;
    let mut sum = 0.0f32;
    if inside {
        let mut line = across;
        while line < lines as usize {
            sum += values[line * columns + column];
            line += ACROSS;
        }
    }
    let mut shared = Shared::<[f32]>::new_slice(UNITS);
    shared[UNIT_POS as usize] = sum;
    sync_cube();
    if inside && across == 0 {
        #[unroll]
        for i in 1..ACROSS {
            sum += shared[comptime!(i * ALONG) + along];
        }
        sums[column] = sum;
    }
}

/// Units for a line: about four numbers for each, in few sizes, as a kernel is compiled for each.
fn units_of(length: usize) -> usize {
    match length {
        0..=16 => 4,
        17..=64 => 16,
        65..=256 => 64,
        _ => 256,
    }
}

/// The sums over images and pixels of `[images, channels, pixels]`.
pub(super) fn channel_sums(
    client: &Client,
    values: &Numbers,
    [images, channels, pixels]: [usize; 3],
) -> Numbers {
    // All images at once, and only then their sums: more cubes than there are channels.
    let of_images = match pixels {
        1 => values.clone(),
        _ => {
            let lines = images * channels;
            let sums = Numbers::new(client, lines);
            let units = units_of(pixels);
            let (count, dim) = cubes_of_units(client, lines * units);
            // SAFETY: the kernel reads within `lines * pixels` numbers and writes one for each line.
            unsafe {
                line_sums::launch_unchecked(
                    client,
                    count,
                    dim,
                    values.argument(1),
                    sums.argument(1),
                    lines as u32,
                    pixels as u32,
                    units,
                );
            }
            sums
        }
    };
    let sums = Numbers::new(client, channels);
    // SAFETY: the kernel reads within `images * channels` numbers and writes one for each channel.
    unsafe {
        column_sums::launch_unchecked(
            client,
            CubeCount::Static(channels.div_ceil(ALONG) as u32, 1, 1),
            CubeDim::new_1d(UNITS as u32),
            of_images.argument(1),
            sums.argument(1),
            images as u32,
            channels as u32,
        );
    }
    sums
}
