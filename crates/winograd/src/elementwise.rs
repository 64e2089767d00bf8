//! What a training step does between convolutions: pooling, and the gradients of ReLU and of pooling.
//!
//! In inference these are fused into the convolutions. Training needs the outputs before pooling, and masks
//! the gradients on their way back.

use rayon::prelude::*;

use crate::activation::Activation;
use crate::error::{Error, check_size};
use crate::line::{LANES, Line};

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
    let planes = output.lines_mut().par_chunks_exact_mut(down * across);
    planes
        .zip(input.lines().par_chunks_exact(height * width))
        .with_min_len(planes_per_task(height * width))
        .for_each(|(output, input)| {
            for (y, row) in output.chunks_exact_mut(across).enumerate() {
                let (upper, lower) = input[2 * y * width..].split_at(width);
                for (x, line) in row.iter_mut().enumerate() {
                    let first = max(&upper[2 * x], &upper[2 * x + 1]);
                    let second = max(&lower[2 * x], &lower[2 * x + 1]);
                    *line = max(&first, &second);
                }
            }
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
    check_size("height of the gradient", activated.height(), gradient.height())?;
    check_size("width of the gradient", activated.width(), gradient.width())?;
    const CHUNK: usize = 1 << 12;
    gradient
        .lines_mut()
        .par_chunks_mut(CHUNK)
        .zip(activated.lines().par_chunks(CHUNK))
        .for_each(|(gradient, activated)| {
            for (gradient, activated) in gradient.iter_mut().zip(activated) {
                for (g, &a) in gradient.0.iter_mut().zip(&activated.0) {
                    *g = if a > 0.0 { *g } else { 0.0 };
                }
            }
        });
    Ok(())
}

/// Carries a gradient back through a 2x2 max pooling: to the first of the largest values of each window.
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
    gradient
        .lines_mut()
        .par_chunks_exact_mut(height * width)
        .zip(activated.lines().par_chunks_exact(height * width))
        .zip(pooled.lines().par_chunks_exact(down * across))
        .with_min_len(planes_per_task(height * width))
        .for_each(|((gradient, activated), pooled)| {
            for (y, row) in pooled.chunks_exact(across).enumerate() {
                let start = 2 * y * width;
                let (upper, lower) = activated[start..].split_at(width);
                let (to_upper, to_lower) = gradient[start..].split_at_mut(width);
                for (x, line) in row.iter().enumerate() {
                    let window = [
                        &upper[2 * x],
                        &upper[2 * x + 1],
                        &lower[2 * x],
                        &lower[2 * x + 1],
                    ];
                    let parts = scatter(window, line, relu);
                    to_upper[2 * x] = parts[0];
                    to_upper[2 * x + 1] = parts[1];
                    to_lower[2 * x] = parts[2];
                    to_lower[2 * x + 1] = parts[3];
                }
                if width % 2 == 1 {
                    to_upper[width - 1] = Line::ZERO;
                    to_lower[width - 1] = Line::ZERO;
                }
            }
            if height % 2 == 1 {
                gradient[(height - 1) * width..].fill(Line::ZERO);
            }
        });
    Ok(())
}

/// The gradient of a window: all of it to the first largest value.
fn scatter(window: [&Line; 4], gradient: &Line, relu: bool) -> [Line; 4] {
    let mut parts = [Line::ZERO; 4];
    for lane in 0..LANES {
        let [a, b, c, d] = window.map(|line| line.0[lane]);
        let largest = a.max(b).max(c.max(d));
        let g = if relu && largest <= 0.0 { 0.0 } else { gradient.0[lane] };
        let (is_a, is_b, is_c) = (a == largest, b == largest, c == largest);
        parts[0].0[lane] = if is_a { g } else { 0.0 };
        parts[1].0[lane] = if !is_a & is_b { g } else { 0.0 };
        parts[2].0[lane] = if !is_a & !is_b & is_c { g } else { 0.0 };
        parts[3].0[lane] = if !is_a & !is_b & !is_c { g } else { 0.0 };
    }
    parts
}

/// The larger numbers; NaN where either is NaN.
fn max(a: &Line, b: &Line) -> Line {
    let mut larger = *b;
    for (larger, &a) in larger.0.iter_mut().zip(&a.0) {
        *larger = if a > *larger || a.is_nan() { a } else { *larger };
    }
    larger
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

/// Planes that are worth a task of their own.
fn planes_per_task(plane: usize) -> usize {
    1 + (1 << 11) / plane
}
