//! The gradient of the weights at the points of Winograd's transform.
//!
//! With `y = Aᵀ[(G g Gᵀ) ⊙ (Bᵀ d B)]A`, the gradient of `g` is `Gᵀ[Σ (Bᵀ d B) ⊙ (A ∂y Aᵀ)]G`, a sum over
//! tiles: at each point a matrix product of inputs and gradients with the tiles as inner dimension, and as
//! few multiplications as the forward pass.
#![allow(unsafe_code)]

use rayon::prelude::*;

use crate::convolution::gemm::multiply_transposed;
use crate::error::{Error, check_length, check_size, product};
use crate::maps::activation::Activation;
use crate::maps::line::{LANES, Line, lines_for};
use crate::memory::shared::Shared;
use crate::simd::{Kernel, Op, Vector};
use crate::threads::{Parts, Workspace, for_each_task, part, reserve, scratch};
use crate::transform::grid::Grid;
use crate::transform::tile::Tile;
use crate::transform::tiles::{PointLayout, Tiles, gradient_tiles, input_tiles};

/// Lines of transformed inputs and gradients at a time: few enough for the third cache, but not so few that
/// the sums, which go to memory between chunks if they are large, are moved more often than is worth it.
const SMALL_CHUNK: usize = 4 * 1024 * 1024 / 64;
const LARGE_CHUNK: usize = 16 * 1024 * 1024 / 64;

/// The gradients of the weights and of the bias of a convolution, from its input and the gradient of its
/// output, both before pooling.
///
/// The result is the same, bit by bit, for any number of threads.
///
/// # Shapes
/// - `input`: `[batch, in_channels, height, width]`
/// - `gradient`: `[batch, out_channels, height + 2·padding - 2, width + 2·padding - 2]`
/// - `weights`: `[out_channels, in_channels, 3, 3]`, overwritten
/// - `bias`: `[out_channels]`, overwritten
///
/// # Errors
/// If the sizes do not fit together or the kernel does not run here.
pub fn weight_gradient(
    input: &Activation,
    gradient: &Activation,
    padding: usize,
    kernel: Kernel,
    weights: &mut [f32],
    bias: Option<&mut [f32]>,
    workspace: &mut Workspace,
) -> Result<(), Error> {
    kernel.checked()?;
    let (in_channels, out_channels) = (input.channels(), gradient.channels());
    if padding > 2 {
        return Err(Error::Padding {
            max: 2,
            found: padding,
        });
    }
    check_size("batch of the gradient", input.batch(), gradient.batch())?;
    check_size(
        "height of the gradient",
        (input.height() + 2 * padding).saturating_sub(2),
        gradient.height(),
    )?;
    check_size(
        "width of the gradient",
        (input.width() + 2 * padding).saturating_sub(2),
        gradient.width(),
    )?;
    let expected = product("weights", &[out_channels, in_channels, 9])?;
    check_length("weights", expected, weights.len())?;
    if let Some(bias) = &bias {
        check_length("bias", out_channels, bias.len())?;
    }
    if input.is_empty() {
        return Err(Error::Zero("batch"));
    }
    // F(4x4, 3x3) wins over F(2x2, 3x3) unless the outputs fit into one small tile.
    let sums = Sums {
        kernel,
        input,
        gradient,
        padding,
        in_lines: lines_for(in_channels),
        out_lines: lines_for(out_channels),
        panel_lines: kernel.panel_lines(),
    };
    let parts = workspace.parts();
    if gradient.height().max(gradient.width()) <= 2 {
        sums.run::<4, 2>(weights, parts);
    } else {
        sums.run::<6, 4>(weights, parts);
    }
    if let Some(bias) = bias {
        bias_gradient(gradient, kernel, bias);
    }
    Ok(())
}

/// The sum of the gradient over images and pixels.
fn bias_gradient(gradient: &Activation, kernel: Kernel, bias: &mut [f32]) {
    let image = gradient.height() * gradient.width();
    let blocks = lines_for(gradient.channels());
    bias.par_chunks_mut(LANES)
        .enumerate()
        .for_each(|(block, bias)| {
            // One image after the other in double precision: a running sum in `f32` over a large batch
            // would lose the small terms.
            let mut total = [0.0f64; LANES];
            for item in 0..gradient.batch() {
                let start = (item * blocks + block) * image;
                let sum = kernel.run(SumLines(&gradient.lines()[start..start + image]));
                for (total, sum) in total.iter_mut().zip(sum.0) {
                    *total += f64::from(sum);
                }
            }
            for (bias, total) in bias.iter_mut().zip(total) {
                *bias = total as f32;
            }
        });
}

