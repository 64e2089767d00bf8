//! Products with a matrix as it lies in memory, for [`crate::burn::linear`]. Its weights may be others the next
//! time, so that none are packed for good; [`crate::Linear`] is the counterpart that does.
//!
//! For a few rows the matrix is read in the order in which it is stored. Many rows are worth packing a panel
//! of the matrix at a time, into memory that a core keeps in its cache.
#![allow(unsafe_code)]

use crate::convolution::gemm::multiply;
use crate::linear::order::WeightOrder;
use crate::linear::weights::{LinearWeights, to_lines};
use crate::maps::line::{LANES, Line, lines_for};
use crate::memory::shared::Shared;
use crate::simd::{Kernel, Op, Vector};
use crate::threads::{Slot, Workspace, for_each_task, part, reserve, scratch};

/// Rows up to which a product reads the matrix where it lies.
const FEW: usize = 16;
/// Inputs of a panel that is packed at a time: with two lines to each, a panel takes 128 KiB.
const DEPTH: usize = 1024;
/// Inputs whose weights are read side by side.
const SIDE_BY_SIDE: usize = 8;
/// Weights `[out][in]` are taken in blocks of so many outputs and inputs, so that each is read once from memory, and the
/// inputs of a block by all its outputs from a near cache.
const OUTPUTS: usize = 16;
const INPUTS: usize = 4096;
/// Numbers ahead of which weights that are read a single time are asked for, so that they leave the last cache to others.
const AHEAD: usize = 1024;
/// Outputs of one row that are computed side by side: memory is faster in several runs than in one.
const RUNS: usize = 4;
/// Sums of a dot product, so that the processor need not wait for one.
const SUMS: usize = 4;

/// `output = input · weights + bias`.
///
/// # Shapes
/// - `input`: `[rows, in_features]`
/// - `bias`: `[out_features]`
/// - `output`: `[rows, out_features]`
pub(crate) fn multiply_rows(
    input: &[f32],
    weights: &LinearWeights<'_>,
    bias: Option<&[f32]>,
    output: &mut [f32],
    workspace: &mut Workspace,
) {
    let rows = input.len() / weights.in_features;
    debug_assert_eq!(output.len(), rows * weights.out_features);
    let product = Product {
        input,
        rows,
        weights,
        bias,
        output: Shared::new(output),
    };
    match (rows <= FEW, weights.order) {
        (false, _) => product.packed(workspace),
        (true, WeightOrder::InOut) => product.in_rows(workspace),
        (true, WeightOrder::OutIn) => product.in_columns(workspace),
    }
}

struct Product<'a> {
    input: &'a [f32],
    rows: usize,
    weights: &'a LinearWeights<'a>,
    bias: Option<&'a [f32]>,
    output: Shared<'a, f32>,
}

impl Product<'_> {
    /// Task by task a panel of outputs.
    fn packed(&self, workspace: &mut Workspace) {
        let mut parts = workspace.parts();
        let left = to_lines(self.input, self.weights.in_features, parts.spare);
        let kernel = Kernel::detect();
        let width = kernel.panel_lines();
        let panels = lines_for(self.weights.out_features).div_ceil(width);
        parts.lend_panels(DEPTH * width);
        reserve(parts.slots, 0, 2 * self.rows * width);
        for_each_task(parts.slots, panels, |slot, panel| {
            kernel.run(Panel {
                product: self,
                left: &left,
                first: panel * width,
                slot,
            });
        });
        parts.take_back_panels();
        parts.spare.give(left);
    }

    /// Weights `[in][out]`: task by task some columns of each row.
    fn in_rows(&self, workspace: &mut Workspace) {
        let parts = workspace.parts();
        let lines = lines_for(self.weights.out_features);
        let tasks = parts.slots.len().min(lines);
        reserve(parts.slots, 0, self.rows * lines.div_ceil(tasks));
        for_each_task(parts.slots, tasks, |slot, task| {
            let lines = part(lines, tasks, task);
            let end = (lines.end * LANES).min(self.weights.out_features);
            Kernel::detect().run(Columns {
                product: self,
                range: lines.start * LANES..end,
                sums: scratch(&mut slot.products, self.rows * lines.len()),
            });
        });
    }

    /// Weights `[out][in]`: task by task some rows.
    fn in_columns(&self, workspace: &mut Workspace) {
        let parts = workspace.parts();
        let outputs = self.weights.out_features;
        let tasks = outputs.div_ceil(64);
        reserve(parts.slots, 0, SUMS * OUTPUTS * self.rows);
        for_each_task(parts.slots, tasks, |slot, task| {
            Kernel::detect().run(Dots {
                product: self,
                range: part(outputs, tasks, task),
                sums: scratch(&mut slot.products, SUMS * OUTPUTS * self.rows),
            });
        });
    }

    /// Writes a line of a row's sums, with the bias.
    ///
    /// # Safety
    /// Nobody else reaches these columns meanwhile.
    unsafe fn put(&self, row: usize, line: usize, sums: &Line) {
        let outputs = self.weights.out_features;
        let (start, end) = (line * LANES, ((line + 1) * LANES).min(outputs));
        // SAFETY: says the caller.
        let to = unsafe { self.output.part(row * outputs + start..row * outputs + end) };
        for ((to, output), sum) in to.iter_mut().zip(start..).zip(sums.0) {
            *to = sum + self.bias(output);
        }
    }

    fn bias(&self, output: usize) -> f32 {
        self.bias.map_or(0.0, |bias| bias[output])
    }
}

