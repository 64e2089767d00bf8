//! The choice of the instruction set.
#![allow(unsafe_code)]

use super::Vector;
use super::portable::Portable;
#[cfg(target_arch = "x86_64")]
use super::{avx2::Avx2, avx512::Avx512};
use crate::Error;

/// A piece of work that is compiled once for each instruction set.
pub(crate) trait Op {
    type Output;
    /// Has to be `#[inline(always)]`.
    fn run<V: Vector>(self) -> Self::Output;
}

/// An instruction set that the matrix products and transforms were compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kernel {
    /// 512-bit vectors of an x86-64 processor.
    Avx512,
    /// 256-bit vectors with fused multiply-add of an x86-64 processor.
    Avx2,
    /// 128-bit vectors of an ARM processor.
    Neon,
    /// 128-bit vectors of WebAssembly, in modules that are compiled with `simd128`.
    Simd128,
    /// Plain Rust, vectorised by the compiler for the target's own instructions.
    Portable,
}

impl Kernel {
    /// All kernels, the fastest first.
    pub const ALL: [Kernel; 5] = [
        Kernel::Avx512,
        Kernel::Avx2,
        Kernel::Neon,
        Kernel::Simd128,
        Kernel::Portable,
    ];

    /// The fastest kernel that this processor runs.
    pub fn detect() -> Self {
        *Self::ALL
            .iter()
            .find(|kernel| kernel.is_available())
            .unwrap_or(&Kernel::Portable)
    }

    /// Whether this processor runs the kernel.
    pub fn is_available(self) -> bool {
        match self {
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx512 => is_x86_feature_detected!("avx512f"),
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx2 => {
                is_x86_feature_detected!("avx2")
                    && is_x86_feature_detected!("fma")
                    && is_x86_feature_detected!("f16c")
            }
            #[cfg(target_arch = "aarch64")]
            Kernel::Neon => true,
            #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
            Kernel::Simd128 => true,
            Kernel::Portable => true,
            #[allow(unreachable_patterns)]
            _ => false,
        }
    }

    /// The kernel itself if this processor runs it.
    ///
    /// # Errors
    /// [`Error::KernelUnavailable`] otherwise.
    pub(crate) fn checked(self) -> Result<Self, Error> {
        if self.is_available() {
            Ok(self)
        } else {
            Err(Error::KernelUnavailable(self))
        }
    }

    /// Lines side by side in a panel of packed weights.
    pub(crate) fn panel_lines(self) -> usize {
        match self {
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx512 => Avx512::COLS,
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx2 => Avx2::COLS,
            #[cfg(target_arch = "aarch64")]
            Kernel::Neon => super::neon::Neon::COLS,
            #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
            Kernel::Simd128 => super::simd128::Simd128::COLS,
            _ => Portable::COLS,
        }
    }

    /// Rows of the register block of a matrix product.
    pub(crate) fn block_rows(self) -> usize {
        match self {
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx512 => Avx512::ROWS,
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx2 => Avx2::ROWS,
            #[cfg(target_arch = "aarch64")]
            Kernel::Neon => super::neon::Neon::ROWS,
            #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
            Kernel::Simd128 => super::simd128::Simd128::ROWS,
            _ => Portable::ROWS,
        }
    }

    /// Runs `op` with this kernel's instructions; with the portable ones if the processor lacks them,
    /// which [`Kernel::checked`] has excluded for every layer.
    #[inline]
    pub(crate) fn run<O: Op>(self, op: O) -> O::Output {
        match self {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: the guard has found the instructions.
            Kernel::Avx512 if self.is_available() => unsafe { run_avx512(op) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: the guard has found the instructions.
            Kernel::Avx2 if self.is_available() => unsafe { run_avx2(op) },
            #[cfg(target_arch = "aarch64")]
            Kernel::Neon => op.run::<super::neon::Neon>(),
            #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
            Kernel::Simd128 => op.run::<super::simd128::Simd128>(),
            _ => op.run::<Portable>(),
        }
    }
}

impl Default for Kernel {
    fn default() -> Self {
        Self::detect()
    }
}

/// # Safety
/// The processor has avx512f (and with it avx2, fma and f16c).
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx2,fma,f16c")]
unsafe fn run_avx512<O: Op>(op: O) -> O::Output {
    op.run::<Avx512>()
}

/// # Safety
/// The processor has avx2, fma and f16c.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma,f16c")]
unsafe fn run_avx2<O: Op>(op: O) -> O::Output {
    op.run::<Avx2>()
}
