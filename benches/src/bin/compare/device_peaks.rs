//! What the devices of a run can do at most.

use std::error::Error;
use std::hint::black_box;
use std::time::{Duration, Instant};

use benches::Peaks;
use burn::tensor::{Device, Distribution, Tensor};
use serde::{Deserialize, Serialize};

use crate::trial::Backend;

/// The name of the one device that all backends on the processor share.
pub(crate) const PROCESSOR: &str = "processor";

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct DevicePeaks {
    /// [`PROCESSOR`], or the backend of another device.
    pub(crate) device: String,
    #[serde(flatten)]
    pub(crate) peaks: Peaks,
}

impl DevicePeaks {
    /// Of the processor, measured in registers, and of each other device, as a backend's largest matrix product:
    /// registers are out of reach there.
    pub(crate) fn of_all(backends: &[Backend]) -> Result<Vec<Self>, Box<dyn Error>> {
        console::note!("peaks of the processor: arithmetic in registers, and memory");
        let mut all = vec![Self {
            device: PROCESSOR.into(),
            peaks: Peaks::of_processor(),
        }];
        for backend in backends.iter().filter(|backend| !is_host(&backend.name)) {
            console::note!("peaks of {}: matrix product, and memory", backend.name);
            all.push(Self {
                device: backend.name.clone(),
                peaks: of_backend(&backend.device)?,
            });
        }
        Ok(all)
    }

    /// Those of the device of `backend`, one of the backends of [`DevicePeaks::of_all`].
    pub(crate) fn find(all: &[Self], backend: &str) -> Option<Peaks> {
        let device = match is_host(backend) {
            true => PROCESSOR,
            false => backend,
        };
        let found = all.iter().find(|peaks| peaks.device == device);
        found.map(|found| found.peaks)
    }
}

/// Whether the backend computes in this process's memory with its processor.
fn is_host(backend: &str) -> bool {
    vgg::device::is_on_cpu(backend).unwrap_or(false)
}

/// 2·n³ operations of a large matrix product, and the traffic of adding to every value of a large tensor.
fn of_backend(device: &Device) -> Result<Peaks, Box<dyn Error>> {
    let random = |shape| Tensor::<2>::random(shape, Distribution::Normal(0.0, 1.0), device);
    let mut rows = 256;
    let gflops = loop {
        let (a, b) = (random([rows, rows]), random([rows, rows]));
        device.sync()?;
        let time = fastest(device, || a.clone().matmul(b.clone()))?;
        if time > Duration::from_millis(30) || rows >= 4096 {
            break 2.0 * (rows as f64).powi(3) / time.as_secs_f64() / 1e9;
        }
        rows *= 2;
    };
    const VALUES: usize = 1 << 25;
    let mut values = random([1024, VALUES / 1024]);
    device.sync()?;
    let time = fastest(device, || {
        values = std::mem::replace(&mut values, Tensor::empty([0, 0], device)) + 1.0;
        values.clone().slice([0..1, 0..1])
    })?;
    let traffic = 2.0 * 4.0 * VALUES as f64;
    Ok(Peaks {
        gflops,
        gigabytes_per_second: traffic / time.as_secs_f64() / 1e9,
    })
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
