//! Sixteen lanes in plain Rust, which the compiler turns into what vector instructions the target has
//! (SSE2 on any x86-64, `simd128` on wasm where it is switched on).
#![allow(unsafe_code)]

use super::Vector;
use crate::maps::line::LANES;

#[derive(Clone, Copy)]
pub(super) struct Portable([f32; LANES]);

impl Portable {
    #[inline(always)]
    fn zip(mut self, other: Self, f: impl Fn(f32, f32) -> f32) -> Self {
        for (a, b) in self.0.iter_mut().zip(other.0) {
            *a = f(*a, b);
        }
        self
    }
}

// SAFETY: it needs no instructions beyond the target's own.
unsafe impl Vector for Portable {
    // 2 x 4 accumulators and 4 registers of weights: SSE2 has 16 registers of four lanes.
    const ROWS: usize = 2;
    const COLS: usize = 1;
    const CHANNEL_ROWS: usize = 2;

    #[inline(always)]
    fn splat(x: f32) -> Self {
        Self([x; LANES])
    }
    #[inline(always)]
    fn load(from: &[f32; LANES]) -> Self {
        Self(*from)
    }
    #[inline(always)]
    fn store(self, to: &mut [f32; LANES]) {
        *to = self.0;
    }
    #[inline(always)]
    fn add(self, other: Self) -> Self {
        self.zip(other, |a, b| a + b)
    }
    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        self.zip(other, |a, b| a - b)
    }
    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        self.zip(other, |a, b| a * b)
    }
    #[inline(always)]
    fn mul_add(mut self, factor: Self, addend: Self) -> Self {
        // Not `f32::mul_add`: without the instruction that is a call of a slow library function.
        for ((a, b), c) in self.0.iter_mut().zip(factor.0).zip(addend.0) {
            *a = *a * b + c;
        }
        self
    }
    #[inline(always)]
    fn max(self, other: Self) -> Self {
        self.zip(other, |a, b| if a > b || a.is_nan() { a } else { b })
    }
    #[inline(always)]
    fn relu(mut self) -> Self {
        for a in &mut self.0 {
            *a = if *a < 0.0 { 0.0 } else { *a };
        }
        self
    }
    #[inline(always)]
    fn where_greater(mut self, a: Self, b: Self) -> Self {
        for (kept, (a, b)) in self.0.iter_mut().zip(a.0.into_iter().zip(b.0)) {
            *kept = if a > b { *kept } else { 0.0 };
        }
        self
    }
    #[inline(always)]
    fn where_equal(mut self, a: Self, b: Self) -> Self {
        for (kept, (a, b)) in self.0.iter_mut().zip(a.0.into_iter().zip(b.0)) {
            *kept = if a == b { *kept } else { 0.0 };
        }
        self
    }
    #[inline(always)]
    fn load_f16(from: &[u16; LANES]) -> Self {
        let mut wide = [0.0; LANES];
        for (to, &half) in wide.iter_mut().zip(from) {
            *to = f16_to_f32(half);
        }
        Self(wide)
    }
    #[inline(always)]
    fn prefetch(_address: *const f32) {}
    #[inline(always)]
    fn prefetch_once(_address: *const f32) {}
}

/// Widens a half-precision number: its bits are moved to their places in an `f32`, and the exponent's
/// bias is corrected by a multiplication, which also normalises subnormal numbers.
#[inline(always)]
pub(crate) fn f16_to_f32(half: u16) -> f32 {
    let magnitude = u32::from(half & 0x7fff) << 13;
    let sign = u32::from(half & 0x8000) << 16;
    let value = if magnitude >= 0x0f80_0000 {
        // Infinity and NaN have the largest exponent on both sides.
        f32::from_bits(magnitude | 0x7f80_0000)
    } else {
        f32::from_bits(magnitude) * f32::from_bits((127 + 127 - 15) << 23)
    };
    f32::from_bits(value.to_bits() | sign)
}
