//! The one-dimensional transforms of Winograd's minimal filtering `F(M, 3)`.
//!
//! `M` outputs of a filter of 3 taps are the product of two polynomials, found from its values at
//! `N = M + 2` points (Toom and Cook; Winograd 1980; Lavin and Gray, arXiv:1509.09308):
//! `y = Aᵀ[(G g) ⊙ (Bᵀ d)]`. The points are 0, infinity and pairs `±p`. Pairs make `Bᵀ` and `Aᵀ` cheap,
//! since the even and the odd part are computed once for both signs. With `s = p²` and the product `Q` of
//! `x² - s'` over the other pairs:
//!
//! - `Bᵀ`: the coefficients of `Q·x² ± p·Q·x` for `±p`, of `Π(x² - s)` for 0, of `x·Π(x² - s)` for infinity;
//! - `G`: `[1, ±p, s] / (2·s·Q(p))` for `±p`, `[1, 0, 0] / Π(-s)` for 0, `[0, 0, 1]` for infinity;
//! - `Aᵀ`: the powers `0..M` of the point, and the last output alone for infinity.
//!
//! Two dimensions apply them to the rows and then to the columns of a tile.

use crate::simd::Vector;

/// `F(M, 3)` on `N = M + 2` points.
pub(crate) struct Tile<const N: usize, const M: usize>;

/// Positive points and their squares for one, two and three pairs. Points around 1 keep the powers, and
/// with them the rounding errors, small: with `1/√2` and `√2` the error of F(4, 3) is less than half of
/// that with the usual 1 and 2.
const POINTS: [&[(f64, f64)]; 3] = [
    &[(1.0, 1.0)],
    &[
        (std::f64::consts::FRAC_1_SQRT_2, 0.5),
        (std::f64::consts::SQRT_2, 2.0),
    ],
    &[(1.0, 1.0), (0.5, 0.25), (2.0, 4.0)],
];

/// The entries of the matrices for up to three pairs.
struct Entries {
    /// `[pair][power]`: powers of the positive point.
    power: [[f32; 6]; 3],
    /// `[pair][k]`: coefficients of `Q` at `x^(2k)`.
    others: [[f32; 3]; 3],
    /// `[k]`: coefficients of `Π(x² - s)` at `x^(2k)`.
    all: [f32; 4],
    /// `[pair]`: `1/n`, `p/n`, `s/n` with `n = 2·s·Q(p)`.
    kernel: [[f32; 3]; 3],
    /// `1 / Π(-s)`.
    kernel_zero: f32,
}

const fn entries(pairs: usize) -> Entries {
    let points = POINTS[pairs - 1];
    let mut power = [[0.0; 6]; 3];
    let mut others = [[0.0; 3]; 3];
    let mut kernel = [[0.0; 3]; 3];
    let mut all = [0.0; 4];
    let mut kernel_zero = 1.0;
    // One turn more than there are pairs: the last one leaves no pair out.
    let mut j = 0;
    while j <= pairs {
        let mut product = [1.0, 0.0, 0.0, 0.0];
        let mut degree = 0;
        let mut k = 0;
        while k < pairs {
            if k != j {
                let square = points[k].1;
                let mut i = degree + 1;
                while i > 0 {
                    product[i] = product[i - 1] - square * product[i];
                    i -= 1;
                }
                product[0] *= -square;
                degree += 1;
            }
            k += 1;
        }
        let mut k = 0;
        if j < pairs {
            let (point, square) = points[j];
            let mut value = 0.0;
            while k < pairs {
                others[j][k] = product[k] as f32;
                value = value + product[k] * integer_power(square, k);
                k += 1;
            }
            let norm = 1.0 / (2.0 * square * value);
            kernel[j] = [norm as f32, (point * norm) as f32, (square * norm) as f32];
            let mut i = 0;
            while i < 6 {
                // Even powers from the exact square.
                let odd = if i % 2 == 1 { point } else { 1.0 };
                power[j][i] = (odd * integer_power(square, i / 2)) as f32;
                i += 1;
            }
            kernel_zero /= -square;
        } else {
            while k <= pairs {
                all[k] = product[k] as f32;
                k += 1;
            }
        }
        j += 1;
    }
    Entries {
        power,
        others,
        all,
        kernel,
        kernel_zero: kernel_zero as f32,
    }
}

