//! The outcome of a run, as data. SCHEMA.md describes it.

use std::fmt::Display;

use benches::{Task, Workload};
use serde::{Deserialize, Serialize};

use crate::contestant::Label;
use crate::device_peaks::{DevicePeaks, PROCESSOR};
use crate::machine::Machine;

/// Raised when a field changes its meaning.
pub(crate) const SCHEMA: u32 = 6;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Report {
    pub(crate) schema: u32,
    /// Whether all rows are there: not while the run goes on, nor when it was stopped.
    pub(crate) complete: bool,
    pub(crate) machine: Machine,
    pub(crate) peaks: Vec<DevicePeaks>,
    #[serde(flatten)]
    pub(crate) rows: Rows,
}

/// What came of some sides of some workloads.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Rows {
    pub(crate) measurements: Vec<Measurement>,
    /// The sides that have no times.
    pub(crate) failures: Vec<Failure>,
}

impl Rows {
    pub(crate) fn extend(&mut self, more: Self) {
        self.measurements.extend(more.measurements);
        self.failures.extend(more.failures);
    }

    /// Those of each workload, in the order in which they were made; those of whom all sides failed come last.
    pub(crate) fn by_workload(&self) -> Vec<Self> {
        let measured = self.measurements.iter().map(Measurement::workload);
        let failed = self.failures.iter().map(Failure::workload);
        let mut names: Vec<String> = Vec::new();
        for name in measured.chain(failed) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        let rows = |name: String| Self {
            measurements: alike(&self.measurements, |row| row.workload() == name),
            failures: alike(&self.failures, |row| row.workload() == name),
        };
        names.into_iter().map(rows).collect()
    }
}

fn alike<T: Clone>(all: &[T], is_one: impl Fn(&T) -> bool) -> Vec<T> {
    all.iter().filter(|row| is_one(row)).cloned().collect()
}

/// A side of a workload that has no times.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Failure {
    pub(crate) model: String,
    pub(crate) batch: usize,
    pub(crate) task: Task,
    pub(crate) side: String,
    pub(crate) backend: Option<String>,
    /// Why there are none.
    pub(crate) reason: String,
}

impl Failure {
    pub(crate) fn new(workload: &Workload, label: Label, reason: &dyn Display) -> Self {
        let failure = Self {
            model: workload.model.clone(),
            batch: workload.batch,
            task: workload.task,
            side: label.side,
            backend: label.backend,
            // Of a backend, a framework or a program of somebody else, in one line.
            reason: console::printable(&reason.to_string(), 500),
        };
        console::note!(
            "{workload}: no times of {}: {}",
            failure.label(),
            failure.reason
        );
        failure
    }

    /// As `Workload` shows it.
    pub(crate) fn workload(&self) -> String {
        workload(&self.model, self.task, self.batch)
    }

    pub(crate) fn label(&self) -> String {
        Label::shown(&self.side, self.backend.as_deref())
    }
}

fn workload(model: &str, task: Task, batch: usize) -> String {
    format!("{model} {task}, batch {batch}")
}

/// One side of one workload.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Measurement {
    pub(crate) model: String,
    pub(crate) batch: usize,
    pub(crate) task: Task,
    pub(crate) side: String,
    pub(crate) backend: Option<String>,
    pub(crate) about: Option<String>,
    pub(crate) device: String,
    pub(crate) median_ms: f64,
    pub(crate) least_ms: f64,
    pub(crate) spread_percent: f64,
    pub(crate) rounds: usize,
    pub(crate) calls: usize,
    pub(crate) images_per_second: f64,
    pub(crate) gflops: f64,
    pub(crate) percent_of_peak: Option<f64>,
    pub(crate) percent_of_bandwidth: Option<f64>,
    pub(crate) peak_memory: Option<u64>,
    pub(crate) device_memory: Option<u64>,
    pub(crate) first_call_ms: Option<f64>,
    pub(crate) ratio: f64,
    pub(crate) relative: f64,
    pub(crate) reference_ms: f64,
    pub(crate) drift_percent: f64,
}

