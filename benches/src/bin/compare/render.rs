//! A report as text.

use std::fmt::Write as _;

use cost::render::Format;
use cost::render::units::bytes;

use crate::chart;
use crate::report::{Report, Row};

pub(crate) fn render(report: &Report, format: Format) -> Result<String, serde_json::Error> {
    Ok(match format {
        Format::Json => serde_json::to_string_pretty(report)? + "\n",
        Format::Csv => csv(report)?,
        Format::Markdown => markdown(report),
        Format::Svg => chart::bars(report),
        Format::Table => table(report),
    })
}

/// Two lines about the machine, and one for each roof.
fn heading(report: &Report) -> String {
    let machine = &report.machine;
    let mut text = format!(
        "{}, {} threads, {}; features {}; vgg {}, Burn {}\n\
         reference kernel {:.1} ms, drift {:.1} %\n",
        machine.cpu,
        machine.threads,
        machine.system,
        machine.features.join(", "),
        machine.version,
        machine.burn,
        machine.reference_ms,
        machine.drift_percent,
    );
    for roof in &report.roofs {
        let _ = writeln!(
            text,
            "{}: at most {:.1} GFLOP/s (matrix product), {:.1} GB/s",
            roof.backend, roof.gflops, roof.gigabytes_per_second
        );
    }
    text
}

