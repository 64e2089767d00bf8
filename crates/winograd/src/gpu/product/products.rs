//! Which products are computed.

use super::kernel::SizesLaunch;
use super::tile::Order;

/// Products of matrices.
#[derive(Clone, Copy, Debug)]
pub(in crate::gpu) struct Products {
    pub(in crate::gpu) matrices: usize,
    pub(in crate::gpu) rows: usize,
    pub(in crate::gpu) columns: usize,
    pub(in crate::gpu) depth: usize,
    /// The part of a sum that is computed at once, a multiple of the tile's depth if it is not all.
    pub(in crate::gpu) piece: usize,
    /// How far the next line of an operand lies.
    pub(in crate::gpu) left: (Order, usize),
    pub(in crate::gpu) right: (Order, usize),
}

impl Products {
    pub(in crate::gpu) fn pieces(&self) -> usize {
        self.depth.div_ceil(self.piece)
    }

    /// Numbers of one matrix of an operand.
    fn lines(&self, (order, line): (Order, usize), extent: usize) -> usize {
        match order {
            Order::DepthFirst => self.depth * line,
            Order::DepthLast => extent * line,
        }
    }

    pub(super) fn left_matrix(&self) -> usize {
        self.lines(self.left, self.rows)
    }

    pub(super) fn right_matrix(&self) -> usize {
        self.lines(self.right, self.columns)
    }

    pub(super) fn sizes(&self) -> SizesLaunch {
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
