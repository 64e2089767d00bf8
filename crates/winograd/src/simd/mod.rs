//! Vectors of sixteen `f32` on each instruction set, and the choice among them at run time.
//!
//! The algorithms are written once, generic over [`Vector`]. A piece of work is an [`Op`]; [`Kernel::run`]
//! compiles it into one function per instruction set and calls the one that was asked for. Everything
//! between `Op::run` and the methods of [`Vector`] has to be `#[inline(always)]`, because only what is
//! inlined into that function is compiled with its instructions.

#![allow(unsafe_code)]

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod kernel;
#[cfg(all(target_arch = "aarch64", target_feature = "neon"))]
mod neon;
mod portable;
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
mod simd128;

use crate::maps::line::{LANES, Line};

pub use kernel::Kernel;
pub(crate) use kernel::Op;
#[cfg(any(
    test,
    all(target_arch = "aarch64", target_feature = "neon"),
    all(target_arch = "wasm32", target_feature = "simd128")
))]
pub(crate) use portable::f16_to_f32;

/// Sixteen `f32`.
///
/// # Safety
/// A value may only be made on a processor that has the instructions of the implementing type:
/// inside [`Op::run`] called by [`Kernel::run`]. The safe methods rely on it.
pub(crate) unsafe trait Vector: Copy {
    /// Rows of the register block of a matrix product (at most 16).
    const ROWS: usize;
    /// Lines side by side in that block, which is also the width of a panel of packed weights (1 or 2).
    const COLS: usize;
    /// Rows of the register block when rows are channels (a divisor of 16).
    const CHANNEL_ROWS: usize;

    fn splat(x: f32) -> Self;
    fn load(from: &[f32; LANES]) -> Self;
    fn store(self, to: &mut [f32; LANES]);
    /// Stores past the caches what will not be read soon, to a line's address; [`Vector::fence`] has to
    /// follow before another thread may read it.
    #[inline(always)]
    fn stream(self, to: &mut Line) {
        self.store(&mut to.0);
    }
    /// Makes streamed lines visible to whoever synchronises with this thread.
    #[inline(always)]
    fn fence() {}
    fn add(self, other: Self) -> Self;
    fn sub(self, other: Self) -> Self;
    fn mul(self, other: Self) -> Self;
    /// `self * factor + addend`, rounded once where the processor can.
    fn mul_add(self, factor: Self, addend: Self) -> Self;
    /// The larger one; NaN if either is NaN.
    fn max(self, other: Self) -> Self;
    /// `max(self, 0)`; NaN stays NaN.
    fn relu(self) -> Self;
    /// `self` where `a > b`, zero elsewhere.
    fn where_greater(self, a: Self, b: Self) -> Self;
    /// `self` where `a == b`, zero elsewhere.
    fn where_equal(self, a: Self, b: Self) -> Self;
    /// Sixteen half-precision numbers, widened.
    fn load_f16(from: &[u16; LANES]) -> Self;
    /// Asks for the cache line at `address`, which need not be valid.
    fn prefetch(address: *const f32);
    /// The same for what will be read a single time.
    fn prefetch_once(address: *const f32);

    /// `self * factor + addend` with one factor for all lanes.
    #[inline(always)]
    fn scale_add(self, factor: f32, addend: Self) -> Self {
        self.mul_add(Self::splat(factor), addend)
    }
    /// `self * factor` with one factor for all lanes.
    #[inline(always)]
    fn scale(self, factor: f32) -> Self {
        self.mul(Self::splat(factor))
    }
}
