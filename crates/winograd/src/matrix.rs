//! Products with a matrix as it lies in memory, for [`crate::burn::linear`]. Its weights may be others the next
//! time, so that none are packed for good; [`crate::Linear`] is the counterpart that does.
//!
//! For a few rows the matrix is read in the order in which it is stored. Many rows are worth packing a panel
//! of the matrix at a time, into memory that a core keeps in its cache.
#![allow(unsafe_code)]

use crate::gemm::{multiply, multiply_transposed};
use crate::line::{LANES, Line, lines_for};
use crate::linear::{LinearWeights, WeightOrder, to_lines};
use crate::parallel::{Slot, Workspace, for_each_task, part, reserve, scratch};
use crate::shared::Shared;
use crate::simd::{Kernel, Op, Vector};

/// Rows up to which a product reads the matrix where it lies.
const FEW: usize = 16;
/// Inputs of a panel that is packed at a time: with two lines to each, a panel takes 128 KiB.
const DEPTH: usize = 1024;
/// Inputs whose weights are read side by side.
const SIDE_BY_SIDE: usize = 8;

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
    let mut product = Product {
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
    fn packed(&mut self, workspace: &mut Workspace) {
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
    fn in_rows(&mut self, workspace: &mut Workspace) {
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
    fn in_columns(&mut self, workspace: &mut Workspace) {
        let parts = workspace.parts();
        let outputs = self.weights.out_features;
        let tasks = outputs.div_ceil(64);
        for_each_task(parts.slots, tasks, |_, task| {
            Kernel::detect().run(Dots {
                product: self,
                range: part(outputs, tasks, task),
            });
        });
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
            pack(weights, first, cols, start * LANES, panel);
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
            let (line, row) = (first + index / rows, index % rows);
            let outputs = line * LANES..((line + 1) * LANES).min(weights.out_features);
            let place = row * weights.out_features;
            // SAFETY: no other task has these columns.
            let to = unsafe {
                product
                    .output
                    .part(place + outputs.start..place + outputs.end)
            };
            for ((to, output), sum) in to.iter_mut().zip(outputs).zip(sums.0) {
                *to = sum + product.bias(output);
            }
        }
    }
}

/// Packs `cols` lines of outputs from line `first` on, of the inputs from `start` on, as `[in][col]`.
#[inline(always)]
fn pack(weights: &LinearWeights<'_>, first: usize, cols: usize, start: usize, panel: &mut [Line]) {
    let outputs = first * LANES..(first + cols) * LANES;
    if weights.order == WeightOrder::InOut && outputs.end <= weights.out_features {
        // Whole lines are copied as they lie there.
        let inputs = panel.chunks_exact_mut(cols).zip(start..);
        for (lines, input) in inputs {
            if input >= weights.in_features {
                lines.fill(Line::ZERO);
                continue;
            }
            let row = &weights.data[input * weights.out_features..][outputs.clone()];
            for (line, values) in lines.iter_mut().zip(row.as_chunks().0) {
                line.0 = *values;
            }
        }
        return;
    }
    for (block, lines) in panel.chunks_exact_mut(LANES * cols).enumerate() {
        for col in 0..cols {
            let block = weights.block(first + col, start / LANES + block);
            for (line, values) in lines[col..].iter_mut().step_by(cols).zip(block) {
                line.0 = values;
            }
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
    fn run<V: Vector>(self) {
        let Columns {
            product,
            range,
            sums,
        } = self;
        let (inputs, outputs) = (product.weights.in_features, product.weights.out_features);
        let whole = range.len() / LANES;
        let lines = lines_for(range.len());
        sums.fill(Line::ZERO);
        let weights = |input: usize| &product.weights.data[input * outputs..][range.clone()];
        let x = |row: usize, input: usize| product.input[row * inputs + input];
        let mut first = 0;
        while first + SIDE_BY_SIDE <= inputs {
            let from: [&[[f32; LANES]]; SIDE_BY_SIDE] =
                std::array::from_fn(|i| weights(first + i).as_chunks().0);
            for line in 0..whole {
                let mut loaded = [V::splat(0.0); SIDE_BY_SIDE];
                for (loaded, from) in loaded.iter_mut().zip(from) {
                    *loaded = V::load(&from[line]);
                }
                for row in 0..product.rows {
                    let sum = &mut sums[row * lines + line].0;
                    let mut total = V::load(sum);
                    for (i, &from) in loaded.iter().enumerate() {
                        total = from.scale_add(x(row, first + i), total);
                    }
                    total.store(sum);
                }
            }
            first += SIDE_BY_SIDE;
        }
        for input in first..inputs {
            let (from, _) = weights(input).as_chunks();
            for (line, from) in from.iter().enumerate() {
                for row in 0..product.rows {
                    let sum = &mut sums[row * lines + line].0;
                    let total = V::load(from).scale_add(x(row, input), V::load(sum));
                    total.store(sum);
                }
            }
        }
        // Columns that do not fill a line.
        for input in 0..inputs {
            for (lane, &weight) in weights(input)[whole * LANES..].iter().enumerate() {
                for row in 0..product.rows {
                    sums[row * lines + whole].0[lane] += weight * x(row, input);
                }
            }
        }
        for row in 0..product.rows {
            let start = row * outputs;
            // SAFETY: no other task has these columns.
            let to = unsafe { product.output.part(start + range.start..start + range.end) };
            for (index, to) in to.iter_mut().enumerate() {
                let sum = sums[row * lines + index / LANES].0[index % LANES];
                *to = sum + product.bias(range.start + index);
            }
        }
    }
}

/// Some rows of weights `[out][in]`.
struct Dots<'a> {
    product: &'a Product<'a>,
    range: std::ops::Range<usize>,
}

impl Op for Dots<'_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector>(self) {
        let Dots { product, range } = self;
        let (inputs, outputs) = (product.weights.in_features, product.weights.out_features);
        for output in range {
            let weights = &product.weights.data[output * inputs..][..inputs];
            for row in 0..product.rows {
                let input = &product.input[row * inputs..][..inputs];
                let sum = dot::<V>(weights, input) + product.bias(output);
                // SAFETY: no other task has this column.
                *unsafe { product.output.line(row * outputs + output) } = sum;
            }
        }
    }
}

