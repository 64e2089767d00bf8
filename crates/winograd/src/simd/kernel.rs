//! The choice of the instruction set.
#![allow(unsafe_code)]

use super::Vector;
use super::portable::Portable;
#[cfg(target_arch = "x86_64")]
use super::{avx2::Avx2, avx512::Avx512};

/// What compiles work for the instructions of `$vector`, and what asks whether the processor has them. One list
/// for both: what is compiled with instructions that nobody has asked for ends in an illegal one.
#[cfg(target_arch = "x86_64")]
macro_rules! instructions {
    ($vector:ident, $has:ident, $run:ident, $($feature:tt),+) => {
        #[inline(always)]
        fn $has() -> bool {
            $(is_x86_feature_detected!($feature))&&+
        }

        /// # Safety
        #[doc = concat!("`", stringify!($has), "` is true.")]
        $(#[target_feature(enable = $feature)])+
        unsafe fn $run<O: Op>(op: O) -> O::Output {
            op.run::<$vector>()
        }
    };
}

#[cfg(target_arch = "x86_64")]
instructions!(
    Avx512, has_avx512, run_avx512, "avx512f", "avx2", "fma", "f16c"
);
#[cfg(target_arch = "x86_64")]
instructions!(Avx2, has_avx2, run_avx2, "avx2", "fma", "f16c");

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
            Kernel::Avx512 => has_avx512(),
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx2 => has_avx2(),
            // Compiled for all of the program, as simd128 is.
            #[cfg(all(target_arch = "aarch64", target_feature = "neon"))]
            Kernel::Neon => true,
            #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
            Kernel::Simd128 => true,
            Kernel::Portable => true,
            #[allow(unreachable_patterns)]
            _ => false,
        }
    }

    /// Lines side by side in a panel of packed weights.
    pub(crate) fn panel_lines(self) -> usize {
        match self {
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx512 => Avx512::COLS,
            #[cfg(target_arch = "x86_64")]
            Kernel::Avx2 => Avx2::COLS,
            #[cfg(all(target_arch = "aarch64", target_feature = "neon"))]
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
            #[cfg(all(target_arch = "aarch64", target_feature = "neon"))]
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
            Kernel::Avx512 if has_avx512() => unsafe { run_avx512(op) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: the guard has found the instructions.
            Kernel::Avx2 if has_avx2() => unsafe { run_avx2(op) },
            #[cfg(all(target_arch = "aarch64", target_feature = "neon"))]
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

#[cfg(test)]
mod tests {
    /// All that compiles for instructions of its own has to be guarded by the same list: that is, to come from
    /// the macro.
    #[test]
    fn nothing_is_compiled_for_instructions_that_nobody_asks_for() {
        let sources = [
            include_str!("kernel.rs"),
            include_str!("mod.rs"),
            include_str!("avx2.rs"),
            include_str!("avx512.rs"),
            include_str!("neon.rs"),
            include_str!("portable.rs"),
            include_str!("simd128.rs"),
        ];
        // Put together, so that this line is not one of them.
        let (enable, detected) = (
            ["target_feature(", "enable"].concat(),
            ["is_x86_feature_", "detected!"].concat(),
        );
        let lines = |what: &str| -> Vec<&str> {
            let lines = sources.iter().flat_map(|source| source.lines());
            lines
                .map(str::trim)
                .filter(|line| line.contains(what))
                .collect()
        };
        assert_eq!(lines(&enable), [format!("$(#[{enable} = $feature)])+")]);
        assert_eq!(lines(&detected), [format!("$({detected}($feature))&&+")]);
    }
}
