//! A run's outcome, written as it comes: a run that is stopped loses nothing that it has measured.

use std::error::Error;
use std::path::Path;

use cost::render::Format;

use crate::report::{self, Report};
use crate::{bars, csv, table};

/// Shows what came last in `report`, the measurements from `first` on, where the format is one of lines; keeps all
/// of it at `save`.
pub(crate) fn add(
    report: &Report,
    first: usize,
    format: Format,
    save: Option<&Path>,
) -> Result<(), Box<dyn Error>> {
    let measurements = &report.measurements[first..];
    let is_first = first == 0;
    match format {
        Format::Table => {
            if is_first {
                console::show!("{}", table::heading(report));
            }
            console::show!("{}", table::workload(measurements));
        }
        Format::Markdown => {
            if is_first {
                console::show!("{}", table::markdown_heading(report));
            }
            console::show!("{}", table::markdown_rows(measurements));
        }
        Format::Csv => {
            if is_first {
                console::show!("{}", csv::heading());
            }
            console::show!("{}", csv::rows(&report.machine, measurements)?);
        }
        Format::Json | Format::Svg => {}
    }
    match save {
        Some(path) => report::save(path, report),
        None => Ok(()),
    }
}

/// Shows the whole of `report` where the format has no lines.
pub(crate) fn finish(report: &Report, format: Format) -> Result<(), Box<dyn Error>> {
    match format {
        Format::Table | Format::Markdown | Format::Csv => {}
        Format::Json => console::say!("{}", serde_json::to_string_pretty(report)?),
        Format::Svg => console::show!("{}", bars::bars(report)),
    }
    Ok(())
}

/// Shows a report that is complete.
pub(crate) fn all(report: &Report, format: Format) -> Result<(), Box<dyn Error>> {
    let rest = |last: usize| Report {
        measurements: report.measurements[..last].to_vec(),
        ..report.clone()
    };
    let mut first = 0;
    for workload in report
        .measurements
        .chunk_by(|a, b| a.workload() == b.workload())
    {
        let last = first + workload.len();
        add(&rest(last), first, format, None)?;
        first = last;
    }
    finish(report, format)
}
