//! Products of matrices, many of one size at once, between which the work of each is split where there are few.
//!
//! A cube computes one tile of one product, and each of its units some rows and columns of it in registers. The
//! operands come through shared memory, the next piece on its way while one is multiplied.

mod few;
mod kernel;
#[cfg(all(test, feature = "wgpu", not(feature = "fusion")))]
mod tests;
mod tile;

use burn_cubecl::cubecl::client::Client;
use burn_cubecl::cubecl::prelude::*;

use super::memory::Numbers;
use kernel::{Form, SizesLaunch, multiply};

pub(super) use few::{Few, launch_few, pieces_for, takes_few};
pub(super) use tile::{Order, Tile};

/// Products of matrices.
#[derive(Clone, Copy, Debug)]
pub(super) struct Products {
    pub(super) matrices: usize,
    pub(super) rows: usize,
    pub(super) columns: usize,
    pub(super) depth: usize,
    /// The part of a sum that is computed at once, a multiple of the tile's depth if it is not all.
    pub(super) piece: usize,
    /// How far the next line of an operand lies.
    pub(super) left: (Order, usize),
    pub(super) right: (Order, usize),
}

impl Products {
    pub(super) fn pieces(&self) -> usize {
        self.depth.div_ceil(self.piece)
    }

    /// Numbers of one matrix of an operand.
    fn lines(&self, (order, line): (Order, usize), extent: usize) -> usize {
        match order {
            Order::DepthFirst => self.depth * line,
            Order::DepthLast => extent * line,
        }
    }

    fn left_matrix(&self) -> usize {
        self.lines(self.left, self.rows)
    }

    fn right_matrix(&self) -> usize {
        self.lines(self.right, self.columns)
    }

    fn sizes(&self) -> SizesLaunch {
        let sizes = [
            self.rows,
            self.columns,
            self.depth,
            self.piece,
            self.pieces(),
            self.left_matrix(),
            self.left.1,
            self.right_matrix(),
            self.right.1,
        ];
        let [a, b, c, d, e, f, g, h, i] = sizes.map(|size| size as u32);
        SizesLaunch::new(a, b, c, d, e, f, g, h, i)
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
