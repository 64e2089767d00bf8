//! Which tiles a product is cut into.
//!
//! The sizes are those that were fastest on an NVIDIA H200 through WGSL, of two dozen that were tried for the products
//! of VGG-16; smaller GPUs have as many registers and as much shared memory for each processor, only fewer processors.

use burn_cubecl::cubecl::client::Client;

use super::product::{Few, Order, Tile, Way, pieces_for, takes_few};

const fn tile(
    [rows, columns]: [usize; 2],
    depth: usize,
    [unit_rows, unit_columns]: [usize; 2],
) -> Tile {
    Tile {
        rows,
        columns,
        depth,
        unit_rows,
        unit_columns,
    }
}

/// The fastest where there are many, if a cube has 24 KiB of shared memory. WebGPU promises 16.
const LARGE: Tile = tile([64, 128], 16, [8, 8]);
/// The fastest in 16 KiB.
const LARGE_IN_16_KIB: Tile = tile([64, 64], 8, [8, 8]);
/// The fastest where there are fewer cubes of the large ones than a GPU computes at once.
const MEDIUM: Tile = tile([64, 64], 16, [8, 4]);

/// All that are chosen from.
#[cfg(all(test, feature = "wgpu", not(feature = "fusion")))]
pub(super) const TILES: [Tile; 14] = [
    LARGE,
    LARGE_IN_16_KIB,
    MEDIUM,
    tile([128, 8], 16, [4, 4]),
    tile([64, 16], 16, [4, 4]),
    tile([64, 32], 16, [8, 4]),
    tile([64, 32], 16, [4, 4]),
    tile([32, 128], 8, [8, 4]),
    tile([32, 64], 16, [4, 4]),
    tile([32, 32], 16, [4, 4]),
    tile([16, 128], 8, [4, 4]),
    tile([4, 128], 8, [4, 4]),
    tile([8, 64], 16, [4, 4]),
    tile([16, 64], 16, [4, 4]),
];

/// Cubes of [`LARGE`] that keep a large GPU busy: a few for each of 132 processors.
const MANY: usize = 1000;

/// The way to `matrices` products of `[rows, depth]` by `[depth, columns]`, where `rows` is a multiple of 64, 32 or 16,
/// `depth` one of eight, and the columns are filled up.
pub(super) fn way_for(client: &Client, sizes: [usize; 3], matrices: usize) -> Way {
    let [_, columns, depth] = sizes;
    match takes_few(columns, depth, Order::DepthFirst, Order::DepthFirst) {
        true => Way::Few(Few::Columns(columns)),
        false => Way::Tiles(tile_for(client, sizes, matrices)),
    }
}

/// The tile, where there are more columns than a few.
fn tile_for(client: &Client, [rows, columns, depth]: [usize; 3], matrices: usize) -> Tile {
    if depth % 16 != 0 {
        // Few input channels: the products are a small part of the work.
        return match rows % 64 {
            0 => LARGE_IN_16_KIB,
            _ => narrow(rows),
        };
    }
    if rows % 64 != 0 {
        return narrow(rows);
    }
    let cubes = rows / LARGE.rows * columns.div_ceil(LARGE.columns) * matrices;
    match columns {
        0..=8 if rows % 128 == 0 => tile([128, 8], 16, [4, 4]),
        0..=16 => tile([64, 16], 16, [4, 4]),
        17..=32 => tile([64, 32], 16, [8, 4]),
        _ if cubes < MANY => MEDIUM,
        _ if LARGE.fits(client) => LARGE,
        _ => LARGE_IN_16_KIB,
    }
}

/// For 16 or 32 rows.
fn narrow(rows: usize) -> Tile {
    match rows % 32 {
        0 => tile([32, 128], 8, [8, 4]),
        _ => tile([16, 128], 8, [4, 4]),
    }
}

/// The tile for products that have few rows and columns but long sums, and the pieces of these sums.
pub(super) fn split_for([rows, columns, depth]: [usize; 3], matrices: usize) -> (Tile, usize) {
    let tile = match (rows <= 32, columns <= 32) {
        (false, false) => MEDIUM,
        (true, false) => tile([32, 64], 16, [4, 4]),
        (false, true) => tile([64, 32], 16, [4, 4]),
        (true, true) => tile([32, 32], 16, [4, 4]),
    };
    let cubes = rows.div_ceil(tile.rows) * columns.div_ceil(tile.columns) * matrices;
    // Each result is read again, so that a piece is not to be short.
    let pieces = MANY.div_ceil(cubes).min(depth.div_ceil(256));
    (tile, pieces.max(1))
}

/// The way to one product, of any number of rows, whose operands lie as `left` and `right` say, and the pieces of its
/// sums.
pub(super) fn way_and_split(sizes: [usize; 3], [left, right]: [Order; 2]) -> (Way, usize) {
    let [rows, columns, depth] = sizes;
    if takes_few(rows, depth, left, right) {
        return (Way::Few(Few::Rows), pieces_for(columns, depth, right));
    }
    let (tile, pieces) = tile_and_split(sizes, right);
    (Way::Tiles(tile), pieces)
}

fn tile_and_split([rows, columns, depth]: [usize; 3], right: Order) -> (Tile, usize) {
    let tile = match (right, rows) {
        (Order::DepthFirst, 0..=4) => tile([4, 128], 8, [4, 4]),
        (Order::DepthFirst, 5..=16) => tile([16, 128], 8, [4, 4]),
        (Order::DepthFirst, 17..=32) => tile([32, 128], 8, [8, 4]),
        // 64 bytes of each line at a time: memory is not read in smaller pieces.
        (Order::DepthLast, 0..=8) => tile([8, 64], 16, [4, 4]),
        (Order::DepthLast, 9..=16) => tile([16, 64], 16, [4, 4]),
        (Order::DepthLast, 17..=32) => tile([32, 64], 16, [4, 4]),
        _ => MEDIUM,
    };
    let cubes = rows.div_ceil(tile.rows) * columns.div_ceil(tile.columns);
    let pieces = MANY.div_ceil(cubes).min(depth.div_ceil(128));
    (tile, pieces.max(1))
}
