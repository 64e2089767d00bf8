//! Sixteen lanes in one 512-bit register.
#![allow(unsafe_code)]

use std::arch::x86_64::*;

use super::Vector;
use crate::maps::line::{LANES, Line};

#[derive(Clone, Copy)]
pub(super) struct Avx512(__m512);

// SAFETY: `Kernel::run` makes values only after it has found avx512f (and avx2, fma and f16c).
unsafe impl Vector for Avx512 {
    // 14 x 2 accumulators, 2 columns of weights and 2 broadcasts fill the 32 registers.
    const ROWS: usize = 14;
    const COLS: usize = 2;
    const CHANNEL_ROWS: usize = 8;

    #[inline(always)]
    fn splat(x: f32) -> Self {
        // SAFETY: avx512f is there, as for every value of this type.
        Self(unsafe { _mm512_set1_ps(x) })
    }
    #[inline(always)]
    fn load(from: &[f32; LANES]) -> Self {
        // SAFETY: the array holds the 16 floats that are read; the load has no alignment.
        Self(unsafe { _mm512_loadu_ps(from.as_ptr()) })
    }
    #[inline(always)]
    fn store(self, to: &mut [f32; LANES]) {
        // SAFETY: the array holds the 16 floats that are written; the store has no alignment.
        unsafe { _mm512_storeu_ps(to.as_mut_ptr(), self.0) }
    }
    #[inline(always)]
    fn stream(self, to: &mut Line) {
        // SAFETY: avx512f is there; a line is 64 bytes and aligned to them.
        unsafe { _mm512_stream_ps(to.0.as_mut_ptr(), self.0) }
    }
    #[inline(always)]
    fn fence() {
        // SAFETY: every x86-64 processor has this instruction.
        unsafe { _mm_sfence() }
    }
    #[inline(always)]
    fn add(self, other: Self) -> Self {
        // SAFETY: avx512f is there.
        Self(unsafe { _mm512_add_ps(self.0, other.0) })
    }
    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        // SAFETY: avx512f is there.
        Self(unsafe { _mm512_sub_ps(self.0, other.0) })
    }
    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        // SAFETY: avx512f is there.
        Self(unsafe { _mm512_mul_ps(self.0, other.0) })
    }
    #[inline(always)]
    fn mul_add(self, factor: Self, addend: Self) -> Self {
        // SAFETY: avx512f is there.
        Self(unsafe { _mm512_fmadd_ps(self.0, factor.0, addend.0) })
    }
    #[inline(always)]
    fn max(self, other: Self) -> Self {
        // The instruction returns its second operand if either is NaN, so only a NaN in the first
        // one has to be put back.
        // SAFETY: avx512f is there.
        Self(unsafe {
            let larger = _mm512_max_ps(self.0, other.0);
            let nan = _mm512_cmp_ps_mask::<_CMP_UNORD_Q>(self.0, self.0);
            _mm512_mask_mov_ps(larger, nan, self.0)
        })
    }
    #[inline(always)]
    fn relu(self) -> Self {
        // SAFETY: avx512f is there. The second operand is returned if either is NaN.
        Self(unsafe { _mm512_max_ps(_mm512_setzero_ps(), self.0) })
    }
    #[inline(always)]
    fn where_greater(self, a: Self, b: Self) -> Self {
        // SAFETY: avx512f is there.
        Self(unsafe { _mm512_maskz_mov_ps(_mm512_cmp_ps_mask::<_CMP_GT_OQ>(a.0, b.0), self.0) })
    }
    #[inline(always)]
    fn where_equal(self, a: Self, b: Self) -> Self {
        // SAFETY: avx512f is there.
        Self(unsafe { _mm512_maskz_mov_ps(_mm512_cmp_ps_mask::<_CMP_EQ_OQ>(a.0, b.0), self.0) })
    }
    #[inline(always)]
    fn load_f16(from: &[u16; LANES]) -> Self {
        // SAFETY: the array holds the 32 bytes that are read; avx512f has the conversion.
        Self(unsafe { _mm512_cvtph_ps(_mm256_loadu_si256(from.as_ptr().cast())) })
    }
    #[inline(always)]
    fn prefetch(address: *const f32) {
        // SAFETY: a prefetch of any address is allowed.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(address.cast()) }
    }
    #[inline(always)]
    fn prefetch_once(address: *const f32) {
        // SAFETY: a prefetch of any address is allowed.
        unsafe { _mm_prefetch::<_MM_HINT_NTA>(address.cast()) }
    }
}
