//! Sixteen lanes in four 128-bit registers of an ARM processor.
#![allow(unsafe_code)]

use std::arch::aarch64::*;

use super::{Vector, f16_to_f32};
use crate::maps::line::LANES;

#[derive(Clone, Copy)]
pub(super) struct Neon([float32x4_t; 4]);

impl Neon {
    #[inline(always)]
    fn zip(self, other: Self, f: impl Fn(float32x4_t, float32x4_t) -> float32x4_t) -> Self {
        let (a, b) = (self.0, other.0);
        Self([f(a[0], b[0]), f(a[1], b[1]), f(a[2], b[2]), f(a[3], b[3])])
    }
}

// SAFETY: this module is compiled only for targets with NEON, as every one with `std` is.
unsafe impl Vector for Neon {
    // 6 x 4 accumulators, 4 registers of weights and the broadcasts fill the 32 registers.
    const ROWS: usize = 6;
    const COLS: usize = 1;
    const CHANNEL_ROWS: usize = 4;

    #[inline(always)]
    fn splat(x: f32) -> Self {
        // SAFETY: NEON is there.
        Self([unsafe { vdupq_n_f32(x) }; 4])
    }
    #[inline(always)]
    fn load(from: &[f32; LANES]) -> Self {
        let from = from.as_ptr();
        // SAFETY: the array holds the 16 floats that are read.
        unsafe {
            Self([
                vld1q_f32(from),
                vld1q_f32(from.add(4)),
                vld1q_f32(from.add(8)),
                vld1q_f32(from.add(12)),
            ])
        }
    }
    #[inline(always)]
    fn store(self, to: &mut [f32; LANES]) {
        let to = to.as_mut_ptr();
        // SAFETY: the array holds the 16 floats that are written.
        unsafe {
            vst1q_f32(to, self.0[0]);
            vst1q_f32(to.add(4), self.0[1]);
            vst1q_f32(to.add(8), self.0[2]);
            vst1q_f32(to.add(12), self.0[3]);
        }
    }
    #[inline(always)]
    fn add(self, other: Self) -> Self {
        // SAFETY: NEON is there.
        self.zip(other, |a, b| unsafe { vaddq_f32(a, b) })
    }
    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        // SAFETY: NEON is there.
        self.zip(other, |a, b| unsafe { vsubq_f32(a, b) })
    }
    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        // SAFETY: NEON is there.
        self.zip(other, |a, b| unsafe { vmulq_f32(a, b) })
    }
    #[inline(always)]
    fn mul_add(self, factor: Self, addend: Self) -> Self {
        let (a, b, c) = (self.0, factor.0, addend.0);
        // SAFETY: NEON is there.
        unsafe {
            Self([
                vfmaq_f32(c[0], a[0], b[0]),
                vfmaq_f32(c[1], a[1], b[1]),
                vfmaq_f32(c[2], a[2], b[2]),
                vfmaq_f32(c[3], a[3], b[3]),
            ])
        }
    }
    #[inline(always)]
    fn max(self, other: Self) -> Self {
        // SAFETY: NEON is there. `fmax` returns NaN if either is NaN.
        self.zip(other, |a, b| unsafe { vmaxq_f32(a, b) })
    }
    #[inline(always)]
    fn relu(self) -> Self {
        self.max(Self::splat(0.0))
    }
    #[inline(always)]
    fn where_greater(self, a: Self, b: Self) -> Self {
        let mut kept = self.0;
        for (kept, (a, b)) in kept.iter_mut().zip(a.0.into_iter().zip(b.0)) {
            // SAFETY: NEON is there.
            *kept = unsafe {
                vreinterpretq_f32_u32(vandq_u32(vcgtq_f32(a, b), vreinterpretq_u32_f32(*kept)))
            };
        }
        Self(kept)
    }
    #[inline(always)]
    fn where_equal(self, a: Self, b: Self) -> Self {
        let mut kept = self.0;
        for (kept, (a, b)) in kept.iter_mut().zip(a.0.into_iter().zip(b.0)) {
            // SAFETY: NEON is there.
            *kept = unsafe {
                vreinterpretq_f32_u32(vandq_u32(vceqq_f32(a, b), vreinterpretq_u32_f32(*kept)))
            };
        }
        Self(kept)
    }
    #[inline(always)]
    fn load_f16(from: &[u16; LANES]) -> Self {
        let mut wide = [0.0; LANES];
        for (to, &half) in wide.iter_mut().zip(from) {
            *to = f16_to_f32(half);
        }
        Self::load(&wide)
    }
    #[inline(always)]
    fn prefetch(_address: *const f32) {}
    #[inline(always)]
    fn prefetch_once(_address: *const f32) {}
}
