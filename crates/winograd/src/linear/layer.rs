//! A prepared fully connected layer.
//!
//! At batch 1 every weight is used once, so that the time is the time to read them from memory: they are
//! packed in the order in which they are read, and stored in two bytes each if the caller likes.
#![allow(unsafe_code)]

use crate::convolution::gemm::{HalfLine, Packed, multiply};
use crate::error::{Error, check_kernel, check_length, check_nonzero, product};
use crate::linear::half::f32_to_f16;
use crate::linear::order::WeightOrder;
use crate::linear::weights::{LinearWeights, to_lines};
use crate::maps::line::{LANES, Line, lines_for};
use crate::memory::shared::Shared;
use crate::simd::{Kernel, Op, Vector};
use crate::threads::{Workspace, for_each_task, part};

/// The precision in which weights are stored. Sums are in `f32` with either.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Storage {
    /// Four bytes for each weight.
    #[default]
    F32,
    /// Two bytes for each weight, rounded to half precision (11 bits; weights above 65,504 overflow).
    F16,
}

/// What a [`Linear`] does beside the product, and how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LinearOptions {
    /// Whether negative outputs become zero.
    pub relu: bool,
    /// The order of the weights that are given.
    pub order: WeightOrder,
    /// The precision of the packed weights.
    pub storage: Storage,
    /// The instruction set.
    pub kernel: Kernel,
}

/// A fully connected layer whose weights have been packed.
pub struct Linear {
    in_features: usize,
    out_features: usize,
    options: LinearOptions,
    weights: Stored,
    bias: Vec<f32>,
}

/// `[panel][in][line of panel]`
enum Stored {
    F32(Vec<Line>),
    F16(Vec<HalfLine>),
}

impl std::fmt::Debug for Linear {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Linear")
            .field("in_features", &self.in_features)
            .field("out_features", &self.out_features)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

impl Linear {
    /// Packs the weights.
    ///
    /// # Shapes
    /// - `weights`: `[out_features, in_features]` or `[in_features, out_features]`, as the options say
    /// - `bias`: `[out_features]`
    ///
    /// # Errors
    /// If a slice has another size, a size is zero, the kernel does not run here.
    pub fn new(
        weights: &[f32],
        bias: Option<&[f32]>,
        in_features: usize,
        out_features: usize,
        options: LinearOptions,
    ) -> Result<Self, Error> {
        check_kernel(options.kernel)?;
        check_nonzero("input features", in_features)?;
        check_nonzero("output features", out_features)?;
        let expected = product("weights", &[out_features, in_features])?;
        check_length("weights", expected, weights.len())?;
        if let Some(bias) = bias {
            check_length("bias", out_features, bias.len())?;
        }
        let (out_lines, in_lines) = (lines_for(out_features), lines_for(in_features));
        product("packed weights", &[out_lines, LANES, in_lines, LANES])?;
        let bias = bias.map_or_else(|| vec![0.0; out_features], <[f32]>::to_vec);
        let given = LinearWeights {
            data: weights,
            in_features,
            out_features,
            order: options.order,
        };
        let width = options.kernel.panel_lines();
        let stored = match options.storage {
            Storage::F32 => Stored::F32(given.pack(width, Line)),
            Storage::F16 => Stored::F16(given.pack(width, |line| HalfLine(line.map(f32_to_f16)))),
        };
        Ok(Self {
            in_features,
            out_features,
            options,
            weights: stored,
            bias,
        })
    }

    /// Features of the input.
    pub fn in_features(&self) -> usize {
        self.in_features
    }

    /// Features of the output.
    pub fn out_features(&self) -> usize {
        self.out_features
    }

    /// Bytes of the packed weights.
    pub fn bytes(&self) -> usize {
        size_of_val(self.bias.as_slice())
            + match &self.weights {
                Stored::F32(lines) => size_of_val(lines.as_slice()),
                Stored::F16(lines) => size_of_val(lines.as_slice()),
            }
    }

