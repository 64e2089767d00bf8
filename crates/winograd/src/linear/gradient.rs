//! The gradient of a linear layer's weights.

use rayon::prelude::*;

use crate::convolution::gemm::multiply_transposed;
use crate::linear::weights::to_lines;
use crate::maps::line::{LANES, Line, lines_for};
use crate::simd::{Kernel, Op, Vector};
use crate::threads::Workspace;

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
    let bands = result.par_chunks_mut(LANES * out_features).enumerate();
    bands.for_each(|(line, band)| {
        kernel.run(Band {
            left: &left[line * rows..][..rows],
            right: &right,
            out_features,
            band,
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