impl Measurement {
    /// Whether both are the same side of the same workload on the same device.
    pub(crate) fn is_alike(&self, other: &Self) -> bool {
        (self.workload(), self.label(), &self.device)
            == (other.workload(), other.label(), &other.device)
    }

    /// Whether it was computed by the processor.
    pub(crate) fn is_on_processor(&self) -> bool {
        self.device == PROCESSOR
    }

    /// Bytes of the memory of the device that computed it.
    pub(crate) fn memory(&self) -> Option<u64> {
        match self.is_on_processor() {
            true => self.peak_memory,
            false => self.device_memory,
        }
    }

    /// As `Workload` shows it.
    pub(crate) fn workload(&self) -> String {
        workload(&self.model, self.task, self.batch)
    }

    pub(crate) fn label(&self) -> String {
        Label::shown(&self.side, self.backend.as_deref())
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use benches::{Peaks, Processor};

    use super::*;

    pub(crate) fn measurement(side: &str, backend: Option<&str>, median_ms: f64) -> Measurement {
        Measurement {
            model: "vgg16".into(),
            batch: 1,
            task: Task::Inference,
            side: side.into(),
            backend: backend.map(str::to_owned),
            about: backend.is_none().then(|| "PyTorch 2.15.0, f32".into()),
            device: match backend {
                Some("wgpu") => "NVIDIA H200 (Vulkan)".into(),
                _ => PROCESSOR.into(),
            },
            median_ms,
            least_ms: median_ms * 0.95,
            spread_percent: 2.0,
            rounds: 3,
            calls: 9,
            images_per_second: 1e3 / median_ms,
            gflops: 30.94 / median_ms * 1e3,
            percent_of_peak: Some(50.0),
            percent_of_bandwidth: None,
            peak_memory: Some(600 << 20),
            device_memory: (backend == Some("wgpu")).then_some(900 << 20),
            first_call_ms: None,
            ratio: median_ms / 100.0,
            relative: median_ms / 10.0,
            reference_ms: 4.5,
            drift_percent: 1.0,
        }
    }

    pub(crate) fn report() -> Report {
        let cpuinfo = "vendor_id : AuthenticAMD\ncpu family : 25\nmodel : 1\nflags : avx2 fma\n";
        Report {
            schema: SCHEMA,
            complete: true,
            machine: Machine {
                processor: Processor::of_cpuinfo(cpuinfo).expect("a processor"),
                threads: 2,
                system: "linux x86_64".into(),
                features: vec!["flex".into()],
                version: "1".into(),
                burn: "1".into(),
            },
            peaks: vec![DevicePeaks {
                device: PROCESSOR.into(),
                name: None,
                peaks: Peaks {
                    gflops: 100.0,
                    gigabytes_per_second: 20.0,
                },
            }],
            rows: Rows {
                measurements: vec![
                    measurement("prepared", Some("flex"), 100.0),
                    measurement("module", Some("wgpu"), 300.0),
                    measurement("torch, eager", None, 12_345.6),
                ],
                failures: vec![Failure {
                    model: "vgg16".into(),
                    batch: 1,
                    task: Task::Inference,
                    side: "ort-webgpu".into(),
                    backend: None,
                    reason: "Python's onnxruntime_ep_webgpu is not installed".into(),
                }],
            },
        }
    }

    #[test]
    fn rows_stay_with_their_workload() {
        let mut rows = report().rows;
        rows.failures.push(Failure {
            batch: 8,
            ..rows.failures[0].clone()
        });
        let all = rows.by_workload();
        let counts: Vec<_> = all
            .iter()
            .map(|rows| (rows.measurements.len(), rows.failures.len()))
            .collect();
        assert_eq!(counts, [(3, 1), (0, 1)]);
    }

    #[test]
    fn memory_is_that_of_the_device() {
        let memory = |index: usize| report().rows.measurements[index].memory();
        assert_eq!((memory(0), memory(1)), (Some(600 << 20), Some(900 << 20)));
    }
}
