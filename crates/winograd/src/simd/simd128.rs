//! Sixteen lanes in four 128-bit registers of WebAssembly.
#![allow(unsafe_code)]

use std::arch::wasm32::*;

use super::{Vector, f16_to_f32};
use crate::maps::line::LANES;

#[derive(Clone, Copy)]
pub(super) struct Simd128([v128; 4]);

impl Simd128 {
    #[inline(always)]
    fn zip(self, other: Self, f: impl Fn(v128, v128) -> v128) -> Self {
        let (a, b) = (self.0, other.0);
        Self([f(a[0], b[0]), f(a[1], b[1]), f(a[2], b[2]), f(a[3], b[3])])
    }
}

// SAFETY: the type is only there where the whole module is compiled with `simd128`.
unsafe impl Vector for Simd128 {
    // 2 x 4 accumulators, 4 registers of weights and a broadcast: an x86 processor below the module
    // has 16 registers.
    const ROWS: usize = 2;
    const COLS: usize = 1;
    const CHANNEL_ROWS: usize = 2;

    #[inline(always)]
    fn splat(x: f32) -> Self {
        Self([f32x4_splat(x); 4])
    }
    #[inline(always)]
    fn load(from: &[f32; LANES]) -> Self {
        let from = from.as_ptr().cast::<v128>();
        // SAFETY: the array holds the 16 floats that are read; WebAssembly reads from any address.
        Self(std::array::from_fn(|index| unsafe {
            v128_load(from.add(index))
        }))
    }
    #[inline(always)]
    fn store(self, to: &mut [f32; LANES]) {
        let to = to.as_mut_ptr().cast::<v128>();
        for (index, part) in self.0.into_iter().enumerate() {
            // SAFETY: the array holds the 16 floats that are written; WebAssembly writes to any address.
            unsafe { v128_store(to.add(index), part) };
        }
    }
    #[inline(always)]
    fn add(self, other: Self) -> Self {
        self.zip(other, |a, b| f32x4_add(a, b))
    }
    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        self.zip(other, |a, b| f32x4_sub(a, b))
    }
    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        self.zip(other, |a, b| f32x4_mul(a, b))
    }
    #[inline(always)]
    fn mul_add(self, factor: Self, addend: Self) -> Self {
        // Rounded twice: WebAssembly's fused instruction may or may not be fused.
        self.mul(factor).add(addend)
    }
    #[inline(always)]
    fn max(self, other: Self) -> Self {
        // NaN if either is NaN.
        self.zip(other, |a, b| f32x4_max(a, b))
    }
    #[inline(always)]
    fn relu(self) -> Self {
        let zero = f32x4_splat(0.0);
        // `if value < 0 { 0 } else { value }`, so NaN stays NaN: one instruction of x86, where
        // `f32x4_max` takes several.
        Self(self.0.map(|value| f32x4_pmax(value, zero)))
    }
    #[inline(always)]
    fn where_greater(self, a: Self, b: Self) -> Self {
        self.zip(a.zip(b, |a, b| f32x4_gt(a, b)), |kept, mask| {
            v128_and(kept, mask)
        })
    }
    #[inline(always)]
    fn where_equal(self, a: Self, b: Self) -> Self {
        self.zip(a.zip(b, |a, b| f32x4_eq(a, b)), |kept, mask| {
            v128_and(kept, mask)
        })
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
