//! The forward pass by Winograd's algorithm, in two orders of work.
//!
//! *By tiles*: each task takes a chunk of tiles from the input to the finished output, with points that fit
//! into the second cache. The weights are read once per chunk, so they should fit into a cache too.
//!
//! *By panels*: for large weights. All threads transform a larger chunk of tiles; then each task takes one
//! panel of output channels over all these tiles, so that the weights are read once per chunk.
#![allow(unsafe_code)]

use std::ops::Range;

use crate::convolution::gemm::multiply;
use crate::convolution::tail::Tail;
use crate::convolution::weights::{Packing, Source};
use crate::maps::line::Line;
use crate::memory::shared::Shared;
use crate::simd::{Kernel, Op, Vector};
use crate::threads::{Parts, Slot, for_each_task, part, reserve, scratch};
use crate::transform::grid::Grid;
use crate::transform::tiles::{PointLayout, Tiles, input_tiles, output_tiles};

/// A convolution to be done.
pub(crate) struct Pass<'a> {
    pub(crate) kernel: Kernel,
    pub(crate) grid: Grid,
    pub(crate) in_lines: usize,
    pub(crate) packing: &'a Packing,
    pub(crate) weights: Source<'a>,
    pub(crate) tail: Tail<'a>,
    pub(crate) input: &'a [Line],
}

/// Lines of points and products that a chunk of tiles may take: with the weights' panel they share the
/// second cache.
const CHUNK_LINES: usize = 704 * 1024 / 64;
/// Lines of points that all threads share in the order by panels: a part of the third cache.
const SHARED_LINES: usize = 8 * 1024 * 1024 / 64;
/// Weights above this size (in lines) are worth reading only once: the third cache no longer holds them
/// beside everything else.
const LARGE_WEIGHTS: usize = 12 * 1024 * 1024 / 64;

impl Pass<'_> {
    /// Writes the output of the convolution, finished by the tail.
    pub(crate) fn run<const N: usize, const M: usize>(&self, output: &mut [Line], parts: Parts) {
        let output = Shared::new(output);
        match self.weights {
            Source::Packed(weights) if self.packing.lines() <= LARGE_WEIGHTS => {
                self.by_tiles::<N, M>(weights, &output, parts.slots);
            }
            _ => self.by_panels::<N, M>(&output, parts),
        }
    }

    /// Whether to take weights that are not packed in the order by panels, each panel a single time: where there
    /// are more weights than points, which that order keeps all at once.
    pub(crate) fn takes_panels_once(&self, threads: usize) -> bool {
        let lines = self.grid.tiles() * self.packing.points * self.in_lines;
        lines <= SHARED_LINES.min(self.packing.lines()) && threads <= self.packing.panels()
    }

    /// Some tiles and lines of channels of the input or the output.
    #[inline(always)]
    fn tiles(&self, range: Range<usize>, lines: Range<usize>, all_lines: usize) -> Tiles<'_> {
        Tiles {
            grid: &self.grid,
            range,
            lines,
            all_lines,
        }
    }

    fn by_tiles<const N: usize, const M: usize>(
        &self,
        weights: &[Line],
        output: &Shared,
        slots: &mut [Slot],
    ) {
        let tiles = self.grid.tiles();
        let lines_per_tile = N * N * (self.in_lines + self.packing.panel_lines);
        let rows = self.kernel.block_rows();
        let fitting = (CHUNK_LINES / lines_per_tile / rows * rows).max(rows);
        // A multiple of the threads, so that they finish together.
        let threads = slots.len();
        let chunks = tiles.div_ceil(fitting).next_multiple_of(threads).min(tiles);
        let largest = tiles.div_ceil(chunks);
        let lines = |lines: usize| PointLayout::new(largest, lines).lines(N * N);
        reserve(slots, lines(self.in_lines), lines(self.packing.panel_lines));
        for_each_task(slots, chunks, |slot, chunk| {
            self.kernel.run(Chunk::<N, M> {
                pass: self,
                weights,
                output,
                slot,
                range: part(tiles, chunks, chunk),
            });
        });
    }

    fn by_panels<const N: usize, const M: usize>(&self, output: &Shared, mut parts: Parts) {
        let tiles = self.grid.tiles();
        let fitting = (SHARED_LINES / (N * N * self.in_lines)).max(1);
        let chunks = tiles.div_ceil(fitting);
        let panels = self.packing.panels();
        for chunk in 0..chunks {
            let range = part(tiles, chunks, chunk);
            let layout = PointLayout::new(range.len(), self.in_lines);
            let mut points = parts.spare.take(layout.lines(N * N));
            let shared = Shared::new(&mut points);
            for_each_task(parts.slots, self.in_lines, |_, line| {
                self.kernel.run(Input::<N, M> {
                    pass: self,
                    points: &shared,
                    layout,
                    range: range.clone(),
                    line,
                });
            });
            // With more threads than panels the tiles are cut too.
            let pieces = parts.slots.len().div_ceil(panels).min(range.len());
            let largest = PointLayout::new(range.len().div_ceil(pieces), self.packing.panel_lines);
            reserve(parts.slots, 0, largest.lines(N * N));
            parts.lend_panels(self.weights.lines_to_pack(self.packing));
            for_each_task(parts.slots, panels * pieces, |slot, task| {
                let (panel, piece) = (task / pieces, part(range.len(), pieces, task % pieces));
                let (kernel, packing) = (self.kernel, self.packing);
                kernel.run(Panel::<N, M> {
                    pass: self,
                    weights: self
                        .weights
                        .panel(kernel, packing, panel, &mut slot.weights),
                    output,
                    points: &points[piece.start..],
                    layout,
                    products: &mut slot.products,
                    range: range.start + piece.start..range.start + piece.end,
                    panel,
                });
            });
            parts.take_back_panels();
            parts.spare.give(points);
        }
    }
}

