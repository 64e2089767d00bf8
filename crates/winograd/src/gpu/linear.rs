//! Linear layers, and the gradients of what they take.

use burn_cubecl::cubecl::client::Client;
use burn_cubecl::cubecl::{self, prelude::*};

use super::cubes::cubes_of_units;
use super::memory::Numbers;
use super::product::{Order, Products};
use super::sums::added;
use super::tiling;

/// A matrix as it lies in memory, `lines` of `length` numbers.
#[derive(Clone, Debug)]
pub(super) struct Matrix {
    pub(super) numbers: Numbers,
    pub(super) lines: usize,
    pub(super) length: usize,
}

impl Matrix {
    /// Its element in line `i` at `j` is that of the operand in step `i` of the sum, if `depth_first` is set.
    fn strides(&self, order: Order) -> [usize; 2] {
        match order {
            Order::DepthFirst => [self.length, 1],
            Order::DepthLast => [1, self.length],
        }
    }
}

/// Adds the pieces of sums `[pieces, rows, columns]`, and the bias, `[columns]`.
#[cube(launch_unchecked)]
fn add_pieces_kernel<V: Size>(
    sums: &[Vector<f32, V>],
    bias: ComptimeOption<&[Vector<f32, V>]>,
    output: &mut [Vector<f32, V>],
    line: u32,
    units: u32,
    pieces: u32,
    #[comptime] relu: bool,
    #[define(V)] _vector: usize,
) {
    let units = units as usize;
    if ABSOLUTE_POS >= units {
        terminate!();
    }
    let column = ABSOLUTE_POS % line as usize;
    let bias: ComptimeOption<Vector<f32, V>> = bias.map(|bias| bias[column]);
    let mut sum = bias.unwrap_or_else(|| Vector::zero());
    for piece in 0..pieces as usize {
        sum += sums[piece * units + ABSOLUTE_POS];
    }
    if comptime!(relu) {
        sum = clamp_min(sum, Vector::<f32, V>::new(0.0));
    }
    output[ABSOLUTE_POS] = sum;
}

/// One sum of products after the other: for what has no lines of four numbers, and is small.
#[cube(launch_unchecked)]
fn sums_kernel(
    left: &[f32],
    right: &[f32],
    bias: ComptimeOption<&[f32]>,
    output: &mut [f32],
    rows: u32,
    columns: u32,
    depth: u32,
    left_step: u32,
    left_row: u32,
    right_step: u32,
    right_column: u32,
    #[comptime] relu: bool,
    #[comptime] units: usize,
) {
    let at = ABSOLUTE_POS / units;
    let columns = columns as usize;
    let inside = at < rows as usize * columns;
    let (row, column) = (at / columns, at % columns);
    let mut sum = 0.0f32;
    if inside {
        let mut step = ABSOLUTE_POS % units;
        while step < depth as usize {
            let of_left = left[row * left_row as usize + step * left_step as usize];
            let of_right = right[column * right_column as usize + step * right_step as usize];
            sum += of_left * of_right;
            step += units;
        }
    }
    if comptime!(units > 1) {
        sum = added(sum, units);
    }
    if inside && ABSOLUTE_POS % units == 0 {
        let bias: ComptimeOption<f32> = bias.map(|bias| bias[column]);
        let mut sum = sum + bias.unwrap_or_else(|| 0.0f32);
        if comptime!(relu) {
            sum = clamp_min(sum, 0.0f32);
        }
        output[at] = sum;
    }
}

/// The most multiplications for which lines that are no multiple of four numbers are taken.
const MOST_SMALL: usize = 1 << 26;

/// Whether [`multiply`] takes such a product.
pub(crate) fn takes(rows: usize, columns: usize, depth: usize, lines: [usize; 2]) -> bool {
    let whole = columns.is_multiple_of(4) && lines.iter().all(|line| line.is_multiple_of(4));
    whole || rows * columns * depth <= MOST_SMALL
}

/// `left · right + bias`, `[rows, columns]`, with ReLU if it is set. The sums run over `depth`.
pub(super) fn multiply(
    client: &Client,
    (left, left_order): (&Matrix, Order),
    (right, right_order): (&Matrix, Order),
    bias: Option<&Numbers>,
    relu: bool,
) -> Numbers {
    let (rows, depth) = match left_order {
        Order::DepthFirst => (left.length, left.lines),
        Order::DepthLast => (left.lines, left.length),
    };
    let columns = match right_order {
        Order::DepthFirst => right.length,
        Order::DepthLast => right.lines,
    };
    let output = Numbers::new(client, rows * columns);
    let whole = [columns, left.length, right.length]
        .iter()
        .all(|line| line.is_multiple_of(4));
    if !whole {
        let [left_step, left_row] = left.strides(left_order);
        let [right_step, right_column] = right.strides(right_order);
        let units = if depth >= 256 { 64 } else { 1 };
        let (count, dim) = cubes_of_units(client, rows * columns * units);
        // SAFETY: the kernel stays within both matrices and writes `rows * columns` numbers.
        unsafe {
            sums_kernel::launch_unchecked(
                client,
                count,
                dim,
                left.numbers.argument(1),
                right.numbers.argument(1),
                bias.map(|bias| bias.argument(1)).into(),
                output.argument(1),
                rows as u32,
                columns as u32,
                depth as u32,
                left_step as u32,
                left_row as u32,
                right_step as u32,
                right_column as u32,
                relu,
                units,
            );
        }
        return output;
    }
    let orders = [left_order, right_order];
    let (way, pieces) = tiling::way_and_split([rows, columns, depth], orders);
    let products = Products {
        matrices: 1,
        rows,
        columns,
        depth,
        piece: depth.div_ceil(pieces).next_multiple_of(way.depth()),
        left: (left_order, left.length),
        right: (right_order, right.length),
    };
    let pieces = products.pieces();
    let sums = match pieces {
        1 if bias.is_none() && !relu => output.clone(),
        _ => Numbers::new(client, pieces * rows * columns),
    };
    let sides = [&left.numbers, &right.numbers, &sums];
    way.launch(client, &products, sides, true);
    if pieces > 1 || bias.is_some() || relu {
        let units = rows * columns / 4;
        let (count, dim) = cubes_of_units(client, units);
        // SAFETY: `pieces * rows * columns` numbers are read and `rows * columns` written.
        unsafe {
            add_pieces_kernel::launch_unchecked(
                client,
                count,
                dim,
                sums.argument(4),
                bias.map(|bias| bias.argument(4)).into(),
                output.argument(4),
                (columns / 4) as u32,
                units as u32,
                pieces as u32,
                relu,
                4,
            );
        }
    }
    output
}
