//! The transforms of F(4, 3) along one line, on numbers in registers: Lavin and Gray, "Fast Algorithms for
//! Convolutional Neural Networks", 2015.
//!
//! Each works in place on a square of registers of six by six; `at` is the first number, `step` the way to the next.

use burn_cubecl::cubecl::{self, prelude::*};

const SIXTH: f32 = 1.0 / 6.0;
const TWELFTH: f32 = 1.0 / 12.0;
const TWENTY_FOURTH: f32 = 1.0 / 24.0;

/// Six pixels of an input: Bᵀd.
#[cube]
pub(super) fn input_line(d: &mut Array<f32>, #[comptime] at: usize, #[comptime] step: usize) {
    let (d0, d1, d2) = (d[at], d[comptime!(at + step)], d[comptime!(at + 2 * step)]);
    let (d3, d4, d5) = (
        d[comptime!(at + 3 * step)],
        d[comptime!(at + 4 * step)],
        d[comptime!(at + 5 * step)],
    );
    let (near, far) = (d4 - 4.0 * d2, d3 - 4.0 * d1);
    let (even, odd) = (d4 - d2, 2.0 * (d3 - d1));
    d[at] = 4.0 * d0 - 5.0 * d2 + d4;
    d[comptime!(at + step)] = near + far;
    d[comptime!(at + 2 * step)] = near - far;
    d[comptime!(at + 3 * step)] = even + odd;
    d[comptime!(at + 4 * step)] = even - odd;
    d[comptime!(at + 5 * step)] = 4.0 * d1 - 5.0 * d3 + d5;
}

/// Six sums of products to four outputs: Aᵀm.
#[cube]
pub(super) fn output_line(m: &mut Array<f32>, #[comptime] at: usize, #[comptime] step: usize) {
    let (m0, m1, m2) = (m[at], m[comptime!(at + step)], m[comptime!(at + 2 * step)]);
    let (m3, m4, m5) = (
        m[comptime!(at + 3 * step)],
        m[comptime!(at + 4 * step)],
        m[comptime!(at + 5 * step)],
    );
    let (sum, difference) = (m1 + m2, m1 - m2);
    let (far_sum, far_difference) = (m3 + m4, m3 - m4);
    m[at] = m0 + sum + far_sum;
    m[comptime!(at + step)] = difference + 2.0 * far_difference;
    m[comptime!(at + 2 * step)] = sum + 4.0 * far_sum;
    m[comptime!(at + 3 * step)] = difference + 8.0 * far_difference + m5;
}

/// Four gradients of outputs to six of the sums: A·y.
#[cube]
pub(super) fn gradient_line(y: &mut Array<f32>, #[comptime] at: usize, #[comptime] step: usize) {
    let (y0, y1) = (y[at], y[comptime!(at + step)]);
    let (y2, y3) = (y[comptime!(at + 2 * step)], y[comptime!(at + 3 * step)]);
    let (even, odd) = (y0 + y2, y1 + y3);
    let (far_even, far_odd) = (y0 + 4.0 * y2, 2.0 * y1 + 8.0 * y3);
    y[comptime!(at + step)] = even + odd;
    y[comptime!(at + 2 * step)] = even - odd;
    y[comptime!(at + 3 * step)] = far_even + far_odd;
    y[comptime!(at + 4 * step)] = far_even - far_odd;
    y[comptime!(at + 5 * step)] = y3;
}

/// Three weights to six: G·g.
#[cube]
pub(super) fn weight_line(g: &mut Array<f32>, #[comptime] at: usize, #[comptime] step: usize) {
    let (g0, g1, g2) = (g[at], g[comptime!(at + step)], g[comptime!(at + 2 * step)]);
    let ends = g0 + g2;
    let far = g0 * TWENTY_FOURTH + g2 * SIXTH;
    g[at] = g0 * 0.25;
    g[comptime!(at + step)] = (0.0 - ends - g1) * SIXTH;
    g[comptime!(at + 2 * step)] = (g1 - ends) * SIXTH;
    g[comptime!(at + 3 * step)] = far + g1 * TWELFTH;
    g[comptime!(at + 4 * step)] = far - g1 * TWELFTH;
    g[comptime!(at + 5 * step)] = g2;
}

/// Six gradients of transformed weights to three: Gᵀu.
#[cube]
pub(super) fn weight_gradient_line(
    u: &mut Array<f32>,
    #[comptime] at: usize,
    #[comptime] step: usize,
) {
    let (u0, u1, u2) = (u[at], u[comptime!(at + step)], u[comptime!(at + 2 * step)]);
    let (u3, u4, u5) = (
        u[comptime!(at + 3 * step)],
        u[comptime!(at + 4 * step)],
        u[comptime!(at + 5 * step)],
    );
    let (sum, far_sum) = (u1 + u2, u3 + u4);
    u[at] = u0 * 0.25 - sum * SIXTH + far_sum * TWENTY_FOURTH;
    u[comptime!(at + step)] = (u2 - u1) * SIXTH + (u3 - u4) * TWELFTH;
    u[comptime!(at + 2 * step)] = (far_sum - sum) * SIXTH + u5;
}
