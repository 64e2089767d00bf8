//! How fast the machine is at this moment.

use std::hint::black_box;
use std::time::{Duration, Instant};

use benches::{median, read};
use rayon::prelude::*;

/// The most that the reference kernel's time may change, in percent.
pub(crate) const MOST_DRIFT: f64 = 10.0;

/// Milliseconds of a fixed piece of work: arithmetic in the first cache on all threads, nothing of the
/// networks. The least of some runs: in the others the system may have put two threads on one core, which
/// says nothing of the machine. It says whether the machine is as fast as it was.
pub(crate) fn sample() -> f64 {
    let (start, mut least) = (Instant::now(), f64::INFINITY);
    while start.elapsed() < PATIENCE {
        least = least.min(arithmetic());
    }
    least
}

/// That is how long it may leave them there.
const PATIENCE: Duration = Duration::from_millis(250);

fn arithmetic() -> f64 {
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

/// What calls are measured in: whatever slows a network down for a moment, in arithmetic, memory or the
/// system's choice of cores, slows this down as well, if it comes right behind them.
pub(crate) struct FixedWork {
    /// More than a last cache holds.
    values: Vec<f32>,
}

impl FixedWork {
    pub(crate) fn new() -> Self {
        Self {
            values: vec![1.0; 24 << 20],
        }
    }

    /// Milliseconds of the arithmetic of [`sample`] and of reading 100 megabytes, the median of some runs of
    /// each.
    pub(crate) fn sample(&self) -> f64 {
        let arithmetic: Vec<_> = (0..4).map(|_| arithmetic()).collect();
        let reading: Vec<_> = (0..8).map(|_| self.read()).collect();
        median(&arithmetic) + median(&reading)
    }

    fn read(&self) -> f64 {
        let start = Instant::now();
        black_box(read(&self.values));
        start.elapsed().as_secs_f64() * 1e3
    }
}