    /// Computes the layer.
    ///
    /// # Shapes
    /// - `input`: `[batch, in_features]`
    /// - `output`: `[batch, out_features]`
    ///
    /// # Errors
    /// If a slice has another size.
    pub fn forward(
        &self,
        input: &[f32],
        output: &mut [f32],
        workspace: &mut Workspace,
    ) -> Result<(), Error> {
        let batch = input.len() / self.in_features;
        check_nonzero("batch", batch)?;
        check_length("input", batch * self.in_features, input.len())?;
        check_length(
            "output",
            product("output", &[batch, self.out_features])?,
            output.len(),
        )?;
        check_rows(batch, self.in_features, self.out_features)?;
        match &self.weights {
            Stored::F32(lines) => self.run(lines, batch, input, output, workspace),
            Stored::F16(lines) => self.run(lines, batch, input, output, workspace),
        }
        Ok(())
    }

    fn run<P: Packed>(
        &self,
        weights: &[P],
        batch: usize,
        input: &[f32],
        output: &mut [f32],
        workspace: &mut Workspace,
    ) {
        let parts = workspace.parts();
        let in_lines = lines_for(self.in_features);
        let out_lines = lines_for(self.out_features);
        let left = to_lines(input, self.in_features, parts.spare);
        let mut products = parts.spare.take(out_lines * batch);
        let shared = Shared::new(&mut products);
        let width = self.options.kernel.panel_lines();
        let panels = out_lines.div_ceil(width);
        // Large batches are cut too if there are more threads than panels.
        let pieces = parts.slots.len().div_ceil(panels).min(batch);
        for_each_task(parts.slots, panels * pieces, |_, task| {
            let (panel, rows) = (task / pieces, part(batch, pieces, task % pieces));
            let cols = width.min(out_lines - panel * width);
            let start = panel * width * in_lines * LANES;
            self.options.kernel.run(Product {
                left: &left[rows.start..],
                step: batch,
                rows: rows.len(),
                panel: &weights[start..start + cols * in_lines * LANES],
                cols,
                products: &shared,
                first: panel * width * batch + rows.start,
            });
        });
        for (item, row) in output.chunks_exact_mut(self.out_features).enumerate() {
            let lines = row.chunks_mut(LANES).zip(self.bias.chunks(LANES));
            for (line, (values, bias)) in lines.enumerate() {
                let sums = &products[line * batch + item].0;
                for ((value, &bias), &sum) in values.iter_mut().zip(bias).zip(sums) {
                    let sum = sum + bias;
                    // Not `max`, which would turn NaN into zero.
                    *value = if self.options.relu && sum < 0.0 {
                        0.0
                    } else {
                        sum
                    };
                }
            }
        }
        parts.spare.give(left);
        parts.spare.give(products);
    }
}

/// Whether a product of so many rows can be addressed as lines, its input and its output.
pub(crate) fn check_rows(
    rows: usize,
    in_features: usize,
    out_features: usize,
) -> Result<(), Error> {
    product("input", &[rows, lines_for(in_features), LANES])?;
    product("output", &[rows, lines_for(out_features), LANES])?;
    Ok(())
}

/// One panel of the product for `rows` items of the batch.
struct Product<'a, P> {
    left: &'a [Line],
    step: usize,
    rows: usize,
    panel: &'a [P],
    cols: usize,
    products: &'a Shared<'a>,
    first: usize,
}

impl<P: Packed> Op for Product<'_, P> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector>(self) {
        let mut sums = [Line::ZERO; 2 * 14];
        let mut done = 0;
        // Blocks of rows, so that the sums are local and no two tasks write the same lines.
        while done < self.rows {
            let rows = V::ROWS.min(self.rows - done);
            let left = &self.left[done..];
            let (step, panel, cols) = (self.step, self.panel, self.cols);
            match rows == self.rows {
                true => multiply::<V, P, true>(left, step, rows, panel, cols, &mut sums, rows),
                false => multiply::<V, P, false>(left, step, rows, panel, cols, &mut sums, rows),
            }
            for col in 0..self.cols {
                let start = self.first + col * self.step + done;
                // SAFETY: no other task has these columns and rows.
                let to = unsafe { self.products.part(start..start + rows) };
                to.copy_from_slice(&sums[col * rows..][..rows]);
            }
            done += rows;
        }
    }
}
