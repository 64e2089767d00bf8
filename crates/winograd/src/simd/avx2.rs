//! Sixteen lanes in two 256-bit registers.
#![allow(unsafe_code)]

use std::arch::x86_64::*;

use super::Vector;
use crate::maps::line::{LANES, Line};

#[derive(Clone, Copy)]
pub(super) struct Avx2(__m256, __m256);

// SAFETY: `Kernel::run` makes values only after it has found avx2, fma and f16c.
unsafe impl Vector for Avx2 {
    // 6 x 2 accumulators, 2 registers of weights and 2 broadcasts fill the 16 registers.
    const ROWS: usize = 6;
    const COLS: usize = 1;
    const CHANNEL_ROWS: usize = 4;

    #[inline(always)]
    fn splat(x: f32) -> Self {
        // SAFETY: avx2, fma and f16c are there, as for every value of this type.
        unsafe { Self(_mm256_set1_ps(x), _mm256_set1_ps(x)) }
    }
    #[inline(always)]
    fn load(from: &[f32; LANES]) -> Self {
        let from = from.as_ptr();
        // SAFETY: the array holds the 16 floats that are read; the loads have no alignment.
        unsafe { Self(_mm256_loadu_ps(from), _mm256_loadu_ps(from.add(8))) }
    }
    #[inline(always)]
    fn store(self, to: &mut [f32; LANES]) {
        let to = to.as_mut_ptr();
        // SAFETY: the array holds the 16 floats that are written; the stores have no alignment.
        unsafe {
            _mm256_storeu_ps(to, self.0);
            _mm256_storeu_ps(to.add(8), self.1);
        }
    }
    #[inline(always)]
    fn stream(self, to: &mut Line) {
        let to = to.0.as_mut_ptr();
        // SAFETY: avx2 is there; a line is 64 bytes and aligned to them.
        unsafe {
            _mm256_stream_ps(to, self.0);
            _mm256_stream_ps(to.add(8), self.1);
        }
    }
    #[inline(always)]
    fn fence() {
        // SAFETY: every x86-64 processor has this instruction.
        unsafe { _mm_sfence() }
    }
    #[inline(always)]
    fn add(self, other: Self) -> Self {
        // SAFETY: avx2 is there.
        unsafe {
            Self(
                _mm256_add_ps(self.0, other.0),
                _mm256_add_ps(self.1, other.1),
            )
        }
    }
    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        // SAFETY: avx2 is there.
        unsafe {
            Self(
                _mm256_sub_ps(self.0, other.0),
                _mm256_sub_ps(self.1, other.1),
            )
        }
    }
    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        // SAFETY: avx2 is there.
        unsafe {
            Self(
                _mm256_mul_ps(self.0, other.0),
                _mm256_mul_ps(self.1, other.1),
            )
        }
    }
    #[inline(always)]
    fn mul_add(self, factor: Self, addend: Self) -> Self {
        // SAFETY: fma is there.
        unsafe {
            Self(
                _mm256_fmadd_ps(self.0, factor.0, addend.0),
                _mm256_fmadd_ps(self.1, factor.1, addend.1),
            )
        }
    }
    #[inline(always)]
    fn max(self, other: Self) -> Self {
        // SAFETY: avx2 is there.
        unsafe { Self(max(self.0, other.0), max(self.1, other.1)) }
    }
    #[inline(always)]
    fn relu(self) -> Self {
        // SAFETY: avx2 is there. The second operand is returned if either is NaN.
        unsafe {
            let zero = _mm256_setzero_ps();
            Self(_mm256_max_ps(zero, self.0), _mm256_max_ps(zero, self.1))
        }
    }
    #[inline(always)]
    fn where_greater(self, a: Self, b: Self) -> Self {
        // SAFETY: avx2 is there.
        unsafe {
            Self(
                _mm256_and_ps(_mm256_cmp_ps::<_CMP_GT_OQ>(a.0, b.0), self.0),
                _mm256_and_ps(_mm256_cmp_ps::<_CMP_GT_OQ>(a.1, b.1), self.1),
            )
        }
    }
    #[inline(always)]
    fn where_equal(self, a: Self, b: Self) -> Self {
        // SAFETY: avx2 is there.
        unsafe {
            Self(
                _mm256_and_ps(_mm256_cmp_ps::<_CMP_EQ_OQ>(a.0, b.0), self.0),
                _mm256_and_ps(_mm256_cmp_ps::<_CMP_EQ_OQ>(a.1, b.1), self.1),
            )
        }
    }
    #[inline(always)]
    fn load_f16(from: &[u16; LANES]) -> Self {
        let from: *const __m128i = from.as_ptr().cast();
        // SAFETY: the array holds the 32 bytes that are read; f16c is there.
        unsafe {
            Self(
                _mm256_cvtph_ps(_mm_loadu_si128(from)),
                _mm256_cvtph_ps(_mm_loadu_si128(from.add(1))),
            )
        }
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

/// The larger one; NaN if either is NaN: the instruction returns its second operand then, so only a
/// NaN in the first one has to be put back.
///
/// # Safety
/// The processor has avx2.
#[inline(always)]
unsafe fn max(a: __m256, b: __m256) -> __m256 {
    // SAFETY: avx2 is there, says the caller.
    unsafe {
        let nan = _mm256_cmp_ps::<_CMP_UNORD_Q>(a, a);
        _mm256_blendv_ps(_mm256_max_ps(a, b), a, nan)
    }
}
