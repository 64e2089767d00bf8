//! A report as a table, for a terminal and for Markdown.

use std::fmt::Write as _;

use cost::render::units::bytes;

use crate::device_peaks::PROCESSOR;
use crate::reference::MOST_DRIFT;
use crate::report::{Failure, Measurement, Report, Rows};

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
        if let Some(name) = &device.name {
            let _ = writeln!(text, "  {}", console::printable(name, 76));
        }
    }
    text
}

/// How fast the devices were while the rows were measured: a line for the processor, and one for each side that
/// measured its own device.
fn references(measurements: &[Measurement]) -> String {
    let mut lines = Vec::new();
    for measured in measurements {
        let (time, drift) = (measured.reference_ms, measured.drift_percent);
        let whose = match measured.is_on_processor() {
            true => String::new(),
            false => format!("{}: ", measured.label()),
        };
        let mut line = format!("{whose}reference work {time:.2} ms, drift {drift:.1} %");
        if drift > MOST_DRIFT {
            line += "\n  the device's speed changed: these times do not compare";
        }
        line += "\n";
        if !lines.contains(&line) {
            lines.push(line);
        }
    }
    lines.concat()
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

/// The rows of one workload; those with times at most 80 columns wide.
pub(crate) fn workload(rows: &Rows) -> String {
    let measured = rows.measurements.iter().map(Measurement::workload);
    let name = measured.chain(rows.failures.iter().map(Failure::workload));
    let Some(name) = name.into_iter().next() else {
        return String::new();
    };
    let mut text = format!("\n{name}\n{}", references(&rows.measurements));
    let _ = writeln!(
        text,
        "{:<16} {:>9} {:>6} {:>8} {:>5} {:>5} {:>10} {:>8} {:>5}",
        "side", "median ms", "spread", "images/s", "peak", "bandw", "memory", "first ms", "ratio",
    );
    for measured in &rows.measurements {
        let _ = writeln!(
            text,
            "{} {:>9} {:>6} {:>8} {:>5} {:>5} {:>10} {:>8} {:>5}",
            side(&measured.label()),
            figure(measured.median_ms),
            format!("{:.1}%", measured.spread_percent),
            figure(measured.images_per_second),
            percent(measured.percent_of_peak),
            percent(measured.percent_of_bandwidth),
            measured
                .memory()
                .map_or("–".into(), |memory| bytes(memory.into())),
            measured.first_call_ms.map_or("–".into(), figure),
            figure(measured.ratio),
        );
    }
    for failure in &rows.failures {
        let _ = writeln!(
            text,
            "{} no times: {}",
            side(&failure.label()),
            failure.reason
        );
    }
    for line in frameworks(&rows.measurements) {
        let _ = writeln!(text, "  {line}");
    }
    text
}

/// What the other frameworks say that they are: `torch-eager, torch-cl: PyTorch 2.15.0, f32`.
fn frameworks(measurements: &[Measurement]) -> Vec<String> {
    let mut all: Vec<(&str, Vec<String>)> = Vec::new();
    for measured in measurements {
        let Some(about) = &measured.about else {
            continue;
        };
        match all.iter_mut().find(|(known, _)| known == about) {
            Some((_, names)) => names.push(measured.label()),
            None => all.push((about, vec![measured.label()])),
        }
    }
    all.into_iter()
        .map(|(about, names)| format!("{}: {about}", names.join(", ")))
        .collect()
}

/// A name in a column of its own.
fn side(label: &str) -> String {
    let label: String = label.chars().take(16).collect();
    format!("{label:<16}")
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

pub(crate) fn markdown_rows(rows: &Rows) -> String {
    let row = |measured: &Measurement| {
        let about = measured.about.as_ref();
        let about = about.map_or(String::new(), |about| format!(" ({about})"));
        let cells = [
            measured.workload(),
            measured.label() + &about.replace('|', "\\|"),
            figure(measured.median_ms),
            format!("{:.1} %", measured.spread_percent),
            figure(measured.images_per_second),
            figure(measured.gflops),
            percent(measured.percent_of_peak),
            percent(measured.percent_of_bandwidth),
            measured
                .memory()
                .map_or("–".into(), |memory| bytes(memory.into())),
            measured.first_call_ms.map_or("–".into(), figure),
            figure(measured.ratio),
            format!("{:.1} %", measured.drift_percent),
        ];
        format!("| {} |\n", cells.join(" | "))
    };
    let failed = |failure: &Failure| {
        let reason = failure.reason.replace('|', "\\|");
        let dashes = "– | ".repeat(8);
        format!(
            "| {} | {} | no times: {reason} | {dashes}– |\n",
            failure.workload(),
            failure.label()
        )
    };
    let measured = rows.measurements.iter().map(row);
    measured.chain(rows.failures.iter().map(failed)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tests::report;

    #[test]
    fn tables_fit_80_columns() {
        let mut report = report();
        report.rows.failures.clear();
        let first = &mut report.rows.measurements[0];
        first.side = "a framework with a long name".into();
        first.peak_memory = Some(1023 << 20);
        first.spread_percent = 123.4;
        first.percent_of_peak = Some(214.0);
        first.first_call_ms = Some(27668.0);
        first.drift_percent = 34.0;
        let text = heading(&report) + &workload(&report.rows);
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
        let mut rows = report().rows;
        assert!(!workload(&rows).contains("do not compare"));
        rows.measurements[1].drift_percent = 34.0;
        let text = workload(&rows);
        let said =
            "module/wgpu: reference work 4.50 ms, drift 34.0 %\n  the device's speed changed";
        assert!(text.contains(said), "{text}");
        // One line for all sides on the processor.
        assert_eq!(text.matches("\nreference work").count(), 1, "{text}");
    }

    #[test]
    fn memory_is_that_of_the_device() {
        let text = workload(&report().rows);
        assert!(
            text.contains("900.0 MiB") && text.contains("600.0 MiB"),
            "{text}"
        );
        let mut rows = report().rows;
        rows.measurements[1].device_memory = None;
        let text = workload(&rows);
        let line = text.lines().find(|line| line.starts_with("module/wgpu "));
        assert!(line.is_some_and(|line| !line.contains("MiB")), "{text}");
    }

    #[test]
    fn who_has_no_times_has_a_reason() {
        let text = workload(&report().rows);
        let row = "\nort-webgpu       no times: Python's onnxruntime_ep_webgpu is not installed\n";
        assert!(text.contains(row), "{text}");
        let only = Rows {
            measurements: Vec::new(),
            ..report().rows
        };
        assert!(workload(&only).starts_with("\nvgg16 inference, batch 1\n"));
    }

    #[test]
    fn frameworks_say_what_they_are() {
        let mut rows = report().rows;
        let compiled = Measurement {
            side: "torch-compile".into(),
            ..rows.measurements[2].clone()
        };
        rows.measurements.push(compiled);
        let said = "\n  torch, eager, torch-compile: PyTorch 2.15.0, f32\n";
        assert!(workload(&rows).ends_with(said), "{}", workload(&rows));
        let text = markdown_rows(&rows);
        let cell = "| torch, eager (PyTorch 2.15.0, f32) |";
        assert!(text.contains(cell), "{text}");
    }

    #[test]
    fn markdown_has_as_many_cells_as_columns() {
        let report = report();
        let text = markdown_heading(&report) + &markdown_rows(&report.rows);
        let rows = text.lines().filter(|line| line.starts_with('|'));
        let cells: Vec<_> = rows.map(|row| row.matches('|').count()).collect();
        assert_eq!(cells.len(), 2 + report.rows.measurements.len() + 1);
        assert!(cells.iter().all(|count| *count == cells[0]), "{text}");
    }
}
