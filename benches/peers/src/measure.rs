//! What is measured, and how: as scripts/peers.py measures the others.

use std::error::Error;
use std::time::Instant;

/// A workload for a framework.
pub struct Job<'a> {
    pub peer: &'a str,
    pub threads: usize,
    /// What the caller calls it.
    pub workload: &'a str,
    pub model: &'a str,
    pub batch: usize,
}

impl Job<'_> {
    /// Batch, channels, height and width.
    pub fn shape(&self) -> [usize; 4] {
        match self.model {
            "small" => [self.batch, 1, 28, 28],
            _ => [self.batch, 3, 224, 224],
        }
    }

    /// Images with values in [-1, 1).
    pub fn images(&self) -> Vec<f32> {
        let mut state = 1u32;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / (1 << 23) as f32 - 1.0
        };
        (0..self.shape().iter().product()).map(|_| next()).collect()
    }

    /// Calls it for BENCH_SECONDS, at least five times, after three calls that do not count, and prints the median.
    pub fn report(
        &self,
        mut call: impl FnMut() -> Result<(), Box<dyn Error>>,
    ) -> Result<(), Box<dyn Error>> {
        let seconds = match std::env::var("BENCH_SECONDS") {
            Ok(seconds) => seconds.parse::<f64>()?,
            Err(_) => 4.0,
        };
        for _ in 0..3 {
            call()?;
        }
        let (mut times, start) = (Vec::new(), Instant::now());
        while times.len() < 5 || start.elapsed().as_secs_f64() < seconds {
            let start = Instant::now();
            call()?;
            times.push(start.elapsed().as_secs_f64() * 1e3);
        }
        times.sort_by(f64::total_cmp);
        let middle = times.len() / 2;
        let median = match times.len() % 2 {
            0 => f64::midpoint(times[middle - 1], times[middle]),
            _ => times[middle],
        };
        let Self {
            peer,
            threads,
            workload,
            ..
        } = self;
        println!(
            "{peer}\t{workload}\t{threads}\t{median:.3}\t{:.3}\t{}",
            times[0],
            times.len()
        );
        Ok(())
    }
}
