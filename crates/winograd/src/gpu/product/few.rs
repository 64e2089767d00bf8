//! Products in which one operand has four lines at most: a batch of one, or maps of a single tile.
//!
//! There is nothing to keep in shared memory, as no number of the long operand is used by two units. Each unit sums
//! a part of some lines, and the parts of a cube are added at the end.

use burn_cubecl::cubecl::client::Client;
use burn_cubecl::cubecl::{self, prelude::*};

use super::products::Products;
use super::tile::Order;
use crate::gpu::memory::{Four, Numbers};

/// The most lines of the short operand.
const MOST: usize = 4;

/// Units of a cube along the long operand's memory, and across it.
const ALONG: usize = 32;
const ACROSS: usize = 8;

/// Lines of the long operand that a unit takes, where they lie one behind the other.
const LINES: usize = 4;

/// The short operand of a product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::gpu) enum Few {
    /// All rows of the left one.
    Rows,
    /// So many columns of the right one, the first ones. The others of the output are left as they are.
    Columns(usize),
}

/// What is known of a product when its kernel is compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Form {
    /// Lines of the short operand.
    few: usize,
    /// How it lies.
    order: Order,
}

/// Sizes in numbers; the output's are the steps to the next matrix or piece, and to the next line of each operand.
#[derive(Clone, Copy, Debug, CubeType, CubeLaunch)]
struct Sizes {
    /// Lines of the long operand.
    extent: u32,
    depth: u32,
    piece: u32,
    pieces: u32,
    few_matrix: u32,
    few_line: u32,
    long_matrix: u32,
    long_line: u32,
    output_matrix: u32,
    output_few: u32,
    output_long: u32,
}

/// The long operand as `[depth, extent]`: a unit has four neighbouring lines of it.
#[cube(launch_unchecked)]
fn depth_first(
    few: &[Four],
    long: &[Four],
    output: &mut [f32],
    sizes: Sizes,
    #[comptime] form: Form,
) {
    let lines = comptime!(form.few);
    let (along, across) = (UNIT_POS as usize % ALONG, UNIT_POS as usize / ALONG);
    let four = CUBE_POS_X as usize * ALONG + along;
    let pieces = sizes.pieces as usize;
    let (matrix, piece) = (CUBE_POS_Z as usize / pieces, CUBE_POS_Z as usize % pieces);
    let first = piece * sizes.piece as usize;
    let end = (first + sizes.piece as usize).min(sizes.depth as usize);
    let (few_at, few_line) = (matrix * sizes.few_matrix as usize, sizes.few_line as usize);
    let long_at = matrix * (sizes.long_matrix as usize / 4) + four;
    let long_line = sizes.long_line as usize / 4;
    let inside = four < sizes.extent as usize / 4;

    let mut sums = Array::<Four>::new(lines);
    #[unroll]
    for i in 0..lines {
        sums[i] = Four::new(0.0);
    }
    if inside {
        let mut step = first + across * 4;
        while step < end {
            let mut numbers = Array::<Four>::new(4usize);
            #[unroll]
            for i in 0..4usize {
                numbers[i] = long[long_at + (step + i) * long_line];
            }
            match comptime!(form.order) {
                Order::DepthFirst =>
                {
                    #[unroll]
                    for i in 0..4usize {
                        let of_lines = few[(few_at + (step + i) * few_line) / 4];
                        #[unroll]
                        for line in 0..lines {
                            sums[line] += Four::new(of_lines.extract(line)) * numbers[i];
                        }
                    }
                }
                Order::DepthLast =>
                {
                    #[unroll]
                    for line in 0..lines {
                        let steps = few[(few_at + line * few_line + step) / 4];
                        #[unroll]
                        for i in 0..4usize {
                            sums[line] += Four::new(steps.extract(i)) * numbers[i];
                        }
                    }
                }
            }
            step += comptime!(ACROSS * 4);
        }
    }
    let mut shared = Shared::<[Four]>::new_slice(comptime!(lines * ACROSS * ALONG));
    #[unroll]
    for line in 0..lines {
        shared[comptime!(line * ACROSS * ALONG) + UNIT_POS as usize] = sums[line];
    }
    sync_cube();
    // A row of units for each line.
    if inside && across < lines {
        let mut sum = Four::new(0.0);
        #[unroll]
        for part in 0..ACROSS {
            sum += shared[across * comptime!(ACROSS * ALONG) + comptime!(part * ALONG) + along];
        }
        let at =
            CUBE_POS_Z as usize * sizes.output_matrix as usize + across * sizes.output_few as usize;
        #[unroll]
        for i in 0..4usize {
            output[at + (four * 4 + i) * sizes.output_long as usize] = sum.extract(i);
        }
    }
}

