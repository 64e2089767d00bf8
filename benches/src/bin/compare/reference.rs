//! How fast the machine is at this moment.

use std::hint::black_box;
use std::time::Instant;

use rayon::prelude::*;

/// Milliseconds of a fixed piece of work: arithmetic in the first cache on all threads, nothing of the
/// networks. The least of some runs: in the others the system may have put two threads on one core, which
/// says nothing of the machine.
pub(crate) fn sample() -> f64 {
    (0..RUNS).map(|_| run()).fold(f64::INFINITY, f64::min)
}

/// A quarter of a second: that is how long it may leave them there.
const RUNS: usize = 60;

fn run() -> f64 {
    let start = Instant::now();
    (0..rayon::current_num_threads())
        .into_par_iter()
        .for_each(|thread| {
            let mut values = [1.0 + thread as f32 * 1e-3; 1024];
            for _ in 0..60_000 {
                for value in &mut values {
                    *value = *value * 0.999 + 0.001;
                }
                black_box(&mut values);
            }
        });
    start.elapsed().as_secs_f64() * 1e3
}
