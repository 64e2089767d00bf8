//! Max pooling, and what ReLU and pooling let through of a gradient.

use burn_cubecl::cubecl::client::Client;
use burn_cubecl::cubecl::{self, prelude::*};

use super::cubes::cubes_of_units;
use super::memory::Numbers;

/// 2x2 max pooling with stride 2 of `maps` maps, rounded down.
#[cube(launch_unchecked)]
fn pool_kernel(map: &[f32], output: &mut [f32], height: u32, width: u32, maps: u32) {
    let (height, width) = (height as usize, width as usize);
    let (rows, columns) = (height / 2, width / 2);
    if ABSOLUTE_POS >= maps as usize * rows * columns {
        terminate!();
    }
    let (above, column) = (ABSOLUTE_POS / columns, ABSOLUTE_POS % columns);
    let (image, row) = (above / rows, above % rows);
    let at = (image * height + row * 2) * width + column * 2;
    let upper = clamp_min(map[at], map[at + 1]);
    let lower = clamp_min(map[at + width], map[at + width + 1]);
    output[ABSOLUTE_POS] = clamp_min(upper, lower);
}

pub(super) fn pool(client: &Client, map: &Numbers, [maps, height, width]: [usize; 3]) -> Numbers {
    let units = maps * (height / 2) * (width / 2);
    let output = Numbers::new(client, units);
    let (count, dim) = cubes_of_units(client, units);
    // SAFETY: the kernel reads within `maps` maps and writes one number a unit.
    unsafe {
        pool_kernel::launch_unchecked(
            client,
            count,
            dim,
            map.argument(1),
            output.argument(1),
            height as u32,
            width as u32,
            maps as u32,
        );
    }
    output
}

/// What ReLU lets through of a gradient: where its output is positive.
#[cube(launch_unchecked)]
fn through_relu_kernel<V: Size>(
    gradient: &[Vector<f32, V>],
    output: &[Vector<f32, V>],
    before: &mut [Vector<f32, V>],
    units: u32,
    #[comptime] vector: usize,
    #[define(V)] _vector: usize,
) {
    if ABSOLUTE_POS >= units as usize {
        terminate!();
    }
    let (gradient, output) = (gradient[ABSOLUTE_POS], output[ABSOLUTE_POS]);
    let mut values = Vector::<f32, V>::new(0.0);
    #[unroll]
    for i in 0..vector {
        let mut value = 0.0f32;
        if output.extract(i) > 0.0 {
            value = gradient.extract(i);
        }
        values.insert(i, value);
    }
    before[ABSOLUTE_POS] = values;
}

pub(super) fn through_relu(client: &Client, gradient: &Numbers, output: &Numbers) -> Numbers {
    let length = output.length();
    let vector = output.vector();
    let before = Numbers::new(client, length);
    let (count, dim) = cubes_of_units(client, length / vector);
    // SAFETY: all three have `length` numbers.
    unsafe {
        through_relu_kernel::launch_unchecked(
            client,
            count,
            dim,
            gradient.argument(vector),
            output.argument(vector),
            before.argument(vector),
            (length / vector) as u32,
            vector,
            vector,
        );
    }
    before
}

/// The gradient before a 2x2 pooling, and before the ReLU in front of it: all goes to the first of the largest.
#[cube(launch_unchecked)]
fn through_pool_kernel(
    gradient: &[f32],
    map: &[f32],
    before: &mut [f32],
    height: u32,
    width: u32,
    maps: u32,
    #[comptime] relu: bool,
) {
    let (height, width) = (height as usize, width as usize);
    let (rows, columns) = (height.div_ceil(2), width.div_ceil(2));
    if ABSOLUTE_POS >= maps as usize * rows * columns {
        terminate!();
    }
    let (above, column) = (ABSOLUTE_POS / columns, ABSOLUTE_POS % columns);
    let (image, row) = (above / rows, above % rows);
    let at = (image * height + row * 2) * width + column * 2;
    // An odd map's last row and column belong to no window.
    if row < height / 2 && column < width / 2 {
        let value = gradient[(image * (height / 2) + row) * (width / 2) + column];
        let mut largest = map[at];
        let mut place = 0u32;
        #[unroll]
        for i in 1..4usize {
            let other = map[at + (i / 2) * width + i % 2];
            if other > largest {
                largest = other;
                place = i as u32;
            }
        }
        let mut passes = true;
        if comptime!(relu) {
            passes = largest > 0.0;
        }
        #[unroll]
        for i in 0..4usize {
            let mut here = 0.0f32;
            if passes && place == i as u32 {
                here = value;
            }
            before[at + (i / 2) * width + i % 2] = here;
        }
    } else {
        #[unroll]
        for i in 0..4usize {
            if row * 2 + i / 2 < height && column * 2 + i % 2 < width {
                before[at + (i / 2) * width + i % 2] = 0.0;
            }
        }
    }
}

pub(super) fn through_pool(
    client: &Client,
    gradient: &Numbers,
    map: &Numbers,
    [maps, height, width]: [usize; 3],
    relu: bool,
) -> Numbers {
    let before = Numbers::new(client, map.length());
    let units = maps * height.div_ceil(2) * width.div_ceil(2);
    let (count, dim) = cubes_of_units(client, units);
    // SAFETY: the kernel stays within `maps` maps of the size given.
    unsafe {
        through_pool_kernel::launch_unchecked(
            client,
            count,
            dim,
            gradient.argument(1),
            map.argument(1),
            before.argument(1),
            height as u32,
            width as u32,
            maps as u32,
            relu,
        );
    }
    before
}
