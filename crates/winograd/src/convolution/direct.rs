//! The forward pass for few input channels, such as the one or three of an image.
//!
//! A line of sixteen channels would be mostly empty, so the input is read as planes: the sums of a row of
//! pixels and all their output channels stay in registers over the `9 · channels` taps.
#![allow(unsafe_code)]

use std::ops::Range;

use crate::convolution::gemm::with_sizes;
use crate::convolution::winograd::Pass;
use crate::maps::line::{LANES, Line};
use crate::memory::shared::Shared;
use crate::simd::{Op, Vector};
use crate::threads::{Parts, Slot, for_each_task, reserve, scratch};

/// Lines of output above which the caches would not hold it until the next layer anyway. To write past them
/// saves reading each line before it is overwritten, a fifth of the time of vgg16's first layer.
const LARGE_OUTPUT: usize = 8 * 1024 * 1024 / 64;

/// Where the planes of the input come from.
#[derive(Clone, Copy)]
pub(crate) enum Planes<'a> {
    /// `[batch][channels][height][width]`
    Nchw(&'a [f32]),
    /// `[batch][channels / 16][height][width][16]`
    Lines(&'a [Line]),
}

/// Writes the output of the convolution, finished by the tail, by all packed `weights`. Those of `pass` and
/// its input are not used.
pub(crate) fn run(
    pass: &Pass,
    weights: &[Line],
    planes: Planes,
    channels: usize,
    output: &mut [Line],
    parts: Parts,
) {
    let (grid, tail) = (&pass.grid, &pass.tail);
    let (down, _) = tail.size(grid.out_height, grid.out_width);
    let rows = if tail.pool { 2 } else { 1 };
    let width = grid.width + 2 * grid.padding;
    let Parts { slots, offsets, .. } = parts;
    offsets.clear();
    offsets.extend((0..channels * 9).map(|k| {
        let (channel, tap) = (k / 9, k % 9);
        (channel * (rows + 2) + tap / 3) * width + tap % 3
    }));
    let offsets = &*offsets;
    reserve(slots, 0, pass.packing.panel_lines * rows * grid.out_width);
    for slot in &mut *slots {
        slot.planar.resize(channels * (rows + 2) * width, 0.0);
    }
    let past_caches = output.len() > LARGE_OUTPUT;
    let output = Shared::new(output);
    for_each_task(slots, pass.grid.batch * down, |slot, task| {
        pass.kernel.run(Row {
            pass,
            weights,
            planes,
            channels,
            output: &output,
            slot,
            offsets,
            past_caches,
            image: task / down,
            row: task % down,
        });
    });
}

/// One row of the output, or two that are pooled to one.
struct Row<'a> {
    pass: &'a Pass<'a>,
    weights: &'a [Line],
    planes: Planes<'a>,
    channels: usize,
    output: &'a Shared<'a>,
    slot: &'a mut Slot,
    /// Where each tap of each channel begins in the slot's planes.
    offsets: &'a [usize],
    past_caches: bool,
    image: usize,
    row: usize,
}

impl Op for Row<'_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector>(self) {
        let pass = self.pass;
        let (grid, packing) = (&pass.grid, pass.packing);
        let rows = if pass.tail.pool { 2 } else { 1 };
        let source = (pass, self.planes, self.image, self.channels);
        let width = grid.width + 2 * grid.padding;
        for channel in 0..self.channels {
            for r in 0..rows + 2 {
                let start = (channel * (rows + 2) + r) * width;
                let y = (self.row * rows + r).wrapping_sub(grid.padding);
                copy_row(
                    &source,
                    channel,
                    y,
                    &mut self.slot.planar[start..start + width],
                );
            }
        }
        let across = grid.out_width;
        for panel in 0..packing.panels() {
            let (first, cols) = (panel * packing.panel_lines, packing.cols(panel));
            // One panel at a time, so that its sums are still in the first cache when they are finished.
            let products = scratch(&mut self.slot.products, cols * rows * across);
            for r in 0..rows {
                multiply_taps::<V>(
                    &self.slot.planar[r * width..],
                    self.offsets,
                    across,
                    packing.panel(self.weights, panel),
                    cols,
                    &mut products[r * across..],
                    rows * across,
                );
            }
            self.finish::<V>(first..first + cols);
        }
        V::fence();
    }
}