fn cells(row: &Row) -> [String; 10] {
    let percent = |value: Option<f64>| value.map_or("–".into(), |value| format!("{value:.0} %"));
    [
        row.side.clone(),
        figure(row.median_ms),
        format!("{:.1} %", row.spread_percent),
        figure(row.images_per_second),
        figure(row.gflops),
        percent(row.percent_of_peak),
        percent(row.percent_of_bandwidth),
        row.peak_memory.map_or("–".into(), bytes),
        row.first_run_ms.map_or("–".into(), figure),
        figure(row.ratio),
    ]
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

/// The rows of each workload, in order.
fn workloads(report: &Report) -> Vec<(String, Vec<&Row>)> {
    let mut groups: Vec<(String, Vec<&Row>)> = Vec::new();
    for row in &report.rows {
        match groups.last_mut() {
            Some((name, rows)) if *name == row.workload() => rows.push(row),
            _ => groups.push((row.workload(), vec![row])),
        }
    }
    groups
}

fn table(report: &Report) -> String {
    let mut text = heading(report);
    for (workload, rows) in workloads(report) {
        let _ = writeln!(text, "\n{workload}");
        let _ = writeln!(
            text,
            "{:<18}{:>9} {:>8} {:>8} {:>8} {:>7} {:>7} {:>10} {:>8} {:>7}",
            "side",
            "median ms",
            "spread",
            "images/s",
            "GFLOP/s",
            "of peak",
            "of mem.",
            "memory",
            "first ms",
            "ratio",
        );
        for row in rows {
            let [
                side,
                median,
                spread,
                images,
                gflops,
                peak,
                memory,
                took,
                first,
                ratio,
            ] = cells(row);
            let side: String = side.chars().take(18).collect();
            let _ = writeln!(
                text,
                "{side:<18}{median:>9} {spread:>8} {images:>8} {gflops:>8} {peak:>7} {memory:>7} \
                 {took:>10} {first:>8} {ratio:>7}"
            );
        }
    }
    text
}

fn markdown(report: &Report) -> String {
    let mut text = String::new();
    for line in heading(report).lines() {
        let _ = writeln!(text, "{line}  ");
    }
    text += "\n| workload | side | median ms | spread | images/s | GFLOP/s | of peak \
             | of bandwidth | memory | first run ms | ratio |\n";
    text += "|---|---|---|---|---|---|---|---|---|---|---|\n";
    for row in &report.rows {
        let _ = writeln!(text, "| {} | {} |", row.workload(), cells(row).join(" | "));
    }
    text
}

fn csv(report: &Report) -> Result<String, serde_json::Error> {
    let mut text = String::new();
    for row in &report.rows {
        let serde_json::Value::Object(fields) = serde_json::to_value(row)? else {
            continue;
        };
        // The columns stand in the order of SCHEMA.md.
        let columns = columns();
        if text.is_empty() {
            text += &(columns.join(",") + "\n");
        }
        let values = columns.iter().map(|column| match &fields[*column] {
            serde_json::Value::Null => String::new(),
            serde_json::Value::String(value) if value.contains([',', '"', '\n']) => {
                format!("\"{}\"", value.replace('"', "\"\""))
            }
            serde_json::Value::String(value) => value.clone(),
            other => other.to_string(),
        });
        text += &(values.collect::<Vec<_>>().join(",") + "\n");
    }
    Ok(text)
}

const SCHEMA: &str = include_str!("SCHEMA.md");

/// The columns that SCHEMA.md documents.
fn columns() -> Vec<&'static str> {
    let (_, table) = SCHEMA.split_once("| column |").unwrap_or_default();
    let names = table.lines().filter_map(|line| line.strip_prefix("| `"));
    names.filter_map(|line| line.split('`').next()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::{Machine, Roof};

    fn report() -> Report {
        let row = |side: &str, median: f64| Row {
            model: "vgg16".into(),
            batch: 1,
            mode: "inference".into(),
            side: side.into(),
            median_ms: median,
            spread_percent: 2.0,
            calls: 9,
            images_per_second: 1e3 / median,
            gflops: 30.94 / median * 1e3,
            percent_of_peak: Some(50.0),
            percent_of_bandwidth: None,
            peak_memory: Some(600 << 20),
            first_run_ms: None,
            ratio: median / 100.0,
            relative: median / 10.0,
        };
        Report {
            schema: crate::report::SCHEMA,
            machine: Machine {
                cpu: "a \"CPU\", large".into(),
                threads: 2,
                system: "linux".into(),
                features: vec!["flex".into()],
                version: "1".into(),
                burn: "1".into(),
                reference_ms: 10.0,
                drift_percent: 1.0,
            },
            roofs: vec![Roof {
                backend: "flex".into(),
                gflops: 100.0,
                gigabytes_per_second: 20.0,
            }],
            rows: vec![row("flex", 100.0), row("torch, eager", 12_345.6)],
        }
    }

    #[test]
    fn the_schema_names_every_field_and_no_other() {
        let value = serde_json::to_value(report()).expect("JSON");
        let documented = |name: &str| SCHEMA.contains(&format!("| `{name}` |"));
        let keys = |value: &serde_json::Value| -> Vec<String> {
            value
                .as_object()
                .expect("an object")
                .keys()
                .cloned()
                .collect()
        };
        assert!(documented("schema"));
        for key in keys(&value["machine"]) {
            assert!(documented(&format!("machine.{key}")), "{key}");
        }
        for key in keys(&value["roofs"][0]) {
            assert!(documented(&format!("roofs[].{key}")), "{key}");
        }
        let (mut found, mut expected) = (keys(&value["rows"][0]), columns());
        found.sort();
        expected.sort();
        assert_eq!(found, expected);
    }

    #[test]
    fn json_comes_back_as_it_was() {
        let text = render(&report(), Format::Json).expect("JSON");
        assert_eq!(
            serde_json::from_str::<Report>(&text).expect("a report"),
            report()
        );
    }

    #[test]
    fn csv_has_the_columns_of_the_schema() {
        let text = render(&report(), Format::Csv).expect("CSV");
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines.len(), 3);
        assert_eq!(lines[0], columns().join(","));
        assert!(lines[2].contains(",\"torch, eager\",12345.6,"), "{text}");
    }

    #[test]
    fn tables_fit_the_terminal() {
        let text = render(&report(), Format::Table).expect("a table");
        let rows = text.lines().skip_while(|line| !line.starts_with("side"));
        let widest = rows.map(|line| line.chars().count()).max();
        assert!(widest.is_some_and(|width| width <= 100), "{text}");
    }

    #[test]
    fn pictures_hold_every_side() {
        let text = render(&report(), Format::Svg).expect("a picture");
        assert!(text.contains("flex") && text.contains("torch, eager"));
        assert!(!text.contains("NaN"));
    }
}
