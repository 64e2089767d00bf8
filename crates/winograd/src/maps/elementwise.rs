//! What a training step does between convolutions: pooling, and the gradients of ReLU and of pooling.
//!
//! In inference these are fused into the convolutions. Training needs the outputs before pooling, and masks
//! the gradients on their way back.

use rayon::prelude::*;

use crate::error::{Error, check_size};
use crate::maps::activation::Activation;
use crate::maps::line::Line;
use crate::simd::{Kernel, Op, Vector};
use crate::threads::planes_per_task;

/// 2x2 max pooling with stride 2; an odd last row or column is dropped.
///
/// # Shapes
/// - `input`: `[batch, channels, height, width]`
/// - `output`: `[batch, channels, height / 2, width / 2]`; it is given that shape
///
/// # Errors
/// [`Error::TooSmall`] if the input is less than 2 pixels high or wide.
pub fn max_pool(input: &Activation, output: &mut Activation) -> Result<(), Error> {
    let (height, width) = (input.height(), input.width());
    let (down, across) = pooled_size(input)?;
    output.reshape(input.batch(), input.channels(), down, across)?;
    let kernel = Kernel::detect();
    let planes = output.lines_mut().par_chunks_exact_mut(down * across);
    planes
        .zip(input.lines().par_chunks_exact(height * width))
        .with_min_len(planes_per_task(height * width))
        .for_each(|(output, input)| {
            kernel.run(Pool {
                input,
                output,
                width,
            });
        });
    Ok(())
}

/// Carries a gradient back through a ReLU: it becomes zero where the output of the ReLU is zero.
///
/// # Shapes
/// - `activated`: `[batch, channels, height, width]`, the output of the ReLU
/// - `gradient`: the same, changed in place
///
/// # Errors
/// [`Error::Size`] if the shapes differ.
pub fn relu_gradient(activated: &Activation, gradient: &mut Activation) -> Result<(), Error> {
    check_same(activated, gradient.batch(), gradient.channels())?;
    check_size(
        "height of the gradient",
        activated.height(),
        gradient.height(),
    )?;
    check_size("width of the gradient", activated.width(), gradient.width())?;
    const CHUNK: usize = 1 << 12;
    let kernel = Kernel::detect();
    gradient
        .lines_mut()
        .par_chunks_mut(CHUNK)
        .zip(activated.lines().par_chunks(CHUNK))
        .for_each(|(gradient, activated)| {
            kernel.run(Mask {
                activated,
                gradient,
            });
        });
    Ok(())
}

/// Carries a gradient back through a 2x2 max pooling: to the first of the largest values of each window
/// (to none in a window with NaN).
/// With `relu`, also through the ReLU before it, whose output the pooling had as its input.
///
/// # Shapes
/// - `activated`: `[batch, channels, height, width]`, the input of the pooling
/// - `pooled`: `[batch, channels, height / 2, width / 2]`, the gradient of its output
/// - `gradient`: `[batch, channels, height, width]`; it is given that shape
///
/// # Errors
/// [`Error::Size`] if the shapes do not fit together, [`Error::TooSmall`] if there is no output.
pub fn max_pool_gradient(
    activated: &Activation,
    pooled: &Activation,
    gradient: &mut Activation,
    relu: bool,
) -> Result<(), Error> {
    let (height, width) = (activated.height(), activated.width());
    let (down, across) = pooled_size(activated)?;
    check_same(activated, pooled.batch(), pooled.channels())?;
    check_size("height of the pooled gradient", down, pooled.height())?;
    check_size("width of the pooled gradient", across, pooled.width())?;
    gradient.reshape(activated.batch(), activated.channels(), height, width)?;
    let kernel = Kernel::detect();
    gradient
        .lines_mut()
        .par_chunks_exact_mut(height * width)
        .zip(activated.lines().par_chunks_exact(height * width))
        .zip(pooled.lines().par_chunks_exact(down * across))
        .with_min_len(planes_per_task(height * width))
        .for_each(|((gradient, activated), pooled)| {
            kernel.run(Unpool {
                activated,
                pooled,
                gradient,
                width,
                relu,
            });
        });
    Ok(())
}

