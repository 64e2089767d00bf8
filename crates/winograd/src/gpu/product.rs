//! Products of matrices, many of one size at once, between which the work of each is split where there are few.
//!
//! A cube computes one tile of one product, and each of its units some rows and columns of it in registers. The
//! operands come through shared memory, the next piece on its way while one is multiplied.

use burn_cubecl::cubecl::client::Client;
use burn_cubecl::cubecl::{self, prelude::*};

use super::memory::Numbers;

/// Four numbers that lie one behind the other.
pub(super) type Four = Vector<f32, Const<4>>;

/// What a cube and a unit compute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Tile {
    /// Rows and columns of a cube's tile.
    pub(super) rows: usize,
    pub(super) columns: usize,
    /// How much of the sum is in shared memory at once.
    pub(super) depth: usize,
    /// Rows and columns of a unit's part: multiples of four that divide those of the tile.
    pub(super) unit_rows: usize,
    pub(super) unit_columns: usize,
}

impl Tile {
    /// Whether a cube's shared memory holds its operands.
    pub(super) fn fits(self, client: &Client) -> bool {
        let bytes = 2 * self.depth * (self.rows + self.columns) * size_of::<f32>();
        bytes <= client.properties().hardware.max_shared_memory_size
    }

    /// Units of a cube.
    pub(super) fn units(self) -> usize {
        (self.rows / self.unit_rows) * (self.columns / self.unit_columns)
    }
}

/// How an operand lies in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Order {
    /// The numbers of one step of the sum are neighbours: `[depth, rows]`.
    DepthFirst,
    /// The numbers of one row (of the right operand: one column) are neighbours: `[rows, depth]`.
    DepthLast,
}

/// What is known of a product when its kernel is compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Form {
    tile: Tile,
    left: Order,
    right: Order,
    /// Whether tiles may reach beyond the matrices.
    edges: bool,
}

/// The sizes of [`Products`], in numbers.
#[derive(Clone, Copy, Debug, CubeType, CubeLaunch)]
struct Sizes {
    rows: u32,
    columns: u32,
    depth: u32,
    piece: u32,
    pieces: u32,
    /// From one matrix to the next, and from one line of a matrix to the next.
    left_matrix: u32,
    left_line: u32,
    right_matrix: u32,
    right_line: u32,
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
fn multiply(
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

    fn lines(&self, (order, line): (Order, usize), extent: usize) -> usize {
        match order {
            Order::DepthFirst => self.depth * line,
            Order::DepthLast => extent * line,
        }
    }

    fn sizes(&self) -> SizesLaunch {
        let sizes = [
            self.rows,
            self.columns,
            self.depth,
            self.piece,
            self.pieces(),
            self.lines(self.left, self.rows),
            self.left.1,
            self.lines(self.right, self.columns),
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

#[cfg(all(test, feature = "wgpu", not(feature = "fusion")))]
mod tests {
    use burn::tensor::{Device, DeviceKind, Distribution, Tensor};
    use burn_backend::TensorMetadata;
    use burn_cubecl::CubeBackend;

    use super::super::tiling::TILES;
    use super::*;

    /// Each tile, both operands in both orders, sums in pieces, with and without edges, against Burn's products.
    #[test]
    fn every_tile_in_every_order() {
        let device = Device::wgpu(DeviceKind::DefaultDevice);
        for (index, tile) in TILES.into_iter().enumerate() {
            for edges in [false, true] {
                let [left_order, right_order] = match (index % 2 == 0, edges) {
                    (true, false) => [Order::DepthFirst, Order::DepthFirst],
                    (true, true) => [Order::DepthLast, Order::DepthFirst],
                    (false, false) => [Order::DepthFirst, Order::DepthLast],
                    (false, true) => [Order::DepthLast, Order::DepthLast],
                };
                let more = if edges { 4 } else { 0 };
                let (rows, columns) = (tile.rows + more, tile.columns + more);
                let depth = 3 * tile.depth + more;
                let random =
                    |shape| Tensor::<3>::random(shape, Distribution::Uniform(-1.0, 1.0), &device);
                let left = random([2, rows, depth]);
                let right = random([2, depth, columns]);
                let expected = left.clone().matmul(right.clone());
                let (left, left_line) = match left_order {
                    Order::DepthFirst => (left.swap_dims(1, 2), rows),
                    Order::DepthLast => (left, depth),
                };
                let (right, right_line) = match right_order {
                    Order::DepthFirst => (right, columns),
                    Order::DepthLast => (right.swap_dims(1, 2), depth),
                };
                let products = Products {
                    matrices: 2,
                    rows,
                    columns,
                    depth,
                    piece: 2 * tile.depth,
                    left: (left_order, left_line),
                    right: (right_order, right_line),
                };
                let [left, right] = [left, right].map(|tensor| {
                    let tensor = tensor.try_into_primitive::<CubeBackend>();
                    tensor.expect("it lies there")
                });
                let (client, device) = (left.client.clone(), left.device());
                let pieces = products.pieces();
                let output = Numbers::new(&client, 2 * pieces * rows * columns);
                let sides = [&Numbers::of(left), &Numbers::of(right), &output];
                launch(&client, &products, sides, tile, edges);
                let shape = [2, pieces, rows, columns];
                let output = output.into_tensor(&client, &device, shape);
                let output = Tensor::<4>::from_primitive::<CubeBackend>(output);
                let found = output.sum_dim(1).squeeze_dim::<3>(1);
                let worst: f32 = (found - expected).abs().max().into_scalar();
                assert!(worst < 1e-4, "{tile:?}, edges {edges}: {worst}");
            }
        }
    }
}
