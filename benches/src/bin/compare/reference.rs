//! How fast the machine is at this moment.

use std::error::Error;
use std::hint::black_box;
use std::time::{Duration, Instant};

use benches::{median, read};
use rayon::prelude::*;

use crate::backend::Backend;
use crate::device_work::Products;

/// The most that the time of a device's reference work may change, in percent.
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
pub(crate) enum FixedWork {
    /// Arithmetic, and reading of more than a last cache holds.
    Processor { values: Vec<f32> },
    /// Products of matrices on the device that does the calls: the processor's speed says nothing of them.
    Gpu(Box<Products>),
}

/// So many products follow each other without a pause, for the way to the device to be small beside them.
const PRODUCTS: usize = 16;

impl FixedWork {
    pub(crate) fn of_processor() -> Self {
        Self::Processor {
            values: vec![1.0; 24 << 20],
        }
    }

    /// That of the device of `backend`. Its first run, with which kernels are made, is behind it.
    pub(crate) fn new(backend: &Backend) -> Result<Self, Box<dyn Error>> {
        let Some(gpu) = &backend.gpu else {
            return Ok(Self::of_processor());
        };
        // The same on every machine of the kind, whatever its speed: times in it are compared between runs.
        let rows = if gpu.is_software { 128 } else { 1024 };
        let products = Products::new(&backend.device, rows);
        products.time(1)?;
        Ok(Self::Gpu(products.into()))
    }

    /// Milliseconds of it, the median of some runs.
    pub(crate) fn sample(&self) -> Result<f64, Box<dyn Error>> {
        match self {
            Self::Processor { values } => {
                let arithmetic: Vec<_> = (0..4).map(|_| arithmetic()).collect();
                let reading: Vec<_> = (0..8).map(|_| reading(values)).collect();
                Ok(median(&arithmetic) + median(&reading))
            }
            Self::Gpu(products) => {
                let times = (0..4).map(|_| milliseconds(products));
                Ok(median(&times.collect::<Result<Vec<_>, _>>()?))
            }
        }
    }

    /// As [`sample`], of the device itself; none of the processor, which is judged once for all sides on it.
    pub(crate) fn own_reference(&self) -> Result<Option<f64>, Box<dyn Error>> {
        let Self::Gpu(products) = self else {
            return Ok(None);
        };
        let (start, mut least) = (Instant::now(), f64::INFINITY);
        while start.elapsed() < PATIENCE {
            least = least.min(milliseconds(products)?);
        }
        Ok(Some(least))
    }
}

fn milliseconds(products: &Products) -> Result<f64, Box<dyn Error>> {
    Ok(products.time(PRODUCTS)?.as_secs_f64() * 1e3)
}

fn reading(values: &[f32]) -> f64 {
    let start = Instant::now();
    black_box(read(values));
    start.elapsed().as_secs_f64() * 1e3
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::Gpu;

    #[test]
    fn a_gpu_is_judged_by_its_own_work() {
        let mut backend = Backend::new("flex").expect("flex");
        let own = |backend: &Backend| {
            let work = FixedWork::new(backend).expect("work");
            assert!(work.sample().is_ok_and(|time| time > 0.0));
            work.own_reference().expect("a time")
        };
        assert_eq!(own(&backend), None);
        backend.gpu = Some(Gpu {
            name: "flex".into(),
            is_software: true,
            largest_tensor: None,
        });
        assert!(own(&backend).is_some_and(|time| time > 0.0 && time.is_finite()));
    }
}