/// Pools one plane.
struct Pool<'a> {
    input: &'a [Line],
    output: &'a mut [Line],
    width: usize,
}

impl Op for Pool<'_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector>(self) {
        let across = self.width / 2;
        for (y, row) in self.output.chunks_exact_mut(across).enumerate() {
            let (upper, lower) = self.input[2 * y * self.width..].split_at(self.width);
            for (x, line) in row.iter_mut().enumerate() {
                let pair = |row: &[Line]| V::load(&row[2 * x].0).max(V::load(&row[2 * x + 1].0));
                pair(upper).max(pair(lower)).store(&mut line.0);
            }
        }
    }
}

/// Masks a piece of a gradient.
struct Mask<'a> {
    activated: &'a [Line],
    gradient: &'a mut [Line],
}

impl Op for Mask<'_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector>(self) {
        for (gradient, activated) in self.gradient.iter_mut().zip(self.activated) {
            let activated = V::load(&activated.0);
            let masked = V::load(&gradient.0).where_greater(activated, V::splat(0.0));
            masked.store(&mut gradient.0);
        }
    }
}

/// Spreads the gradient of one pooled plane over the plane before pooling.
struct Unpool<'a> {
    activated: &'a [Line],
    pooled: &'a [Line],
    gradient: &'a mut [Line],
    width: usize,
    relu: bool,
}

impl Op for Unpool<'_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector>(self) {
        let width = self.width;
        let across = width / 2;
        for (y, row) in self.pooled.chunks_exact(across).enumerate() {
            let start = 2 * y * width;
            let (upper, lower) = self.activated[start..].split_at(width);
            let (to_upper, to_lower) = self.gradient[start..].split_at_mut(width);
            for (x, line) in row.iter().enumerate() {
                let window = [
                    V::load(&upper[2 * x].0),
                    V::load(&upper[2 * x + 1].0),
                    V::load(&lower[2 * x].0),
                    V::load(&lower[2 * x + 1].0),
                ];
                let parts = spread(window, V::load(&line.0), self.relu);
                parts[0].store(&mut to_upper[2 * x].0);
                parts[1].store(&mut to_upper[2 * x + 1].0);
                parts[2].store(&mut to_lower[2 * x].0);
                parts[3].store(&mut to_lower[2 * x + 1].0);
            }
            if width % 2 == 1 {
                to_upper[width - 1] = Line::ZERO;
                to_lower[width - 1] = Line::ZERO;
            }
        }
        let pooled_rows = self.pooled.len() / across;
        self.gradient[2 * pooled_rows * width..].fill(Line::ZERO);
    }
}

/// The gradient of a window: all of it to the first largest value.
#[inline(always)]
fn spread<V: Vector>(window: [V; 4], gradient: V, relu: bool) -> [V; 4] {
    let [a, b, c, d] = window;
    let largest = a.max(b).max(c.max(d));
    let mut left = gradient;
    if relu {
        left = left.where_greater(largest, V::splat(0.0));
    }
    let [mut first, mut second, mut third] = [left; 3];
    for (part, value) in [(&mut first, a), (&mut second, b), (&mut third, c)] {
        *part = left.where_equal(value, largest);
        left = left.where_greater(largest, value);
    }
    [first, second, third, left]
}

fn pooled_size(input: &Activation) -> Result<(usize, usize), Error> {
    let (height, width) = (input.height(), input.width());
    if height < 2 || width < 2 {
        return Err(Error::TooSmall {
            height,
            width,
            padding: 0,
            pool: true,
        });
    }
    Ok((height / 2, width / 2))
}

fn check_same(activated: &Activation, batch: usize, channels: usize) -> Result<(), Error> {
    check_size("batch of the gradient", activated.batch(), batch)?;
    check_size("channels of the gradient", activated.channels(), channels)
}
