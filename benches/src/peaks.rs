//! What the processor can do at most.

use std::hint::black_box;
use std::time::{Duration, Instant};

use macerator::{AutoArch, Scalar, Simd, VMulAdd, Vector, WithSimd};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

/// The most that a device does in a second.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Peaks {
    /// 10⁹ operations in `f32`; a fused multiplication and addition is two.
    pub gflops: f64,
    /// 10⁹ bytes of memory.
    pub gigabytes_per_second: f64,
}

/// How long each of the loops is tried: long enough that what else runs on the machine lets go for a moment.
const PATIENCE: Duration = Duration::from_millis(1000);

impl Peaks {
    /// Those of this processor, on all threads of rayon's pool: arithmetic in registers, without memory, and
    /// reading of more memory than caches hold, without arithmetic worth the name. Takes three seconds.
    pub fn of_processor() -> Self {
        // Twelve sums fit the 16 registers of AVX2 with both factors, and keep two units of a latency of up to
        // six cycles busy. Twenty-four are for processors with 32 registers and four units.
        let gflops = multiply_and_add::<12>().max(multiply_and_add::<24>());
        Self {
            gflops,
            gigabytes_per_second: read_memory(),
        }
    }
}

/// Multiplies and adds in `SUMS` registers that do not wait for each other.
struct MultiplyAndAdd<const SUMS: usize>;

impl<const SUMS: usize> MultiplyAndAdd<SUMS> {
    /// A few milliseconds.
    const STEPS: usize = 1_000_000;
}

impl<const SUMS: usize> WithSimd for MultiplyAndAdd<SUMS> {
    /// Operations.
    type Output = usize;

    // As a part of its caller, it is compiled for the vectors that the caller has found.
    #[inline(always)]
    fn with_simd<S: Simd>(self) -> usize {
        let factor: Vector<S, f32> = black_box(0.999f32).splat();
        let addend: Vector<S, f32> = black_box(0.001f32).splat();
        let mut sums: [Vector<S, f32>; SUMS] = std::array::from_fn(|index| (index as f32).splat());
        for _ in 0..Self::STEPS {
            for sum in &mut sums {
                *sum = <f32 as VMulAdd>::vmul_add(*sum, factor, addend);
            }
        }
        black_box(sums);
        2 * SUMS * Self::STEPS * f32::lanes::<S>()
    }
}

/// 10⁹ operations in a second, on all threads together.
fn multiply_and_add<const SUMS: usize>() -> f64 {
    most(|| {
        let threads = 0..rayon::current_num_threads();
        let operations = threads
            .into_par_iter()
            .map(|_| AutoArch::new().dispatch(MultiplyAndAdd::<SUMS>));
        operations.sum::<usize>() as f64
    })
}

/// 10⁹ bytes in a second, read by all threads together.
fn read_memory() -> f64 {
    /// 256 MiB: more than the last cache of a few cores.
    const VALUES: usize = 64 << 20;
    let values = vec![1f32; VALUES];
    most(|| {
        black_box(read(&values));
        (VALUES * size_of::<f32>()) as f64
    })
}

/// Reads all of `values` on all threads, and gives their sum so that no compiler leaves it out.
pub fn read(values: &[f32]) -> f32 {
    let parts = values.par_chunks(1 << 16);
    parts
        .map(|part| AutoArch::new().dispatch(Sum { values: part }))
        .sum()
}

/// Adds values up, in sums that do not wait for each other.
struct Sum<'a> {
    values: &'a [f32],
}

impl WithSimd for Sum<'_> {
    type Output = f32;

    // As above.
    #[inline(always)]
    fn with_simd<S: Simd>(self) -> f32 {
        let (before, vectors, behind) = bytemuck::pod_align_to::<f32, Vector<S, f32>>(self.values);
        let mut sums: [Vector<S, f32>; 8] = [0f32.splat(); 8];
        let parts = vectors.chunks_exact(8);
        let last = parts.remainder();
        for part in parts {
            for (sum, value) in sums.iter_mut().zip(part) {
                *sum += *value;
            }
        }
        let singles: f32 = before.iter().chain(behind).sum();
        let sums = sums.iter().chain(last);
        sums.fold(singles, |total, sum| total + sum.reduce_add())
    }
}

/// 10⁹ pieces of work in a second, at best: `work` says how many pieces a call does.
fn most(work: impl Fn() -> f64) -> f64 {
    let (start, mut most) = (Instant::now(), 0f64);
    while start.elapsed() < PATIENCE {
        let before = Instant::now();
        let pieces = work();
        most = most.max(pieces / before.elapsed().as_secs_f64() / 1e9);
    }
    most
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_is_read_once() {
        // Lengths that fill vectors and parts, and that do not.
        for length in [0, 1, 63, 64, 1000, (1 << 16) + 77] {
            assert_eq!(read(&vec![0.5; length]), length as f32 / 2.0, "{length}");
        }
        // Neither does the first value have to lie where a vector may.
        assert_eq!(read(&[1.0; 100][1..]), 99.0);
    }

    #[test]
    fn the_most_of_a_second_is_counted() {
        // However slow the machine, a call takes time, and does something.
        let speed = most(|| {
            std::thread::sleep(Duration::from_millis(1));
            1e6
        });
        assert!(speed > 0.0 && speed <= 1.0, "{speed}");
    }
}