/// Everything for the tiles `range`.
struct Chunk<'a, const N: usize, const M: usize> {
    pass: &'a Pass<'a>,
    /// All packed panels.
    weights: &'a [Line],
    output: &'a Shared<'a>,
    slot: &'a mut Slot,
    range: Range<usize>,
}

impl<const N: usize, const M: usize> Op for Chunk<'_, N, M> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector>(self) {
        let pass = self.pass;
        let layout = PointLayout::new(self.range.len(), pass.in_lines);
        let points = scratch(&mut self.slot.points, layout.lines(N * N));
        let inputs = pass.tiles(self.range.clone(), 0..pass.in_lines, pass.in_lines);
        // SAFETY: the points are this task's own.
        unsafe {
            input_tiles::<V, N, M>(pass.input, &inputs, &Shared::new(points), layout);
        }
        for panel in 0..pass.packing.panels() {
            let panel = Panel::<N, M> {
                pass,
                weights: pass.packing.panel(self.weights, panel),
                output: self.output,
                points,
                layout,
                products: &mut self.slot.products,
                range: self.range.clone(),
                panel,
            };
            panel.run::<V>();
        }
    }
}

/// The points of the tiles `range` in one line of channels.
struct Input<'a, const N: usize, const M: usize> {
    pass: &'a Pass<'a>,
    points: &'a Shared<'a>,
    layout: PointLayout,
    range: Range<usize>,
    line: usize,
}

impl<const N: usize, const M: usize> Op for Input<'_, N, M> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector>(self) {
        let pass = self.pass;
        let tiles = pass.tiles(self.range, self.line..self.line + 1, pass.in_lines);
        // SAFETY: no other task has this line of channels.
        unsafe {
            input_tiles::<V, N, M>(pass.input, &tiles, self.points, self.layout);
        }
    }
}

/// The outputs of the tiles `range` in one panel of channels; `points` begins at the first of the tiles.
struct Panel<'a, const N: usize, const M: usize> {
    pass: &'a Pass<'a>,
    /// The panel, packed.
    weights: &'a [Line],
    output: &'a Shared<'a>,
    points: &'a [Line],
    layout: PointLayout,
    products: &'a mut Vec<Line>,
    range: Range<usize>,
    panel: usize,
}

impl<const N: usize, const M: usize> Op for Panel<'_, N, M> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector>(self) {
        let packing = self.pass.packing;
        let cols = packing.cols(self.panel);
        let tiles = self.range.len();
        let result = PointLayout::new(tiles, cols);
        let products = scratch(self.products, result.lines(N * N));
        for point in 0..N * N {
            let needing = self.pass.grid.needing(point, N, &self.range);
            if needing.is_empty() {
                continue;
            }
            multiply::<V, Line, false>(
                &self.points[point * self.layout.point + needing.start..],
                self.layout.channels,
                needing.len(),
                packing.points(self.weights, point..point + 1),
                cols,
                &mut products[point * result.point + needing.start..],
                tiles,
            );
        }
        let pass = self.pass;
        let first = self.panel * packing.panel_lines;
        let outputs = pass.tiles(self.range, first..first + cols, packing.out_lines);
        // SAFETY: no other task has these tiles and channels.
        unsafe {
            output_tiles::<V, N, M>(products, result, &outputs, self.output, &pass.tail);
        }
    }
}