/// Σ aᵢ·bᵢ, in four sums so that the processor need not wait for one.
#[inline(always)]
fn dot<V: Vector>(a: &[f32], b: &[f32]) -> f32 {
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
    let mut sums = [V::splat(0.0); 4];
    let mut quads = a.chunks_exact(4).zip(b.chunks_exact(4));
    for (a, b) in &mut quads {
        for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
            *sum = V::load(a).mul_add(V::load(b), *sum);
        }
    }
    let done = a.len() / 4 * 4;
    for (a, b) in a[done..].iter().zip(&b[done..]) {
        sums[0] = V::load(a).mul_add(V::load(b), sums[0]);
    }
    let mut lanes = [0.0; LANES];
    let total = sums[0].add(sums[1]).add(sums[2].add(sums[3]));
    total.store(&mut lanes);
    let rest = a_rest.iter().zip(b_rest).map(|(a, b)| a * b);
    lanes.iter().sum::<f32>() + rest.sum::<f32>()
}

/// `result = inputᵀ · gradient`, the gradient of the weights `[in_features, out_features]`.
///
/// # Shapes
/// - `input`: `[rows, in_features]`
/// - `gradient`: `[rows, out_features]`
/// - `result`: `[in_features, out_features]`, overwritten
pub(crate) fn multiply_columns(
    input: &[f32],
    gradient: &[f32],
    [in_features, out_features]: [usize; 2],
    result: &mut [f32],
    workspace: &mut Workspace,
) {
    debug_assert_eq!(result.len(), in_features * out_features);
    let parts = workspace.parts();
    let left = to_lines(input, in_features, parts.spare);
    let right = to_lines(gradient, out_features, parts.spare);
    let rows = input.len() / in_features;
    let kernel = Kernel::detect();
    let bands = result.chunks_mut(LANES * out_features);
    let bands: Vec<_> = bands.map(std::sync::Mutex::new).collect();
    for_each_task(parts.slots, bands.len(), |_, line| {
        let mut band = bands[line].lock().unwrap_or_else(|held| held.into_inner());
        kernel.run(Band {
            left: &left[line * rows..][..rows],
            right: &right,
            out_features,
            band: &mut band,
        });
    });
    parts.spare.give(left);
    parts.spare.give(right);
}

/// The rows of the result that belong to a line of inputs.
struct Band<'a> {
    left: &'a [Line],
    right: &'a [Line],
    out_features: usize,
    band: &'a mut [f32],
}

impl Op for Band<'_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector>(self) {
        let rows = self.left.len();
        let lines = lines_for(self.out_features);
        for first in (0..lines).step_by(V::COLS) {
            let cols = V::COLS.min(lines - first);
            let mut sums = [Line::ZERO; 2 * LANES];
            let right = &self.right[first * rows..];
            multiply_transposed::<V>(self.left, right, rows, cols, &mut sums[..LANES * cols]);
            let start = first * LANES;
            let end = (start + cols * LANES).min(self.out_features);
            let band = self.band.chunks_exact_mut(self.out_features);
            for (row, sums) in band.zip(sums.chunks_exact(cols)) {
                for (to, sums) in row[start..end].chunks_mut(LANES).zip(sums) {
                    to.copy_from_slice(&sums.0[..to.len()]);
                }
            }
        }
    }
}
