//! The kernel of [`super::Products`].

use burn_cubecl::cubecl::{self, prelude::*};

use super::tile::{Order, Tile};
use crate::gpu::memory::Four;

/// What is known of a product when its kernel is compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Form {
    pub(super) tile: Tile,
    pub(super) left: Order,
    pub(super) right: Order,
    /// Whether tiles may reach beyond the matrices.
    pub(super) edges: bool,
}

/// The sizes of [`super::Products`], in numbers.
#[derive(Clone, Copy, Debug, CubeType, CubeLaunch)]
pub(super) struct Sizes {
    pub(super) rows: u32,
    pub(super) columns: u32,
    pub(super) depth: u32,
    pub(super) piece: u32,
    pub(super) pieces: u32,
    /// From one matrix to the next, and from one line of a matrix to the next.
    pub(super) left_matrix: u32,
    pub(super) left_line: u32,
    pub(super) right_matrix: u32,
    pub(super) right_line: u32,
}

/// How the units of a cube bring a piece of one operand into shared memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Share {
    /// Rows or columns of the tile.
    extent: usize,
    depth: usize,
    units: usize,
    order: Order,
    edges: bool,
}

impl Share {
    /// Fours of a piece.
    fn fours(self) -> usize {
        self.depth * self.extent / 4
    }

    /// What a unit brings at once, and how often.
    fn loads(self) -> [usize; 2] {
        match self.order {
            Order::DepthFirst => [1, self.fours().div_ceil(self.units)],
            // Four lines by four steps, which are turned on the way.
            Order::DepthLast => [4, (self.fours() / 4).div_ceil(self.units)],
        }
    }

    fn registers(self) -> usize {
        let [fours, times] = self.loads();
        fours * times
    }

    /// Whether some units have nothing to bring the last time.
    fn uneven(self) -> bool {
        let [fours, times] = self.loads();
        self.fours() != fours * times * self.units
    }
}

impl Form {
    fn left_share(self) -> Share {
        self.share(self.tile.rows, self.left)
    }

    fn right_share(self) -> Share {
        self.share(self.tile.columns, self.right)
    }

    fn share(self, extent: usize, order: Order) -> Share {
        Share {
            extent,
            depth: self.tile.depth,
            units: self.tile.units(),
            order,
            edges: self.edges,
        }
    }
}

/// Where a unit reads an operand.
#[derive(CubeType)]
struct From {
    /// The first four of the matrix.
    matrix: usize,
    /// Fours from one line to the next.
    line: usize,
    /// The tile's first row or column, and how many there are in all.
    first: usize,
    extent: usize,
    /// The end of the sum's piece.
    end: usize,
    unit: usize,
}

/// `output[matrix, piece] = left[matrix] · right[matrix]` of the sum's piece, for every matrix: as
/// `[matrix, piece, rows, columns]`.
#[cube(launch_unchecked)]
pub(super) fn multiply(
    left: &[Four],
    right: &[Four],
    output: &mut [Four],
    sizes: Sizes,
    #[comptime] form: Form,
) {
    let tile = comptime!(form.tile);
    let left_share = comptime!(form.left_share());
    let right_share = comptime!(form.right_share());
    let units_across = comptime!(tile.columns / tile.unit_columns);
    let units_down = comptime!(tile.rows / tile.unit_rows);
    let unit_fours = comptime!(tile.unit_columns / 4);
    let unit_groups = comptime!(tile.unit_rows / 4);
    let left_stage = comptime!(left_share.fours());
    let right_stage = comptime!(right_share.fours());

    let unit = UNIT_POS as usize;
    let across = unit % units_across;
    let down = unit / units_across;
    let pieces = sizes.pieces as usize;
    let matrix = CUBE_POS_Z as usize / pieces;
    let piece = CUBE_POS_Z as usize % pieces;
    let first_row = CUBE_POS_X as usize * tile.rows;
    let first_column = CUBE_POS_Y as usize * tile.columns;
    let first_depth = piece * sizes.piece as usize;
    let end = (first_depth + sizes.piece as usize).min(sizes.depth as usize);
    let of_left = From {
        matrix: matrix * (sizes.left_matrix as usize / 4),
        line: sizes.left_line as usize / 4,
        first: first_row,
        extent: sizes.rows as usize,
        end,
        unit,
    };
    let of_right = From {
        matrix: matrix * (sizes.right_matrix as usize / 4),
        line: sizes.right_line as usize / 4,
        first: first_column,
        extent: sizes.columns as usize,
        end,
        unit,
    };

    // Twice: what is multiplied, and what comes next.
    let mut left_shared = Shared::<[Four]>::new_slice(comptime!(2 * left_stage));
    let mut right_shared = Shared::<[Four]>::new_slice(comptime!(2 * right_stage));
    let mut left_next = Array::<Four>::new(comptime!(left_share.registers()));
    let mut right_next = Array::<Four>::new(comptime!(right_share.registers()));
    let mut sums = Array::<Four>::new(comptime!(unit_groups * 4 * unit_fours));
    #[unroll]
    for i in 0..comptime!(unit_groups * 4 * unit_fours) {
        sums[i] = Four::new(0.0);
    }

    load(left, &mut left_next, &of_left, first_depth, left_share);
    load(right, &mut right_next, &of_right, first_depth, right_share);
    keep(&left_next, &mut left_shared, 0usize, unit, left_share);
    keep(&right_next, &mut right_shared, 0usize, unit, right_share);
    sync_cube();

    let steps = (end - first_depth).div_ceil(tile.depth);
    for step in 0..steps {
        let next_depth = first_depth + (step + 1) * tile.depth;
        if next_depth < end {
            load(left, &mut left_next, &of_left, next_depth, left_share);
            load(right, &mut right_next, &of_right, next_depth, right_share);
        }
        let half = step % 2;
        #[unroll]
        for depth in 0..tile.depth {
            let left_at = half * left_stage + comptime!(depth * tile.rows / 4) + down;
            let right_at = half * right_stage + comptime!(depth * tile.columns / 4) + across;
            let mut columns = Array::<Four>::new(unit_fours);
            #[unroll]
            for j in 0..unit_fours {
                columns[j] = right_shared[right_at + comptime!(j * units_across)];
            }
            #[unroll]
            for group in 0..unit_groups {
                let rows = left_shared[left_at + comptime!(group * units_down)];
                #[unroll]
                for i in 0..4usize {
                    let row = Four::new(rows.extract(i));
                    #[unroll]
                    for j in 0..unit_fours {
                        let at = comptime!((group * 4 + i) * unit_fours + j);
                        sums[at] += row * columns[j];
                    }
                }
            }
        }
        if next_depth < end {
            let other = 1 - half;
            keep(
                &left_next,
                &mut left_shared,
                other * left_stage,
                unit,
                left_share,
            );
            keep(
                &right_next,
                &mut right_shared,
                other * right_stage,
                unit,
                right_share,
            );
        }
        sync_cube();
    }

    let line = sizes.columns as usize / 4;
    let rows = sizes.rows as usize;
    let output_at = CUBE_POS_Z as usize * rows * line;
    #[unroll]
    for group in 0..unit_groups {
        #[unroll]
        for i in 0..4usize {
            let row = first_row + (group * units_down + down) * 4 + i;
            #[unroll]
            for j in 0..unit_fours {
                let column = first_column / 4 + j * units_across + across;
                let mut inside = true;
                if comptime!(form.edges) {
                    inside = row < rows && column < line;
                }
                if inside {
                    output[output_at + row * line + column] =
                        sums[comptime!((group * 4 + i) * unit_fours + j)];
                }
            }
        }
    }
}