/// A panel of packed weights times all rows.
struct Panel<'a> {
    product: &'a Product<'a>,
    left: &'a [Line],
    /// The first line of the panel.
    first: usize,
    slot: &'a mut Slot,
}

impl Op for Panel<'_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector>(self) {
        let Panel {
            product,
            left,
            first,
            slot,
        } = self;
        let (rows, weights) = (product.rows, product.weights);
        let cols = V::COLS.min(lines_for(weights.out_features) - first);
        let in_lines = lines_for(weights.in_features);
        let (sums, products) =
            scratch(&mut slot.products, 2 * rows * cols).split_at_mut(rows * cols);
        for start in (0..in_lines).step_by(DEPTH / LANES) {
            let depth = (DEPTH / LANES).min(in_lines - start);
            let panel = &mut slot.weights[..depth * LANES * cols];
            weights.pack_panel(first, cols, start * LANES, panel, Line);
            let left = &left[start * rows..][..depth * rows];
            let to = if start == 0 {
                &mut *sums
            } else {
                &mut *products
            };
            multiply::<V, Line, false>(left, rows, rows, panel, cols, to, rows);
            if start > 0 {
                for (sum, more) in sums.iter_mut().zip(&*products) {
                    V::load(&sum.0).add(V::load(&more.0)).store(&mut sum.0);
                }
            }
        }
        for (index, sums) in sums.iter().enumerate() {
            // SAFETY: no other task has these columns.
            unsafe { product.put(index % rows, first + index / rows, sums) };
        }
    }
}

/// Some columns of weights `[in][out]`.
struct Columns<'a> {
    product: &'a Product<'a>,
    range: std::ops::Range<usize>,
    /// `[row][line of columns]`
    sums: &'a mut [Line],
}

impl Op for Columns<'_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector>(mut self) {
        let inputs = self.product.weights.in_features;
        self.sums.fill(Line::ZERO);
        let mut first = 0;
        while first + SIDE_BY_SIDE <= inputs {
            self.add_inputs::<V, SIDE_BY_SIDE>(first);
            first += SIDE_BY_SIDE;
        }
        for input in first..inputs {
            self.add_inputs::<V, 1>(input);
        }
        self.add_rest();
        let lines = lines_for(self.range.len());
        for (index, sums) in self.sums.iter().enumerate() {
            let line = self.range.start / LANES + index % lines;
            // SAFETY: no other task has these columns.
            unsafe { self.product.put(index / lines, line, sums) };
        }
    }
}

impl<'a> Columns<'a> {
    #[inline(always)]
    fn weights(&self, input: usize) -> &'a [f32] {
        let weights = self.product.weights;
        &weights.data[input * weights.out_features..][self.range.clone()]
    }

    #[inline(always)]
    fn input(&self, row: usize, input: usize) -> f32 {
        self.product.input[row * self.product.weights.in_features + input]
    }

    /// Adds what inputs `first..first + N` make of the columns that fill a line.
    #[inline(always)]
    fn add_inputs<V: Vector, const N: usize>(&mut self, first: usize) {
        let lines = lines_for(self.range.len());
        let from: [&[[f32; LANES]]; N] =
            std::array::from_fn(|i| self.weights(first + i).as_chunks().0);
        for line in 0..self.range.len() / LANES {
            let mut loaded = [V::splat(0.0); N];
            for (loaded, from) in loaded.iter_mut().zip(from) {
                *loaded = V::load(&from[line]);
            }
            for row in 0..self.product.rows {
                let mut total = V::load(&self.sums[row * lines + line].0);
                for (i, &loaded) in loaded.iter().enumerate() {
                    total = loaded.scale_add(self.input(row, first + i), total);
                }
                total.store(&mut self.sums[row * lines + line].0);
            }
        }
    }

    /// Adds what all inputs make of the last columns, if they do not fill a line.
    fn add_rest(&mut self) {
        let (whole, lines) = (self.range.len() / LANES, lines_for(self.range.len()));
        for input in 0..self.product.weights.in_features {
            for (lane, &weight) in self.weights(input)[whole * LANES..].iter().enumerate() {
                for row in 0..self.product.rows {
                    self.sums[row * lines + whole].0[lane] += weight * self.input(row, input);
                }
            }
        }
    }
}

