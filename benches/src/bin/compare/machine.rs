//! The machine: what it is, and what it can do at most.

use std::error::Error;
use std::hint::black_box;
use std::time::{Duration, Instant};

use burn::tensor::{Device, Distribution, Tensor};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

/// What a run was made on and with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Machine {
    pub(crate) cpu: String,
    pub(crate) threads: usize,
    pub(crate) system: String,
    /// Backends and other features that are compiled in.
    pub(crate) features: Vec<String>,
    pub(crate) version: String,
    pub(crate) burn: String,
    /// Milliseconds of the reference kernel, the median of the run.
    pub(crate) reference_ms: f64,
    /// How far the samples of the reference kernel lie apart.
    pub(crate) drift_percent: f64,
}

impl Machine {
    pub(crate) fn new(threads: usize, reference_ms: f64, drift_percent: f64) -> Self {
        let cpu = vgg::devices("flex")
            .ok()
            .and_then(|found| found.into_iter().next());
        let tuning = [
            ("fusion", cfg!(feature = "fusion")),
            ("autotune", cfg!(feature = "autotune")),
        ];
        let tuning = tuning.iter().filter(|(_, on)| *on).map(|(name, _)| *name);
        Self {
            cpu: cpu.map_or_else(|| std::env::consts::ARCH.into(), |cpu| cpu.name),
            threads,
            system: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
            features: vgg::compiled_backends()
                .into_iter()
                .chain(tuning)
                .map(String::from)
                .collect(),
            version: env!("CARGO_PKG_VERSION").into(),
            burn: "0.22.1".into(),
            reference_ms,
            drift_percent,
        }
    }
}

/// What a backend can do at most on this machine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Roof {
    pub(crate) backend: String,
    /// 10⁹ FLOP/s of a large matrix product, 2·n³ FLOP.
    pub(crate) gflops: f64,
    /// 10⁹ bytes/s that adding to every value of a large tensor reads and writes.
    pub(crate) gigabytes_per_second: f64,
}

impl Roof {
    /// Measures it for one to four seconds.
    pub(crate) fn measure(backend: &str, device: &Device) -> Result<Self, Box<dyn Error>> {
        let random = |shape| Tensor::<2>::random(shape, Distribution::Normal(0.0, 1.0), device);
        let mut side = 256;
        let gflops = loop {
            let (a, b) = (random([side, side]), random([side, side]));
            device.sync()?;
            let time = fastest(device, || a.clone().matmul(b.clone()))?;
            if time > Duration::from_millis(30) || side >= 4096 {
                break 2.0 * (side as f64).powi(3) / time.as_secs_f64() / 1e9;
            }
            side *= 2;
        };
        const VALUES: usize = 1 << 25;
        let mut values = random([1024, VALUES / 1024]);
        device.sync()?;
        let time = fastest(device, || {
            values = std::mem::replace(&mut values, Tensor::empty([0, 0], device)) + 1.0;
            values.clone().slice([0..1, 0..1])
        })?;
        let traffic = 2.0 * 4.0 * VALUES as f64;
        let mut bandwidth = traffic / time.as_secs_f64() / 1e9;
        if is_host(backend) {
            // Burn adds on one thread; all of them see more of the memory.
            bandwidth = bandwidth.max(host_bandwidth());
        }
        Ok(Self {
            backend: backend.into(),
            gflops,
            gigabytes_per_second: bandwidth,
        })
    }

    /// Gives all backends on the processor the best bandwidth that one of them saw: it is the same memory.
    pub(crate) fn share_memory(roofs: &mut [Self]) {
        let on_host = |roof: &&mut Self| is_host(&roof.backend);
        let seen = roofs.iter_mut().filter(on_host);
        let best = seen
            .map(|roof| roof.gigabytes_per_second)
            .fold(0.0, f64::max);
        for roof in roofs.iter_mut().filter(on_host) {
            roof.gigabytes_per_second = best;
        }
    }
}

/// Whether the backend computes in this process's memory with its processor.
fn is_host(backend: &str) -> bool {
    vgg::is_on_cpu(backend).unwrap_or(false)
}

/// 10⁹ bytes/s of adding to values in memory on all threads.
fn host_bandwidth() -> f64 {
    let mut values = vec![0f32; 1 << 26];
    let traffic = 2.0 * 4.0 * values.len() as f64;
    // Long enough that a disturbance of a second does not make the roof low.
    let (begin, mut least) = (Instant::now(), f64::INFINITY);
    while begin.elapsed() < Duration::from_millis(1500) {
        let start = Instant::now();
        values
            .par_chunks_mut(1 << 16)
            .for_each(|chunk| chunk.iter_mut().for_each(|value| *value += 1.0));
        least = least.min(start.elapsed().as_secs_f64());
    }
    traffic / least / 1e9
}

/// The fastest of some calls within half a second, at least three.
fn fastest<const D: usize>(
    device: &Device,
    mut call: impl FnMut() -> Tensor<D>,
) -> Result<Duration, Box<dyn Error>> {
    let start = Instant::now();
    let (mut least, mut calls) = (Duration::MAX, 0);
    while calls < 3 || start.elapsed() < Duration::from_millis(500) {
        let before = Instant::now();
        black_box(call());
        device.sync()?;
        least = least.min(before.elapsed());
        calls += 1;
    }
    Ok(least)
}