/// A unit's share of an operand's next piece into registers.
#[cube]
fn load(
    operand: &[Four],
    into: &mut Array<Four>,
    from: &From,
    depth: usize,
    #[comptime] share: Share,
) {
    let times = comptime!(share.loads()[1]);
    match comptime!(share.order) {
        Order::DepthFirst => {
            let across = comptime!(share.extent / 4);
            #[unroll]
            for i in 0..times {
                let index = from.unit + i * share.units;
                let step = depth + index / across;
                let four = index % across;
                let mut inside = true;
                if comptime!(share.edges) {
                    inside = step < from.end && from.first + four * 4 < from.extent;
                }
                if comptime!(share.uneven()) {
                    inside = inside && index < comptime!(share.fours());
                }
                let mut value = Four::new(0.0);
                if inside {
                    value = operand[from.matrix + step * from.line + from.first / 4 + four];
                }
                into[i] = value;
            }
        }
        Order::DepthLast => {
            let steps = comptime!(share.depth / 4);
            #[unroll]
            for i in 0..times {
                let index = from.unit + i * share.units;
                let step = depth + index % steps * 4;
                #[unroll]
                for j in 0..4usize {
                    let row = from.first + index / steps * 4 + j;
                    let mut inside = true;
                    if comptime!(share.edges) {
                        inside = step < from.end && row < from.extent;
                    }
                    if comptime!(share.uneven()) {
                        inside = inside && index < comptime!(share.fours() / 4);
                    }
                    let mut value = Four::new(0.0);
                    if inside {
                        value = operand[from.matrix + row * from.line + step / 4];
                    }
                    into[comptime!(i * 4 + j)] = value;
                }
            }
        }
    }
}

/// From registers into shared memory, as `[depth, extent]`.
#[cube]
fn keep(
    from: &Array<Four>,
    into: &mut Shared<[Four]>,
    at: usize,
    unit: usize,
    #[comptime] share: Share,
) {
    let times = comptime!(share.loads()[1]);
    match comptime!(share.order) {
        Order::DepthFirst =>
        {
            #[unroll]
            for i in 0..times {
                let index = unit + i * share.units;
                let mut inside = true;
                if comptime!(share.uneven()) {
                    inside = index < comptime!(share.fours());
                }
                if inside {
                    into[at + index] = from[i];
                }
            }
        }
        Order::DepthLast => {
            let steps = comptime!(share.depth / 4);
            #[unroll]
            for i in 0..times {
                let index = unit + i * share.units;
                let mut inside = true;
                if comptime!(share.uneven()) {
                    inside = index < comptime!(share.fours() / 4);
                }
                if inside {
                    #[unroll]
                    for step in 0..4usize {
                        let mut turned = Four::new(0.0);
                        #[unroll]
                        for j in 0..4usize {
                            turned.insert(j, from[comptime!(i * 4 + j)].extract(step));
                        }
                        let line = (index % steps * 4 + step) * comptime!(share.extent / 4);
                        into[at + line + index / steps] = turned;
                    }
                }
            }
        }
    }
}