/// Both operands as `[lines, depth]`: the units along share some lines of the long one.
#[cube(launch_unchecked)]
fn depth_last(
    few: &[Four],
    long: &[Four],
    output: &mut [f32],
    sizes: Sizes,
    #[comptime] lines: usize,
) {
    let (along, across) = (UNIT_POS as usize % ALONG, UNIT_POS as usize / ALONG);
    let first_line = (CUBE_POS_X as usize * ACROSS + across) * LINES;
    let extent = sizes.extent as usize;
    let pieces = sizes.pieces as usize;
    let (matrix, piece) = (CUBE_POS_Z as usize / pieces, CUBE_POS_Z as usize % pieces);
    let first = piece * sizes.piece as usize;
    let end = (first + sizes.piece as usize).min(sizes.depth as usize);
    let (few_at, few_line) = (matrix * sizes.few_matrix as usize, sizes.few_line as usize);
    let long_at = matrix * sizes.long_matrix as usize;
    let long_line = sizes.long_line as usize;

    let mut sums = Array::<Four>::new(comptime!(lines * LINES));
    #[unroll]
    for i in 0..comptime!(lines * LINES) {
        sums[i] = Four::new(0.0);
    }
    let mut step = first + along * 4;
    while step < end {
        let mut steps = Array::<Four>::new(lines);
        #[unroll]
        for line in 0..lines {
            steps[line] = few[(few_at + line * few_line + step) / 4];
        }
        #[unroll]
        for i in 0..LINES {
            // Beyond the last line the last one once more; it is not written.
            let from = (first_line + i).min(extent - 1);
            let numbers = long[(long_at + from * long_line + step) / 4];
            #[unroll]
            for line in 0..lines {
                sums[comptime!(line * LINES + i)] += steps[line] * numbers;
            }
        }
        step += comptime!(ALONG * 4);
    }
    let mut shared = Shared::<[f32]>::new_slice(comptime!(LINES * ACROSS * ALONG));
    #[unroll]
    for line in 0..lines {
        #[unroll]
        for i in 0..LINES {
            let sum = sums[comptime!(line * LINES + i)];
            shared[(across * LINES + i) * ALONG + along] = (sum.extract(0usize)
                + sum.extract(1usize))
                + (sum.extract(2usize) + sum.extract(3usize));
        }
        sync_cube();
        // A unit for each line of the cube.
        let unit = UNIT_POS as usize;
        let of_long = CUBE_POS_X as usize * comptime!(ACROSS * LINES) + unit;
        if unit < comptime!(ACROSS * LINES) && of_long < extent {
            let mut sum = 0.0f32;
            for i in 0..ALONG {
                // Each begins elsewhere, as shared memory gives numbers that are `ALONG` apart one by one.
                sum += shared[unit * ALONG + (i + unit) % ALONG];
            }
            let at = CUBE_POS_Z as usize * sizes.output_matrix as usize
                + line * sizes.output_few as usize;
            output[at + of_long * sizes.output_long as usize] = sum;
        }
        sync_cube();
    }
}

/// Whether [`launch_few`] takes products of so many lines, with operands in these orders.
pub(in crate::gpu) fn takes_few(lines: usize, depth: usize, short: Order, long: Order) -> bool {
    lines <= MOST
        && depth.is_multiple_of(4)
        && [short, long] != [Order::DepthFirst, Order::DepthLast]
}

/// Into how many pieces the sums are best split, so that a large GPU is busy.
pub(in crate::gpu) fn pieces_for(extent: usize, depth: usize, long: Order) -> usize {
    let (lines, least) = match long {
        Order::DepthFirst => (ALONG * 4, ACROSS * 4),
        Order::DepthLast => (ACROSS * LINES, ALONG * 4),
    };
    // Four times of work or more for each unit.
    let most = depth.div_ceil(4 * least);
    CUBES.div_ceil(extent.div_ceil(lines)).clamp(1, most)
}

/// Cubes that keep a large GPU busy: eight for each of 132 processors.
const CUBES: usize = 1056;

/// The same as [`super::launch`], for products of which one operand is short: see [`takes_few`].
pub(in crate::gpu) fn launch_few(
    client: &Client,
    products: &Products,
    [left, right, output]: [&Numbers; 3],
    few: Few,
) {
    let (left_matrix, right_matrix) = (products.left_matrix(), products.right_matrix());
    let left = (products.rows, products.left, left_matrix, left);
    let right = (products.columns, products.right, right_matrix, right);
    let (lines, short, long, [of_short, of_long]) = match few {
        Few::Rows => (products.rows, left, right, [products.columns, 1]),
        Few::Columns(columns) => (columns, right, left, [1, products.columns]),
    };
    let (_, (short_order, short_line), short_matrix, short) = short;
    let (extent, (long_order, long_line), long_matrix, long) = long;
    debug_assert!(takes_few(lines, products.depth, short_order, long_order));
    let sizes = [
        extent,
        products.depth,
        products.piece,
        products.pieces(),
        short_matrix,
        short_line,
        long_matrix,
        long_line,
        products.rows * products.columns,
        of_short,
        of_long,
    ];
    let [a, b, c, d, e, f, g, h, i, j, k] = sizes.map(|size| size as u32);
    let sizes = SizesLaunch::new(a, b, c, d, e, f, g, h, i, j, k);
    let form = Form {
        few: lines,
        order: short_order,
    };
    let across = match long_order {
        Order::DepthFirst => extent.div_ceil(ALONG * 4),
        Order::DepthLast => extent.div_ceil(ACROSS * LINES),
    };
    let deep = products.matrices * products.pieces();
    let count = CubeCount::Static(across as u32, 1, deep as u32);
    let dim = CubeDim::new_1d((ALONG * ACROSS) as u32);
    let (short, long, output) = (short.argument(4), long.argument(4), output.argument(1));
    // SAFETY: the kernels stay within the sizes given.
    unsafe {
        match long_order {
            Order::DepthFirst => {
                depth_first::launch_unchecked(client, count, dim, short, long, output, sizes, form)
            }
            Order::DepthLast => {
                depth_last::launch_unchecked(client, count, dim, short, long, output, sizes, lines)
            }
        }
    }
}
