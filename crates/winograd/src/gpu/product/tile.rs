//! How a product is cut, and how its operands lie.

use burn_cubecl::cubecl::client::Client;

/// What a cube and a unit compute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::gpu) struct Tile {
    /// Rows and columns of a cube's tile.
    pub(in crate::gpu) rows: usize,
    pub(in crate::gpu) columns: usize,
    /// How much of the sum is in shared memory at once.
    pub(in crate::gpu) depth: usize,
    /// Rows and columns of a unit's part: multiples of four that divide those of the tile.
    pub(in crate::gpu) unit_rows: usize,
    pub(in crate::gpu) unit_columns: usize,
}

impl Tile {
    /// Whether a cube's shared memory holds its operands.
    pub(in crate::gpu) fn fits(self, client: &Client) -> bool {
        let bytes = 2 * self.depth * (self.rows + self.columns) * size_of::<f32>();
        bytes <= client.properties().hardware.max_shared_memory_size
    }

    /// Units of a cube.
    pub(in crate::gpu) fn units(self) -> usize {
        (self.rows / self.unit_rows) * (self.columns / self.unit_columns)
    }
}

/// How an operand lies in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::gpu) enum Order {
    /// The numbers of one step of the sum are neighbours: `[depth, rows]`.
    DepthFirst,
    /// The numbers of one row (of the right operand: one column) are neighbours: `[rows, depth]`.
    DepthLast,
}