struct SumLines<'a>(&'a [Line]);

impl Op for SumLines<'_> {
    type Output = Line;

    #[inline(always)]
    fn run<V: Vector>(self) -> Line {
        let mut sums = [V::splat(0.0); 4];
        for lines in self.0.chunks(4) {
            for (sum, line) in sums.iter_mut().zip(lines) {
                *sum = sum.add(V::load(&line.0));
            }
        }
        let mut line = Line::ZERO;
        sums[0]
            .add(sums[1])
            .add(sums[2].add(sums[3]))
            .store(&mut line.0);
        line
    }
}

/// A gradient to be computed.
struct Sums<'a> {
    kernel: Kernel,
    input: &'a Activation,
    gradient: &'a Activation,
    padding: usize,
    in_lines: usize,
    out_lines: usize,
    panel_lines: usize,
}

impl Sums<'_> {
    fn run<const N: usize, const M: usize>(&self, weights: &mut [f32], parts: Parts) {
        let input = self.input;
        let grid = Grid::new(
            input.batch(),
            input.height(),
            input.width(),
            self.padding,
            M,
            false,
        );
        let points = N * N;
        let tiles = grid.tiles();
        let (in_lines, out_lines) = (self.in_lines, self.out_lines);
        let chunk = (points * in_lines * LANES * out_lines).clamp(SMALL_CHUNK, LARGE_CHUNK);
        let fitting = (chunk / (points * (in_lines + out_lines))).max(1);
        let chunks = tiles.div_ceil(fitting);
        let panels = out_lines.div_ceil(self.panel_lines);
        // A task has a line of input channels and a panel of output channels. Its sums are its own; only
        // between chunks do they have to be kept.
        let block = points * LANES * self.panel_lines;
        let tasks = in_lines * panels;
        reserve(parts.slots, 0, if chunks > 1 { 0 } else { block });
        let mut sums = parts.spare.take(if chunks > 1 { tasks * block } else { 0 });
        let kept = Shared::new(&mut sums);
        let weights = Shared::new(weights);
        for chunk in 0..chunks {
            let range = part(tiles, chunks, chunk);
            let in_layout = PointLayout::new(range.len(), in_lines);
            let out_layout = PointLayout::new(range.len(), out_lines);
            let mut inputs = parts.spare.take(in_layout.lines(points));
            let mut gradients = parts.spare.take(out_layout.lines(points));
            {
                let (inputs, gradients) = (Shared::new(&mut inputs), Shared::new(&mut gradients));
                for_each_task(parts.slots, in_lines + out_lines, |_, line| {
                    self.kernel.run(Transform::<N, M> {
                        sums: self,
                        grid: &grid,
                        range: range.clone(),
                        inputs: (&inputs, in_layout),
                        gradients: (&gradients, out_layout),
                        line,
                    });
                });
            }
            for_each_task(parts.slots, tasks, |slot, task| {
                let sums = if chunks > 1 {
                    // SAFETY: no other task has this block.
                    unsafe { kept.part(task * block..(task + 1) * block) }
                } else {
                    scratch(&mut slot.products, block)
                };
                self.kernel.run(Block::<N, M> {
                    sums,
                    grid: &grid,
                    range: range.clone(),
                    inputs: (&inputs, in_layout),
                    gradients: (&gradients, out_layout),
                    line: task / panels,
                    first: task % panels * self.panel_lines,
                    cols: self
                        .panel_lines
                        .min(out_lines - task % panels * self.panel_lines),
                    is_first: chunk == 0,
                    weights: (chunk + 1 == chunks).then_some(&weights),
                    in_channels: input.channels(),
                    out_channels: self.gradient.channels(),
                });
            });
            parts.spare.give(inputs);
            parts.spare.give(gradients);
        }
        parts.spare.give(sums);
    }
}

/// The points of one line of channels, of the input or (behind those) of the gradient.
struct Transform<'a, const N: usize, const M: usize> {
    sums: &'a Sums<'a>,
    grid: &'a Grid,
    range: std::ops::Range<usize>,
    inputs: (&'a Shared<'a>, PointLayout),
    gradients: (&'a Shared<'a>, PointLayout),
    line: usize,
}

