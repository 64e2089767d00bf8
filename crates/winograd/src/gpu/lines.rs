//! The transforms of F(4, 3) along one line, on numbers in registers.
//!
//! The matrices are those of the CPU's `transform::tile`, where their source is: the points are 0, ±1/√2, ±√2 and
//! infinity, with which the error is half of that with the usual 0, ±1, ±2 and infinity. Each function works in place on
//! a square of six by six registers; `at` is its first number, `step` the way to the next.

use std::f32::consts::{FRAC_1_SQRT_2, SQRT_2};

use burn_cubecl::cubecl::{self, prelude::*};

/// What the weights are multiplied by, for the points ±1/√2 and ±√2.
const NEAR: [f32; 3] = [-2.0 / 3.0, -2.0 / 3.0 * FRAC_1_SQRT_2, -1.0 / 3.0];
const FAR: [f32; 3] = [1.0 / 6.0, 1.0 / 6.0 * SQRT_2, 1.0 / 3.0];

/// Six pixels of an input: Bᵀd.
#[cube]
pub(super) fn input_line(d: &mut Array<f32>, #[comptime] at: usize, #[comptime] step: usize) {
    let (d0, d1, d2) = (d[at], d[comptime!(at + step)], d[comptime!(at + 2 * step)]);
    let (d3, d4, d5) = (
        d[comptime!(at + 3 * step)],
        d[comptime!(at + 4 * step)],
        d[comptime!(at + 5 * step)],
    );
    let (near_even, near_odd) = (d4 - 2.0 * d2, FRAC_1_SQRT_2 * (d3 - 2.0 * d1));
    let (far_even, far_odd) = (d4 - 0.5 * d2, SQRT_2 * (d3 - 0.5 * d1));
    d[at] = d0 - 2.5 * d2 + d4;
    d[comptime!(at + step)] = near_even + near_odd;
    d[comptime!(at + 2 * step)] = near_even - near_odd;
    d[comptime!(at + 3 * step)] = far_even + far_odd;
    d[comptime!(at + 4 * step)] = far_even - far_odd;
    d[comptime!(at + 5 * step)] = d1 - 2.5 * d3 + d5;
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
    let (near_even, near_odd) = (m1 + m2, FRAC_1_SQRT_2 * (m1 - m2));
    let (far_even, far_odd) = (m3 + m4, SQRT_2 * (m3 - m4));
    m[at] = m0 + near_even + far_even;
    m[comptime!(at + step)] = near_odd + far_odd;
    m[comptime!(at + 2 * step)] = 0.5 * near_even + 2.0 * far_even;
    m[comptime!(at + 3 * step)] = 0.5 * near_odd + 2.0 * far_odd + m5;
}

/// Four gradients of outputs to six of the sums: A·y.
#[cube]
pub(super) fn gradient_line(y: &mut Array<f32>, #[comptime] at: usize, #[comptime] step: usize) {
    let (y0, y1) = (y[at], y[comptime!(at + step)]);
    let (y2, y3) = (y[comptime!(at + 2 * step)], y[comptime!(at + 3 * step)]);
    let (near_even, near_odd) = (y0 + 0.5 * y2, FRAC_1_SQRT_2 * (y1 + 0.5 * y3));
    let (far_even, far_odd) = (y0 + 2.0 * y2, SQRT_2 * (y1 + 2.0 * y3));
    y[comptime!(at + step)] = near_even + near_odd;
    y[comptime!(at + 2 * step)] = near_even - near_odd;
    y[comptime!(at + 3 * step)] = far_even + far_odd;
    y[comptime!(at + 4 * step)] = far_even - far_odd;
    y[comptime!(at + 5 * step)] = y3;
}

/// Three weights to six: G·g.
#[cube]
pub(super) fn weight_line(g: &mut Array<f32>, #[comptime] at: usize, #[comptime] step: usize) {
    let (g0, g1, g2) = (g[at], g[comptime!(at + step)], g[comptime!(at + 2 * step)]);
    let near = g0 * comptime!(NEAR[0]) + g2 * comptime!(NEAR[2]);
    let far = g0 * comptime!(FAR[0]) + g2 * comptime!(FAR[2]);
    let (near_odd, far_odd) = (g1 * comptime!(NEAR[1]), g1 * comptime!(FAR[1]));
    g[comptime!(at + step)] = near + near_odd;
    g[comptime!(at + 2 * step)] = near - near_odd;
    g[comptime!(at + 3 * step)] = far + far_odd;
    g[comptime!(at + 4 * step)] = far - far_odd;
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
    let (near, far) = (u1 + u2, u3 + u4);
    u[at] = u0 + near * comptime!(NEAR[0]) + far * comptime!(FAR[0]);
    u[comptime!(at + step)] = (u1 - u2) * comptime!(NEAR[1]) + (u3 - u4) * comptime!(FAR[1]);
    u[comptime!(at + 2 * step)] = near * comptime!(NEAR[2]) + far * comptime!(FAR[2]) + u5;
}
