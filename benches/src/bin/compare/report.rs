//! The outcome of a run, as data. SCHEMA.md describes it.

use std::error::Error;
use std::path::Path;

use benches::Task;
use serde::{Deserialize, Serialize};

use crate::contestant::Label;
use crate::device_peaks::DevicePeaks;
use crate::machine::Machine;

/// Raised when a field changes its meaning.
pub(crate) const SCHEMA: u32 = 5;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Report {
    pub(crate) schema: u32,
    pub(crate) machine: Machine,
    pub(crate) peaks: Vec<DevicePeaks>,
    pub(crate) measurements: Vec<Measurement>,
}

impl Report {
    /// The measurements of each workload, in the order in which they were made.
    pub(crate) fn workloads(&self) -> impl Iterator<Item = &[Measurement]> {
        let measurements = &self.measurements;
        measurements.chunk_by(|a, b| a.workload() == b.workload())
    }
}

/// One side of one workload.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Measurement {
    pub(crate) model: String,
    pub(crate) batch: usize,
    pub(crate) task: Task,
    pub(crate) side: String,
    pub(crate) backend: Option<String>,
    pub(crate) median_ms: f64,
    pub(crate) least_ms: f64,
    pub(crate) spread_percent: f64,
    pub(crate) calls: usize,
    pub(crate) images_per_second: f64,
    pub(crate) gflops: f64,
    pub(crate) percent_of_peak: Option<f64>,
    pub(crate) percent_of_bandwidth: Option<f64>,
    pub(crate) peak_memory: Option<u64>,
    pub(crate) first_call_ms: Option<f64>,
    pub(crate) ratio: f64,
    pub(crate) relative: f64,
    pub(crate) reference_ms: f64,
    pub(crate) drift_percent: f64,
}

impl Measurement {
    /// Whether both are the same side of the same workload.
    pub(crate) fn is_alike(&self, other: &Self) -> bool {
        (self.workload(), self.label()) == (other.workload(), other.label())
    }

    /// As `Workload` shows it.
    pub(crate) fn workload(&self) -> String {
        format!("{} {}, batch {}", self.model, self.task, self.batch)
    }

    pub(crate) fn label(&self) -> String {
        Label::shown(&self.side, self.backend.as_deref())
    }
}

/// The outcome that `--save` kept at `path`.
pub(crate) fn load(path: &Path) -> Result<Report, Box<dyn Error>> {
    #[derive(Deserialize)]
    struct Version {
        schema: u32,
    }
    let error = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let text = std::fs::read_to_string(path).map_err(|e| error(&e))?;
    // First alone: of another version, other fields may be there.
    let version: Version = serde_json::from_str(&text).map_err(|e| error(&e))?;
    if version.schema != SCHEMA {
        let found = format!("schema {SCHEMA} expected, found {}", version.schema);
        return Err(error(&found).into());
    }
    Ok(serde_json::from_str(&text).map_err(|e| error(&e))?)
}

/// An error if no report can be saved at `path`: before anything is measured, so that minutes of it are not lost.
/// Makes the folder.
pub(crate) fn check_writable(path: &Path) -> Result<(), Box<dyn Error>> {
    if path.is_dir() || path.file_name().is_none() {
        return Err(format!("{}: a folder, not a file", path.display()).into());
    }
    let probe = path.with_added_extension("part");
    vgg::files::write_atomically(&probe, b"")
        .and_then(|()| std::fs::remove_file(&probe))
        .map_err(|error| format!("{}: {error}", path.display()).into())
}

/// Keeps the outcome at `path`, whole or not at all.
pub(crate) fn save(path: &Path, report: &Report) -> Result<(), Box<dyn Error>> {
    let text = serde_json::to_string_pretty(report)?;
    vgg::files::write_atomically(path, text.as_bytes())
        .map_err(|error| format!("{}: {error}", path.display()).into())
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
            median_ms,
            least_ms: median_ms * 0.95,
            spread_percent: 2.0,
            calls: 9,
            images_per_second: 1e3 / median_ms,
            gflops: 30.94 / median_ms * 1e3,
            percent_of_peak: Some(50.0),
            percent_of_bandwidth: None,
            peak_memory: Some(600 << 20),
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
            machine: Machine {
                processor: Processor::of_cpuinfo(cpuinfo).expect("a processor"),
                threads: 2,
                system: "linux x86_64".into(),
                features: vec!["flex".into()],
                version: "1".into(),
                burn: "1".into(),
            },
            peaks: vec![DevicePeaks {
                device: "processor".into(),
                peaks: Peaks {
                    gflops: 100.0,
                    gigabytes_per_second: 20.0,
                },
            }],
            measurements: vec![
                measurement("prepared", Some("flex"), 100.0),
                measurement("module", Some("wgpu"), 300.0),
                measurement("torch, eager", None, 12_345.6),
            ],
        }
    }

    #[test]
    fn a_saved_report_comes_back() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("deep/report.json");
        check_writable(&path).expect("writable");
        save(&path, &report()).expect("saved");
        assert_eq!(load(&path).expect("a report"), report());
        assert!(check_writable(folder.path()).is_err());
    }

    #[test]
    fn other_versions_are_told_by_their_number() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("old.json");
        std::fs::write(&path, "{\"schema\": 4, \"rows\": []}").expect("written");
        let error = load(&path).expect_err("another version").to_string();
        assert!(error.ends_with("schema 5 expected, found 4"), "{error}");
    }
}
