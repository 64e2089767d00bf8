//! How many cubes do a piece of work.

use burn_cubecl::cubecl::client::Client;
use burn_cubecl::cubecl::{calculate_cube_count_elemwise, prelude::*};

/// Units of a cube of the transforms: tiles across, channels down.
const TRANSFORM: [usize; 2] = [32, 8];

/// Units of a cube where each has work of its own: always as many, so that a kernel is compiled once.
pub(super) const UNITS: usize = 256;

/// For a unit for each of `across` by `down`.
pub(super) fn cubes(across: usize, down: usize) -> (CubeCount, CubeDim) {
    let [width, height] = TRANSFORM;
    let count = CubeCount::Static(
        across.div_ceil(width) as u32,
        down.div_ceil(height) as u32,
        1,
    );
    (count, CubeDim::new_2d(width as u32, height as u32))
}

/// For so many units.
pub(super) fn cubes_of_units(client: &Client, units: usize) -> (CubeCount, CubeDim) {
    let dim = CubeDim::new_1d(UNITS as u32);
    (calculate_cube_count_elemwise(client, units, dim), dim)
}