/// Some rows of weights `[out][in]`.
struct Dots<'a> {
    product: &'a Product<'a>,
    range: std::ops::Range<usize>,
    /// `[row][output of a block][sum]`
    sums: &'a mut [Line],
}

impl Op for Dots<'_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector>(self) {
        let Dots {
            product,
            range,
            sums,
        } = self;
        let (rows, inputs) = (product.rows, product.weights.in_features);
        let weights = |output: usize| &product.weights.data[output * inputs..][..inputs];
        let input = |row: usize| &product.input[row * inputs..][..inputs];
        // Blocks end where a dot product would begin with its first sum again.
        let whole = inputs / (SUMS * LANES) * (SUMS * LANES);
        // One row needs nothing again.
        let block = if rows == 1 { whole.max(1) } else { INPUTS };
        for first in range.clone().step_by(OUTPUTS) {
            let outputs = OUTPUTS.min(range.end - first);
            let place = |row: usize, output: usize| (row * OUTPUTS + output) * SUMS;
            sums.fill(Line::ZERO);
            for start in (0..whole).step_by(block) {
                let part = start..(start + block).min(whole);
                let weights = |output: usize| &weights(first + output)[part.clone()];
                let mut output = 0;
                while output < outputs {
                    let runs = if output + RUNS <= outputs { RUNS } else { 1 };
                    for row in 0..rows {
                        let (input, sums) =
                            (&input(row)[part.clone()], &mut sums[place(row, output)..]);
                        match runs {
                            RUNS => {
                                let weights = std::array::from_fn(|run| weights(output + run));
                                match rows {
                                    1 => add_dots::<V, RUNS, true>(weights, input, sums),
                                    _ => add_dots::<V, RUNS, false>(weights, input, sums),
                                }
                            }
                            _ => add_dots::<V, 1, false>([weights(output)], input, sums),
                        }
                    }
                    output += runs;
                }
            }
            for row in 0..rows {
                for output in 0..outputs {
                    let sums = &sums[place(row, output)..][..SUMS];
                    let rest = [&weights(first + output)[whole..], &input(row)[whole..]];
                    let sum = end_of_dot::<V>(sums, rest) + product.bias(first + output);
                    let index = row * product.weights.out_features + first + output;
                    // SAFETY: no other task has this column.
                    *unsafe { product.output.line(index) } = sum;
                }
            }
        }
    }
}

/// Adds aᵢ·bᵢ to the sums of each of several a, line by line to one after the other. There are whole turns of lines.
#[inline(always)]
fn add_dots<V: Vector, const N: usize, const ONCE: bool>(
    a: [&[f32]; N],
    b: &[f32],
    sums: &mut [Line],
) {
    let a = a.map(|a| a.as_chunks::<LANES>().0);
    let b = b.as_chunks::<LANES>().0;
    let mut totals: [[V; SUMS]; N] =
        std::array::from_fn(|n| std::array::from_fn(|index| V::load(&sums[n * SUMS + index].0)));
    for (turn, b) in b.chunks_exact(SUMS).enumerate() {
        for (totals, a) in totals.iter_mut().zip(a) {
            let a = &a[turn * SUMS..][..SUMS];
            if ONCE {
                for line in a {
                    V::prefetch_once(line.as_ptr().wrapping_add(AHEAD));
                }
            }
            for ((total, a), b) in totals.iter_mut().zip(a).zip(b) {
                *total = V::load(a).mul_add(V::load(b), *total);
            }
        }
    }
    for (sums, totals) in sums.chunks_exact_mut(SUMS).zip(totals) {
        for (sum, total) in sums.iter_mut().zip(totals) {
            total.store(&mut sum.0);
        }
    }
}

/// Σ aᵢ·bᵢ of the last few numbers, and all sums.
#[inline(always)]
fn end_of_dot<V: Vector>(sums: &[Line], [a, b]: [&[f32]; 2]) -> f32 {
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
    let mut totals: [V; SUMS] = std::array::from_fn(|index| V::load(&sums[index].0));
    for (a, b) in a.iter().zip(b) {
        totals[0] = V::load(a).mul_add(V::load(b), totals[0]);
    }
    let mut lanes = [0.0; LANES];
    let total = totals[0].add(totals[1]).add(totals[2].add(totals[3]));
    total.store(&mut lanes);
    let rest = a_rest.iter().zip(b_rest).map(|(a, b)| a * b);
    lanes.iter().sum::<f32>() + rest.sum::<f32>()
}
