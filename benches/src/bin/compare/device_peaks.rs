//! What the devices of a run can do at most.

use benches::{Peaks, Stopped};
use serde::{Deserialize, Serialize};

use crate::backend::Backend;
use crate::worker::{Request, Worker};

/// The name of the one device that all backends on the processor share.
pub(crate) const PROCESSOR: &str = "processor";

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct DevicePeaks {
    /// [`PROCESSOR`], or the backend of another device.
    pub(crate) device: String,
    /// What that other device calls itself.
    pub(crate) name: Option<String>,
    #[serde(flatten)]
    pub(crate) peaks: Peaks,
}

impl DevicePeaks {
    /// Of the processor, measured in registers, and of each other device, as its largest matrix product: registers
    /// are out of reach there. A device that fails at that has none.
    pub(crate) fn of_all(backends: &[Backend], threads: usize) -> Result<Vec<Self>, Stopped> {
        console::note!("peaks of the processor: arithmetic in registers, and memory");
        let mut all = vec![Self {
            device: PROCESSOR.into(),
            name: None,
            peaks: Peaks::of_processor(),
        }];
        for backend in backends {
            benches::check_stopped()?;
            let Some(gpu) = &backend.gpu else {
                continue;
            };
            console::note!("peaks of {}: matrix products, and memory", backend.name);
            // In a process of its own: what it takes of the device's memory is free again behind it.
            let worker = Worker::for_peaks(backend, threads);
            match worker.and_then(|mut worker| worker.ask(Request::Peaks)) {
                Ok(peaks) => all.push(Self {
                    device: backend.name.clone(),
                    name: Some(gpu.name.clone()),
                    peaks,
                }),
                Err(error) => {
                    benches::check_stopped()?;
                    console::note!("peaks of {} are not known: {error}", backend.name);
                }
            }
        }
        Ok(all)
    }

    /// Those of [`PROCESSOR`], or of the device of a backend.
    pub(crate) fn of(all: &[Self], device: &str) -> Option<Peaks> {
        let found = all.iter().find(|peaks| peaks.device == device);
        found.map(|found| found.peaks)
    }

    /// Those of the card that another framework calls `name`: backends add to it by which API they reach it. If
    /// several do, the best of each.
    pub(crate) fn of_card(all: &[Self], name: &str) -> Option<Peaks> {
        let same = all.iter().filter(|peaks| {
            let known = peaks.name.as_deref();
            known.is_some_and(|known| known == name || known.starts_with(&format!("{name} (")))
        });
        let best = |a: Peaks, b: Peaks| Peaks {
            gflops: a.gflops.max(b.gflops),
            gigabytes_per_second: a.gigabytes_per_second.max(b.gigabytes_per_second),
        };
        same.map(|peaks| peaks.peaks).reduce(best)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn card(device: &str, name: &str, gflops: f64, gigabytes_per_second: f64) -> DevicePeaks {
        DevicePeaks {
            device: device.into(),
            name: Some(name.into()),
            peaks: Peaks {
                gflops,
                gigabytes_per_second,
            },
        }
    }

    #[test]
    fn a_card_is_known_by_its_name() {
        let all = [
            card("wgpu", "NVIDIA H200 (Vulkan)", 20e3, 4e3),
            card("cuda", "NVIDIA H200", 50e3, 3e3),
            card("wgpu:1", "NVIDIA H20", 1e3, 5e3),
        ];
        let found = DevicePeaks::of_card(&all, "NVIDIA H200").expect("peaks");
        assert_eq!((found.gflops, found.gigabytes_per_second), (50e3, 4e3));
        // Part of a name is another card.
        assert!(DevicePeaks::of_card(&all, "NVIDIA H2").is_none());
        assert!(DevicePeaks::of_card(&[], "NVIDIA H200").is_none());
    }
}
