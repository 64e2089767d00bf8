//! A run's outcome, written as it comes: a run that is stopped loses nothing that it has measured.

use std::error::Error;

use cost::render::Format;

use crate::machine::Machine;
use crate::report::{Report, Rows};
use crate::{bars, csv, table};

/// Shows what stands above the measurements.
pub(crate) fn begin(report: &Report, format: Format) {
    match format {
        Format::Table => console::show!("{}", table::heading(report)),
        Format::Markdown => console::show!("{}", table::markdown_heading(report)),
        Format::Csv => console::show!("{}", csv::heading()),
        Format::Json | Format::Svg => {}
    }
}

/// Shows the rows of a workload, where the format is one of lines.
pub(crate) fn add(
    machine: &Machine,
    workload: &Rows,
    format: Format,
) -> Result<(), Box<dyn Error>> {
    match format {
        Format::Table => console::show!("{}", table::workload(workload)),
        Format::Markdown => console::show!("{}", table::markdown_rows(workload)),
        Format::Csv => console::show!("{}", csv::rows(machine, workload)?),
        Format::Json | Format::Svg => {}
    }
    Ok(())
}

/// Shows the whole of `report` where the format has no lines, and whether anything is missing.
pub(crate) fn finish(report: &Report, format: Format) -> Result<(), Box<dyn Error>> {
    match format {
        Format::Table | Format::Markdown if !report.complete => {
            console::say!("\nThe run was stopped: rows are missing.");
        }
        Format::Table | Format::Markdown | Format::Csv => {}
        Format::Json => console::say!("{}", serde_json::to_string_pretty(report)?),
        Format::Svg => console::show!("{}", bars::bars(report)),
    }
    Ok(())
}

/// Shows a report that was kept.
pub(crate) fn all(report: &Report, format: Format) -> Result<(), Box<dyn Error>> {
    begin(report, format);
    for workload in report.rows.by_workload() {
        add(&report.machine, &workload, format)?;
    }
    finish(report, format)
}
