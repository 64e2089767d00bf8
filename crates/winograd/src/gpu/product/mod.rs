//! Products of matrices, many of one size at once, between which the work of each is split where there are few.
//!
//! A cube computes one tile of one product, and each of its units some rows and columns of it in registers. The
//! operands come through shared memory, the next piece on its way while one is multiplied.

mod few;
mod kernel;
mod products;
#[cfg(all(test, feature = "wgpu", not(feature = "fusion")))]
mod tests;
mod tile;

use burn_cubecl::cubecl::client::Client;
use burn_cubecl::cubecl::prelude::*;

use super::memory::Numbers;
use kernel::{Form, multiply};

use few::launch_few;

pub(super) use few::{Few, pieces_for, takes_few};
pub(super) use products::Products;
pub(super) use tile::{Order, Tile};

/// How products are computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// Tile by tile.
    Tiles(Tile),
    /// One operand is short: see [`takes_few`].
    Few(Few),
}

impl Way {
    /// What the columns are filled up to a multiple of, so that nothing is left over.
    pub(super) fn columns(self) -> usize {
        match self {
            Self::Tiles(tile) => tile.columns,
            Self::Few(_) => 4,
        }
    }

    /// What a part of a sum is a multiple of.
    pub(super) fn depth(self) -> usize {
        match self {
            Self::Tiles(tile) => tile.depth,
            Self::Few(_) => 4,
        }
    }

    /// All products, `[matrices, pieces, rows, columns]`; `edges` as for [`launch`].
    pub(super) fn launch(
        self,
        client: &Client,
        products: &Products,
        sides: [&Numbers; 3],
        edges: bool,
    ) {
        match self {
            Self::Tiles(tile) => launch(client, products, sides, tile, edges),
            Self::Few(few) => launch_few(client, products, sides, few),
        }
    }
}

/// All products, `[matrices, pieces, rows, columns]`.
///
/// `edges` says whether the tile does not divide rows, columns and piece.
pub(super) fn launch(
    client: &Client,
    products: &Products,
    [left, right, output]: [&Numbers; 3],
    tile: Tile,
    edges: bool,
) {
    let deep = (products.matrices * products.pieces()) as u32;
    let form = Form {
        tile,
        left: products.left.0,
        right: products.right.0,
        edges,
    };
    let count = CubeCount::Static(
        products.rows.div_ceil(tile.rows) as u32,
        products.columns.div_ceil(tile.columns) as u32,
        deep,
    );
    // SAFETY: with `edges` the kernel stays within the sizes given; without, tiles divide them.
    unsafe {
        multiply::launch_unchecked(
            client,
            count,
            CubeDim::new_1d(tile.units() as u32),
            left.argument(4),
            right.argument(4),
            output.argument(4),
            products.sizes(),
            form,
        );
    }
}
