//! The forward pass as one matrix product over taps and channels, for maps too small for Winograd's tiles.
//!
//! The rows of the left factor are output pixels, and their sixteen channels are copied line by line.
#![allow(unsafe_code)]

use std::ops::Range;

use crate::convolution::gemm::multiply;
use crate::convolution::winograd::Pass;
use crate::maps::line::Line;
use crate::memory::shared::Shared;
use crate::simd::{Op, Vector};
use crate::threads::{Parts, for_each_task, part, reserve, scratch};
use crate::transform::grid::Grid;

/// Lines of the left factor at a time.
const CHUNK_LINES: usize = 4 * 1024 * 1024 / 64;

/// The rows of the left factor.
struct Rows {
    /// Rows are cut between groups of so many: the pixels of a window, with pooling.
    group: usize,
    groups: usize,
    taps: Range<usize>,
    /// So many parts are multiplied one after the other.
    chunks: usize,
}

impl Rows {
    fn new(pass: &Pass) -> Self {
        let (down, across) = pass.tail.size(pass.grid.out_height, pass.grid.out_width);
        let group = if pass.tail.pool { 4 } else { 1 };
        let groups = pass.grid.batch * down * across;
        let taps = useful_taps(&pass.grid);
        let lines = groups * group * taps.len() * pass.in_lines;
        Self {
            group,
            groups,
            chunks: lines.div_ceil(CHUNK_LINES).min(groups),
            taps,
        }
    }
}

/// Whether each panel of weights is taken a single time.
pub(crate) fn takes_panels_once(pass: &Pass, threads: usize) -> bool {
    Rows::new(pass).chunks == 1 && threads <= pass.packing.panels()
}

/// Writes the output of the convolution, finished by the tail.
pub(crate) fn run(pass: &Pass, output: &mut [Line], mut parts: Parts) {
    let Rows {
        group,
        groups,
        taps,
        chunks,
    } = Rows::new(pass);
    let lines = taps.len() * pass.in_lines;
    let panels = pass.packing.panels();
    let output = Shared::new(output);
    for chunk in 0..chunks {
        let range = part(groups, chunks, chunk);
        let rows = range.len() * group;
        let mut left = parts.spare.take(lines * rows);
        copy_windows(pass, &taps, range.clone(), rows, &mut left);
        let pieces = parts.slots.len().div_ceil(panels).min(range.len());
        let largest = range.len().div_ceil(pieces) * group;
        reserve(parts.slots, 0, largest * pass.packing.panel_lines);
        parts.lend_panels(pass.weights.lines_to_pack(pass.packing));
        for_each_task(parts.slots, panels * pieces, |slot, task| {
            let (panel, piece) = (task / pieces, part(range.len(), pieces, task % pieces));
            let (kernel, packing) = (pass.kernel, pass.packing);
            kernel.run(Panel {
                pass,
                weights: pass
                    .weights
                    .panel(kernel, packing, panel, &mut slot.weights),
                output: &output,
                left: &left[piece.start * group..],
                step: rows,
                taps: taps.clone(),
                products: &mut slot.products,
                groups: range.start + piece.start..range.start + piece.end,
                panel,
            });
        });
        parts.take_back_panels();
        parts.spare.give(left);
    }
}

/// The range of taps outside of which all taps read nothing but padding: for a 1x1 map with padding 1
/// only the middle one is left.
fn useful_taps(grid: &Grid) -> Range<usize> {
    let useful = |tap: &usize| {
        let along = |k: usize, size: usize, out: usize| {
            (0..out).any(|o| o + k >= grid.padding && o + k < grid.padding + size)
        };
        along(tap / 3, grid.height, grid.out_height) && along(tap % 3, grid.width, grid.out_width)
    };
    let first = (0..9).find(useful).unwrap_or(0);
    let last = (0..9).rev().find(useful).unwrap_or(8);
    first..last + 1
}

/// The output pixels `[group][pixel of group]` of `groups`: image, row, column.
#[inline(always)]
fn pixel(pass: &Pass, group: usize, index: usize) -> (usize, usize, usize) {
    let (down, across) = pass.tail.size(pass.grid.out_height, pass.grid.out_width);
    let (image, y, x) = (
        group / (down * across),
        group / across % down,
        group % across,
    );
    if pass.tail.pool {
        (image, 2 * y + index / 2, 2 * x + index % 2)
    } else {
        (image, y, x)
    }
}

/// Fills the left factor: `[tap][channel line][row]`.
fn copy_windows(
    pass: &Pass,
    taps: &Range<usize>,
    groups: Range<usize>,
    rows: usize,
    left: &mut [Line],
) {
    let grid = &pass.grid;
    let group = rows / groups.len();
    for (row, (first, index)) in groups
        .flat_map(|g| (0..group).map(move |index| (g, index)))
        .enumerate()
    {
        let (image, y, x) = pixel(pass, first, index);
        for (t, tap) in taps.clone().enumerate() {
            let y = (y + tap / 3).wrapping_sub(grid.padding);
            let x = (x + tap % 3).wrapping_sub(grid.padding);
            let inside = y < grid.height && x < grid.width;
            for line in 0..pass.in_lines {
                let to = &mut left[(t * pass.in_lines + line) * rows + row];
                *to = if inside {
                    let plane = image * pass.in_lines + line;
                    pass.input[(plane * grid.height + y) * grid.width + x]
                } else {
                    Line::ZERO
                };
            }
        }
    }
}

/// The outputs of `groups` of pixels in one panel of channels.
struct Panel<'a> {
    pass: &'a Pass<'a>,
    /// The panel, packed.
    weights: &'a [Line],
    output: &'a Shared<'a>,
    /// Begins at the first row of the first group.
    left: &'a [Line],
    step: usize,
    taps: Range<usize>,
    products: &'a mut Vec<Line>,
    groups: Range<usize>,
    panel: usize,
}

impl Op for Panel<'_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector>(self) {
        let pass = self.pass;
        let packing = pass.packing;
        let tail = &pass.tail;
        let cols = packing.cols(self.panel);
        let group = if tail.pool { 4 } else { 1 };
        let rows = self.groups.len() * group;
        let products = scratch(self.products, cols * rows);
        let panel = packing.points(self.weights, self.taps.clone());
        multiply::<V, Line, false>(self.left, self.step, rows, panel, cols, products, rows);
        let (down, across) = tail.size(pass.grid.out_height, pass.grid.out_width);
        for col in 0..cols {
            let line = self.panel * packing.panel_lines + col;
            let bias = V::load(&tail.bias[line].0);
            let mut row = col * rows;
            for group_index in self.groups.clone() {
                let mut value = V::load(&products[row].0);
                for other in &products[row + 1..row + group] {
                    value = value.max(V::load(&other.0));
                }
                row += group;
                let (image, place) = (group_index / (down * across), group_index % (down * across));
                let index = (image * packing.out_lines + line) * down * across + place;
                // SAFETY: no other task has these pixels and channels.
                let to = unsafe { self.output.line(index) };
                tail.activate(value, bias).store(&mut to.0);
            }
        }
    }
}