const fn integer_power(base: f64, exponent: usize) -> f64 {
    let mut power = 1.0;
    let mut i = 0;
    while i < exponent {
        power *= base;
        i += 1;
    }
    power
}

impl<const N: usize, const M: usize> Tile<N, M> {
    const PAIRS: usize = (N - 2) / 2;
    const E: Entries = entries(Self::PAIRS);

    /// `Bᵀ d`: the input.
    #[inline(always)]
    pub(crate) fn input<V: Vector>(d: [V; N]) -> [V; N] {
        let pairs = Self::PAIRS;
        let mut v = d;
        v[0] = d[2 * pairs];
        v[N - 1] = d[2 * pairs + 1];
        for k in (0..pairs).rev() {
            v[0] = d[2 * k].scale_add(Self::E.all[k], v[0]);
            v[N - 1] = d[2 * k + 1].scale_add(Self::E.all[k], v[N - 1]);
        }
        for j in 0..pairs {
            let mut even = d[2 * pairs];
            let mut odd = d[2 * pairs - 1];
            for k in (0..pairs - 1).rev() {
                even = d[2 * k + 2].scale_add(Self::E.others[j][k], even);
                odd = d[2 * k + 1].scale_add(Self::E.others[j][k], odd);
            }
            v[1 + 2 * j] = odd.scale_add(Self::E.power[j][1], even);
            v[2 + 2 * j] = odd.scale_add(-Self::E.power[j][1], even);
        }
        v
    }

    /// `Aᵀ m`: the output.
    #[inline(always)]
    pub(crate) fn output<V: Vector>(m: [V; N]) -> [V; M] {
        let mut y = [m[0]; M];
        for (i, y) in y.iter_mut().enumerate() {
            let mut sum = if i == 0 { m[0] } else { V::splat(0.0) };
            for j in 0..Self::PAIRS {
                let (plus, minus) = (m[1 + 2 * j], m[2 + 2 * j]);
                let part = if i % 2 == 0 {
                    plus.add(minus)
                } else {
                    plus.sub(minus)
                };
                sum = if i == 0 {
                    sum.add(part)
                } else if j == 0 {
                    part.scale(Self::E.power[j][i])
                } else {
                    part.scale_add(Self::E.power[j][i], sum)
                };
            }
            *y = if i == M - 1 { sum.add(m[N - 1]) } else { sum };
        }
        y
    }

    /// `G g`: the weights.
    #[inline(always)]
    pub(crate) fn kernel<V: Vector>(g: [V; 3]) -> [V; N] {
        let mut u = [g[2]; N];
        u[0] = g[0].scale(Self::E.kernel_zero);
        for j in 0..Self::PAIRS {
            let [one, point, square] = Self::E.kernel[j];
            let even = g[2].scale_add(square, g[0].scale(one));
            u[1 + 2 * j] = g[1].scale_add(point, even);
            u[2 + 2 * j] = g[1].scale_add(-point, even);
        }
        u
    }

    /// `A y`: the gradient of the output, carried to the points.
    #[inline(always)]
    pub(crate) fn output_adjoint<V: Vector>(y: [V; M]) -> [V; N] {
        let mut m = [y[M - 1]; N];
        m[0] = y[0];
        for j in 0..Self::PAIRS {
            let mut even = y[0];
            let mut odd = y[1].scale(Self::E.power[j][1]);
            for (i, &y) in y.iter().enumerate().skip(2) {
                let sum = if i % 2 == 0 { &mut even } else { &mut odd };
                *sum = y.scale_add(Self::E.power[j][i], *sum);
            }
            m[1 + 2 * j] = even.add(odd);
            m[2 + 2 * j] = even.sub(odd);
        }
        m
    }

    /// `Gᵀ u`: the gradient of the weights, carried back from the points.
    #[inline(always)]
    pub(crate) fn kernel_adjoint<V: Vector>(u: [V; N]) -> [V; 3] {
        let mut g = [u[0].scale(Self::E.kernel_zero), V::splat(0.0), u[N - 1]];
        for j in 0..Self::PAIRS {
            let [one, point, square] = Self::E.kernel[j];
            let (plus, minus) = (u[1 + 2 * j], u[2 + 2 * j]);
            let (even, odd) = (plus.add(minus), plus.sub(minus));
            g[0] = even.scale_add(one, g[0]);
            g[1] = odd.scale_add(point, g[1]);
            g[2] = even.scale_add(square, g[2]);
        }
        g
    }
}
