//! The outcome of a run, as data. SCHEMA.md describes it.

use std::error::Error;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::machine::{Machine, Roof};

/// Raised when a field changes its meaning.
pub(crate) const SCHEMA: u32 = 4;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Report {
    pub(crate) schema: u32,
    pub(crate) machine: Machine,
    pub(crate) roofs: Vec<Roof>,
    pub(crate) rows: Vec<Row>,
}

/// The outcome that `--save` kept at `path`.
pub(crate) fn load(path: &Path) -> Result<Report, Box<dyn Error>> {
    let error = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let text = std::fs::read_to_string(path).map_err(|e| error(&e))?;
    let report: Report = serde_json::from_str(&text).map_err(|e| error(&e))?;
    if report.schema != SCHEMA {
        let found = format!("schema {SCHEMA} expected, found {}", report.schema);
        return Err(error(&found).into());
    }
    Ok(report)
}

/// An error if no report can be saved at `path`: before anything is measured, so that minutes of it are not lost.
/// Makes the folder.
pub(crate) fn check_writable(path: &Path) -> Result<(), Box<dyn Error>> {
    if path.is_dir() || path.file_name().is_none() {
        return Err(format!("{}: a folder, not a file", path.display()).into());
    }
    let probe = path.with_added_extension("part");
    vgg::write_atomically(&probe, b"")
        .and_then(|()| std::fs::remove_file(&probe))
        .map_err(|error| format!("{}: {error}", path.display()).into())
}

/// Keeps the outcome at `path`, whole or not at all.
pub(crate) fn save(path: &Path, report: &Report) -> Result<(), Box<dyn Error>> {
    let text = serde_json::to_string_pretty(report)?;
    vgg::write_atomically(path, text.as_bytes())
        .map_err(|error| format!("{}: {error}", path.display()).into())
}

/// One side of one workload.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Row {
    pub(crate) model: String,
    pub(crate) batch: usize,
    pub(crate) mode: String,
    pub(crate) side: String,
    pub(crate) median_ms: f64,
    pub(crate) spread_percent: f64,
    pub(crate) calls: usize,
    pub(crate) images_per_second: f64,
    pub(crate) gflops: f64,
    pub(crate) percent_of_peak: Option<f64>,
    pub(crate) percent_of_bandwidth: Option<f64>,
    pub(crate) peak_memory: Option<u64>,
    pub(crate) first_run_ms: Option<f64>,
    pub(crate) ratio: f64,
    pub(crate) relative: f64,
}

impl Row {
    /// Whether both are the same side of the same workload.
    pub(crate) fn is_alike(&self, other: &Row) -> bool {
        (&self.model, self.batch, &self.mode, &self.side)
            == (&other.model, other.batch, &other.mode, &other.side)
    }

    pub(crate) fn workload(&self) -> String {
        format!("{} {}, batch {}", self.model, self.mode, self.batch)
    }
}
