//! The gradient of the weights, and of the bias.

use rayon::prelude::*;

use super::weight_sums::Sums;
use crate::error::{Error, check_kernel, check_length, check_size, product};
use crate::maps::activation::Activation;
use crate::maps::line::{LANES, Line, lines_for};
use crate::simd::{Kernel, Op, Vector};
use crate::threads::Workspace;

/// What the gradient of a convolution's weights is computed from.
#[derive(Clone, Copy, Debug)]
pub struct GradientInputs<'a> {
    /// The input of the convolution, `[batch, in_channels, height, width]`.
    pub input: &'a Activation,
    /// The gradient of its output before pooling,
    /// `[batch, out_channels, height + 2·padding - 2, width + 2·padding - 2]`.
    pub gradient: &'a Activation,
    /// The padding of the convolution: 0, 1 or 2.
    pub padding: usize,
    /// The instruction set.
    pub kernel: Kernel,
}

/// The gradients of the weights and of the bias of a convolution.
///
/// The result is the same, bit by bit, for any number of threads.
///
/// # Shapes
/// - `weights`: `[out_channels, in_channels, 3, 3]`, overwritten
/// - `bias`: `[out_channels]`, overwritten
///
/// # Errors
/// If the sizes do not fit together or the kernel does not run here.
///
/// ```
/// use winograd::{Activation, GradientInputs, Kernel, Workspace, weight_gradient};
///
/// # fn main() -> Result<(), winograd::Error> {
/// let inputs = GradientInputs {
///     input: &Activation::from_nchw(&[0.5; 3 * 8 * 8], [1, 3, 8, 8])?,
///     gradient: &Activation::from_nchw(&[1.0; 4 * 8 * 8], [1, 4, 8, 8])?,
///     padding: 1,
///     kernel: Kernel::detect(),
/// };
/// let (mut weights, mut bias) = (vec![0.0; 4 * 3 * 9], vec![0.0; 4]);
/// weight_gradient(&inputs, &mut weights, Some(&mut bias), &mut Workspace::new())?;
/// assert_eq!(bias, [64.0; 4]);
/// # Ok(())
/// # }
/// ```
pub fn weight_gradient(
    inputs: &GradientInputs,
    weights: &mut [f32],
    bias: Option<&mut [f32]>,
    workspace: &mut Workspace,
) -> Result<(), Error> {
    let &GradientInputs {
        input,
        gradient,
        padding,
        kernel,
    } = inputs;
    check_kernel(kernel)?;
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
