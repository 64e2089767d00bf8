//! The factors of a linear layer's product, and how they become panels and lines.

use rayon::prelude::*;

use crate::convolution::gemm::Packed;
use crate::linear::order::WeightOrder;
use crate::maps::line::{LANES, Line, lines_for};
use crate::memory::pages::zeros;
use crate::memory::spare::Spare;

/// Weights as they are given.
pub(crate) struct LinearWeights<'a> {
    pub(crate) data: &'a [f32],
    pub(crate) in_features: usize,
    pub(crate) out_features: usize,
    pub(crate) order: WeightOrder,
}

impl LinearWeights<'_> {
    /// In panels of so many lines.
    pub(crate) fn pack<P: Packed>(
        &self,
        panel_lines: usize,
        convert: impl Fn([f32; LANES]) -> P + Sync,
    ) -> Vec<P> {
        let depth = lines_for(self.in_features) * LANES;
        let out_lines = lines_for(self.out_features);
        let mut packed = zeros(convert([0.0; LANES]), out_lines * depth);
        packed
            .par_chunks_mut(panel_lines * depth)
            .enumerate()
            .for_each(|(panel, lines)| {
                let cols = lines.len() / depth;
                self.pack_panel(panel * panel_lines, cols, 0, lines, &convert);
            });
        packed
    }

    /// Packs `cols` lines of outputs from line `first` on, as `[in][col]`, from input `start` on, which is a
    /// multiple of sixteen.
    #[inline(always)]
    pub(crate) fn pack_panel<P: Packed>(
        &self,
        first: usize,
        cols: usize,
        start: usize,
        panel: &mut [P],
        convert: impl Fn([f32; LANES]) -> P,
    ) {
        let outputs = first * LANES..(first + cols) * LANES;
        if self.order == WeightOrder::InOut && outputs.end <= self.out_features {
            // Whole lines are copied as they lie there.
            for (lines, input) in panel.chunks_exact_mut(cols).zip(start..) {
                if input >= self.in_features {
                    lines.fill(convert([0.0; LANES]));
                    continue;
                }
                let row = &self.data[input * self.out_features..][outputs.clone()];
                for (line, values) in lines.iter_mut().zip(row.as_chunks().0) {
                    *line = convert(*values);
                }
            }
            return;
        }
        // Blocks of sixteen inputs: a line of the given weights is read once and not again for each of its
        // numbers.
        for (block, lines) in panel.chunks_exact_mut(LANES * cols).enumerate() {
            for col in 0..cols {
                let block = self.block(first + col, start / LANES + block);
                for (line, values) in lines[col..].iter_mut().step_by(cols).zip(block) {
                    *line = convert(values);
                }
            }
        }
    }

    /// The weights `[in][out]` from a line of inputs to a line of outputs.
    #[inline(always)]
    fn block(&self, out_line: usize, in_line: usize) -> [[f32; LANES]; LANES] {
        let (first_out, first_in) = (out_line * LANES, in_line * LANES);
        let outs = LANES.min(self.out_features - first_out);
        let ins = LANES.min(self.in_features - first_in);
        let mut block = [[0.0; LANES]; LANES];
        match self.order {
            WeightOrder::OutIn => {
                for lane in 0..outs {
                    let start = (first_out + lane) * self.in_features + first_in;
                    let row = &self.data[start..start + ins];
                    for (line, &weight) in block.iter_mut().zip(row) {
                        line[lane] = weight;
                    }
                }
            }
            WeightOrder::InOut => {
                for (k, line) in block[..ins].iter_mut().enumerate() {
                    let start = (first_in + k) * self.out_features + first_out;
                    line[..outs].copy_from_slice(&self.data[start..start + outs]);
                }
            }
        }
        block
    }
}

/// Rows `[row][feature]` as lines `[feature / 16][row]`.
pub(crate) fn to_lines(values: &[f32], features: usize, spare: &Spare) -> Vec<Line> {
    let rows = values.len() / features;
    let mut lines = spare.take(lines_for(features) * rows);
    for (row, values) in values.chunks_exact(features).enumerate() {
        for (line, values) in values.chunks(LANES).enumerate() {
            let to = &mut lines[line * rows + row];
            *to = Line::ZERO;
            to.0[..values.len()].copy_from_slice(values);
        }
    }
    lines
}
