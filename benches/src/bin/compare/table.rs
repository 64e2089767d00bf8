//! A report as a table, for a terminal and for Markdown.

use std::fmt::Write as _;

use cost::render::units::bytes;

use crate::device_peaks::PROCESSOR;
use crate::reference::MOST_DRIFT;
use crate::report::{Measurement, Report};

/// What the run was made on and with, and what that can do at most.
pub(crate) fn heading(report: &Report) -> String {
    let machine = &report.machine;
    let mut text = format!(
        "{machine}\n{}; features {}; vgg {}, Burn {}\n",
        machine.system,
        machine.features.join(", "),
        machine.version,
        machine.burn,
    );
    for device in &report.peaks {
        let peaks = device.peaks;
        let measured = match device.device == PROCESSOR {
            true => "in registers",
            false => "matrix product",
        };
        let _ = writeln!(
            text,
            "{}: at most {:.0} GFLOP/s ({measured}), {:.1} GB/s",
            device.device, peaks.gflops, peaks.gigabytes_per_second
        );
    }
    text
}

/// What all measurements of a workload share, in two lines.
fn reference(measured: &Measurement) -> String {
    let drift = measured.drift_percent;
    let mut text = format!(
        "reference kernel {:.2} ms, drift {drift:.1} %",
        measured.reference_ms
    );
    if drift > MOST_DRIFT {
        text += ": the machine's speed changed, these times do not compare";
    }
    text
}

fn percent(value: Option<f64>) -> String {
    value.map_or("–".into(), |value| format!("{value:.0} %"))
}

/// Three digits, or all before the point.
fn figure(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        size if size >= 1.0 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

/// The measurements of one workload, at most 80 columns wide.
pub(crate) fn workload(measurements: &[Measurement]) -> String {
    let Some(first) = measurements.first() else {
        return String::new();
    };
    let mut text = format!("\n{}\n{}\n", first.workload(), reference(first));
    let _ = writeln!(
        text,
        "{:<16} {:>9} {:>6} {:>8} {:>5} {:>5} {:>10} {:>8} {:>5}",
        "side", "median ms", "spread", "images/s", "peak", "bandw", "memory", "first ms", "ratio",
    );
    for measured in measurements {
        let side: String = measured.label().chars().take(16).collect();
        let _ = writeln!(
            text,
            "{side:<16} {:>9} {:>6} {:>8} {:>5} {:>5} {:>10} {:>8} {:>5}",
            figure(measured.median_ms),
            format!("{:.1}%", measured.spread_percent),
            figure(measured.images_per_second),
            percent(measured.percent_of_peak),
            percent(measured.percent_of_bandwidth),
            measured.peak_memory.map_or("–".into(), bytes),
            measured.first_call_ms.map_or("–".into(), figure),
            figure(measured.ratio),
        );
    }
    text
}

pub(crate) fn markdown_heading(report: &Report) -> String {
    let mut text = String::new();
    for line in heading(report).lines() {
        // Two blanks at its end break a line.
        let _ = writeln!(text, "{line}  ");
    }
    text += "\n| workload | side | median ms | spread | images/s | GFLOP/s | of peak \
             | of bandwidth | memory | first call ms | ratio | drift |\n";
    text += "|---|---|---|---|---|---|---|---|---|---|---|---|\n";
    text
}

pub(crate) fn markdown_rows(measurements: &[Measurement]) -> String {
    let row = |measured: &Measurement| {
        let cells = [
            measured.workload(),
            measured.label(),
            figure(measured.median_ms),
            format!("{:.1} %", measured.spread_percent),
            figure(measured.images_per_second),
            figure(measured.gflops),
            percent(measured.percent_of_peak),
            percent(measured.percent_of_bandwidth),
            measured.peak_memory.map_or("–".into(), bytes),
            measured.first_call_ms.map_or("–".into(), figure),
            figure(measured.ratio),
            format!("{:.1} %", measured.drift_percent),
        ];
        format!("| {} |\n", cells.join(" | "))
    };
    measurements.iter().map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tests::report;

    #[test]
    fn tables_fit_80_columns() {
        let mut report = report();
        report.measurements[0].side = "a framework with a long name".into();
        report.measurements[0].peak_memory = Some(1023 << 20);
        report.measurements[0].spread_percent = 123.4;
        report.measurements[0].percent_of_peak = Some(214.0);
        report.measurements[0].first_call_ms = Some(27668.0);
        let text = heading(&report) + &workload(&report.measurements);
        let widest = text.lines().map(|line| line.chars().count()).max();
        assert!(widest.is_some_and(|width| width <= 80), "{text}");
    }

    #[test]
    fn the_machine_stands_at_the_head() {
        let text = heading(&report());
        assert!(
            text.starts_with("AMD family 25 model 1 (Zen 3), 2 threads, AVX2\n"),
            "{text}"
        );
    }

    #[test]
    fn drift_is_said_where_it_matters() {
        let mut measurements = report().measurements;
        assert!(!workload(&measurements).contains("do not compare"));
        measurements[0].drift_percent = 34.0;
        assert!(workload(&measurements).contains("drift 34.0 %: the machine's speed changed"));
    }

    #[test]
    fn markdown_has_as_many_cells_as_columns() {
        let report = report();
        let text = markdown_heading(&report) + &markdown_rows(&report.measurements);
        let rows = text.lines().filter(|line| line.starts_with('|'));
        let cells: Vec<_> = rows.map(|row| row.matches('|').count()).collect();
        assert_eq!(cells.len(), 2 + report.measurements.len());
        assert!(cells.iter().all(|count| *count == cells[0]), "{text}");
    }
}