/// Copies row `y` of a channel with its padding; zeros if there is no such row.
#[inline(always)]
fn copy_row(
    (pass, planes, image, channels): &(&Pass, Planes, usize, usize),
    channel: usize,
    y: usize,
    to: &mut [f32],
) {
    let grid = &pass.grid;
    to.fill(0.0);
    if y >= grid.height {
        return;
    }
    let to = &mut to[grid.padding..grid.padding + grid.width];
    match *planes {
        Planes::Nchw(data) => {
            let plane = image * channels + channel;
            let start = (plane * grid.height + y) * grid.width;
            to.copy_from_slice(&data[start..start + grid.width]);
        }
        Planes::Lines(lines) => {
            let plane = image * pass.in_lines + channel / LANES;
            let start = (plane * grid.height + y) * grid.width;
            for (to, line) in to.iter_mut().zip(&lines[start..start + grid.width]) {
                *to = line.0[channel % LANES];
            }
        }
    }
}

impl Row<'_> {
    /// Tail and output of the sums of some lines of channels.
    #[inline(always)]
    fn finish<V: Vector>(&self, lines: Range<usize>) {
        let tail = &self.pass.tail;
        let (grid, packing) = (&self.pass.grid, self.pass.packing);
        let (down, across) = tail.size(grid.out_height, grid.out_width);
        let rows = if tail.pool { 2 } else { 1 };
        for (j, line) in lines.enumerate() {
            let bias = V::load(&tail.bias[line].0);
            let products = &self.slot.products[j * rows * grid.out_width..];
            let start = ((self.image * packing.out_lines + line) * down + self.row) * across;
            for x in 0..across {
                let value = if tail.pool {
                    let (upper, lower) = products.split_at(grid.out_width);
                    let pair =
                        |row: &[Line]| V::load(&row[2 * x].0).max(V::load(&row[2 * x + 1].0));
                    pair(upper).max(pair(lower))
                } else {
                    V::load(&products[x].0)
                };
                // SAFETY: no other task has this row.
                let to = unsafe { self.output.line(start + x) };
                let value = tail.activate(value, bias);
                if self.past_caches {
                    value.stream(to);
                } else {
                    value.store(&mut to.0);
                }
            }
        }
    }
}

/// `c[col][x] = Σ_k planes[offsets[k] + x] · panel[k][col]` for `across` pixels `x`.
#[inline(always)]
fn multiply_taps<V: Vector>(
    planes: &[f32],
    offsets: &[usize],
    across: usize,
    panel: &[Line],
    cols: usize,
    c: &mut [Line],
    c_step: usize,
) {
    let reach = offsets.iter().copied().max().unwrap_or(0);
    assert!(across > 0 && planes.len() >= reach + across && cols <= V::COLS);
    assert!(panel.len() == offsets.len() * cols && c.len() >= (cols - 1) * c_step + across);
    let blocks = across.div_ceil(V::ROWS);
    let (size, larger) = (across / blocks, across % blocks);
    let mut x = 0;
    for block_index in 0..blocks {
        let size = size + usize::from(block_index < larger);
        // SAFETY: the block reads `size` floats from `x` on behind each offset and all of `panel`, and
        // writes `size` lines from `x` on in each block of `c`; the asserts above bound all of them.
        unsafe {
            let a = planes.as_ptr().add(x);
            let c = c.as_mut_ptr().add(x);
            with_sizes!(
                V,
                size,
                cols,
                taps_block::<V, R, C>(a, offsets, panel.as_ptr(), c, c_step)
            );
        }
        x += size;
    }
}

/// # Safety
/// `a` has `R` floats behind each offset, `panel` has `offsets.len() * C` lines, `c` has `C` blocks of `R`
/// lines, `c_step` apart.
#[inline(always)]
unsafe fn taps_block<V: Vector, const R: usize, const C: usize>(
    a: *const f32,
    offsets: &[usize],
    panel: *const Line,
    c: *mut Line,
    c_step: usize,
) {
    let mut sums = [[V::splat(0.0); C]; R];
    let mut panel = panel;
    for &offset in offsets {
        let mut weights = [V::splat(0.0); C];
        for (j, weight) in weights.iter_mut().enumerate() {
            // SAFETY: in bounds, says the caller.
            *weight = V::load(unsafe { &(*panel.add(j)).0 });
        }
        panel = panel.wrapping_add(C);
        for (r, sums) in sums.iter_mut().enumerate() {
            // SAFETY: in bounds, says the caller.
            let x = V::splat(unsafe { *a.add(offset + r) });
            for (sum, weight) in sums.iter_mut().zip(weights) {
                *sum = x.mul_add(weight, *sum);
            }
        }
    }
    for (r, sums) in sums.iter().enumerate() {
        for (j, sum) in sums.iter().enumerate() {
            // SAFETY: in bounds, says the caller.
            sum.store(unsafe { &mut (*c.add(j * c_step + r)).0 });
        }
    }
}