impl<const N: usize, const M: usize> Op for Transform<'_, N, M> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector>(self) {
        let Sums {
            in_lines,
            out_lines,
            input,
            gradient,
            ..
        } = *self.sums;
        let line = self.line;
        let tiles = |line: usize, all_lines: usize| Tiles {
            grid: self.grid,
            range: self.range.clone(),
            lines: line..line + 1,
            all_lines,
        };
        // SAFETY: no other task has this line of channels.
        unsafe {
            if line < in_lines {
                let (points, layout) = self.inputs;
                let tiles = tiles(line, in_lines);
                input_tiles::<V, N, M>(input.lines(), &tiles, points, layout);
            } else {
                let (points, layout) = self.gradients;
                let tiles = tiles(line - in_lines, out_lines);
                gradient_tiles::<V, N, M>(gradient.lines(), &tiles, points, layout);
            }
        }
    }
}

/// The sums of one line of input channels and up to two lines of output channels.
struct Block<'a, const N: usize, const M: usize> {
    /// `[point][16][cols]`
    sums: &'a mut [Line],
    grid: &'a Grid,
    range: std::ops::Range<usize>,
    inputs: (&'a [Line], PointLayout),
    gradients: (&'a [Line], PointLayout),
    /// The line of input channels.
    line: usize,
    /// The first line of output channels, and their number.
    first: usize,
    cols: usize,
    /// Whether the sums begin with this chunk of tiles.
    is_first: bool,
    /// Where the result goes if the sums end with this chunk: `[out_channels][in_channels][9]`.
    weights: Option<&'a Shared<'a, f32>>,
    in_channels: usize,
    out_channels: usize,
}

impl<const N: usize, const M: usize> Op for Block<'_, N, M> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector>(mut self) {
        if self.is_first {
            self.sums.fill(Line::ZERO);
        }
        for point in 0..N * N {
            self.accumulate::<V>(point);
        }
        if let Some(weights) = self.weights {
            let mut taps = [[Line::ZERO; 9]; LANES];
            for col in 0..self.cols {
                for (i, taps) in taps.iter_mut().enumerate() {
                    self.taps::<V>(i * self.cols + col, taps);
                }
                self.write((self.first + col) * LANES, &taps, weights);
            }
        }
    }
}

impl<const N: usize, const M: usize> Block<'_, N, M> {
    /// Adds the products of the chunk's tiles at one point.
    #[inline(always)]
    fn accumulate<V: Vector>(&mut self, point: usize) {
        /// Tiles at a time, so that both factors stay in the first cache.
        const TILES: usize = 128;
        let (inputs, layout) = self.inputs;
        let tiles = layout.channels;
        let needing = self.grid.needing(point, N, &self.range);
        let start = point * layout.point + self.line * tiles;
        let inputs = &inputs[start + needing.start..start + needing.end];
        let (gradients, layout) = self.gradients;
        let start = point * layout.point + self.first * tiles;
        let gradients = &gradients[start + needing.start..];
        let size = LANES * self.cols;
        let sums = &mut self.sums[point * size..(point + 1) * size];
        for (piece, inputs) in inputs.chunks(TILES).enumerate() {
            let gradients = &gradients[piece * TILES..];
            multiply_transposed::<V>(inputs, gradients, tiles, self.cols, sums);
        }
    }

    /// Carries one row of the sums back from the points to the nine taps, `Gᵀ u G`.
    #[inline(always)]
    fn taps<V: Vector>(&self, row: usize, taps: &mut [Line; 9]) {
        let size = LANES * self.cols;
        let mut rows = [[V::splat(0.0); 3]; N];
        for (r, to) in rows.iter_mut().enumerate() {
            let mut u = [V::splat(0.0); N];
            for (c, u) in u.iter_mut().enumerate() {
                *u = V::load(&self.sums[(r * N + c) * size + row].0);
            }
            *to = Tile::<N, M>::kernel_adjoint(u);
        }
        for x in 0..3 {
            let mut u = [V::splat(0.0); N];
            for (u, row) in u.iter_mut().zip(&rows) {
                *u = row[x];
            }
            for (y, value) in Tile::<N, M>::kernel_adjoint(u).into_iter().enumerate() {
                value.store(&mut taps[3 * y + x].0);
            }
        }
    }

    /// Writes the taps `[input channel][tap][output channel]` of a line of output channels.
    #[inline(always)]
    fn write(&self, out: usize, taps: &[[Line; 9]; LANES], weights: &Shared<f32>) {
        let first = self.line * LANES;
        let count = LANES.min(self.in_channels - first);
        for lane in 0..LANES.min(self.out_channels - out) {
            let start = ((out + lane) * self.in_channels + first) * 9;
            // SAFETY: no other task has these channels.
            let to = unsafe { weights.part(start..start + count * 9) };
            for (to, taps) in to.chunks_exact_mut(9).zip(taps) {
                for (to, tap) in to.iter_mut().zip(taps) {
                    *to = tap.0[lane];
                }
            }
        }
    }
}
