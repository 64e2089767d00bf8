//! The table for the terminal.

use super::rows::grid;
use super::text::{one_line, wrapped};
use super::totals::{head, kinds, sections, uncounted};
use super::units::{grouped, short};
use crate::report::Report;

/// No line of a table is longer.
pub(crate) const WIDTH: usize = 100;

/// What paths, types and shapes need at least; exact numbers that leave less are shown short.
const TEXT: usize = 40;

pub(super) fn table(report: &Report) -> String {
    let mut text = labelled(&head(report), "");
    text.push('\n');
    let exact = grid(report, grouped);
    let rows = if exact.room(WIDTH) >= TEXT {
        exact
    } else {
        grid(report, short)
    };
    text += &rows.to_text(WIDTH);
    for section in sections(report) {
        text += &format!("\n{}\n", section.title);
        text += &labelled(&section.lines, "  ");
    }
    if !report.by_kind.is_empty() {
        text.push('\n');
        text += &kinds(report).to_text(WIDTH);
    }
    if let Some(section) = uncounted(report) {
        text += &format!("\nWARNING: {}\n", section.title);
        text += &labelled(&section.lines, "  ");
    }
    if !report.notes.is_empty() {
        text.push('\n');
        let notes = report.notes.iter();
        let notes: Vec<_> = notes.map(|note| ("note:".into(), note.clone())).collect();
        text += &labelled(&notes, "");
    }
    text
}

/// Labels and values in two columns, long values wrapped.
pub(crate) fn labelled(lines: &[(String, String)], indent: &str) -> String {
    let widest = lines.iter().map(|(label, _)| label.chars().count()).max();
    let width = widest.unwrap_or(0).min(WIDTH / 3);
    let left = indent.len() + width + 2;
    let mut text = String::new();
    for (label, value) in lines {
        let mut label = super::text::shortened(&one_line(label), width);
        for part in wrapped(&one_line(value), WIDTH - left) {
            let line = format!("{indent}{label:<width$}  {part}");
            text += line.trim_end();
            text.push('\n');
            label.clear();
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::sample;

    fn widest(text: &str) -> usize {
        text.lines().map(|l| l.chars().count()).max().unwrap()
    }

    #[test]
    fn never_wider_than_the_limit() {
        assert!(widest(&sample::report().to_table()) <= WIDTH);
        let report = sample::extreme();
        let table = report.to_table();
        assert!(widest(&table) <= WIDTH, "{table}");
        assert!(table.contains('…'), "{table}");
        assert!(table.contains("18,446,744,073,709,551,615 MAC"), "{table}");
    }

    #[test]
    fn the_rendered_rows_add_up() {
        let table = sample::report().to_table();
        let number = |cell: &str| cell.replace(',', "").parse::<u128>().unwrap();
        let cells = |line: &str| {
            line.split_whitespace()
                .map(str::to_owned)
                .collect::<Vec<_>>()
        };
        // From the right: a shape may hold a space, and so does `4.0 KiB`.
        let numbers = |line: &str| {
            let cells = cells(line);
            [5, 4].map(|back| number(&cells[cells.len() - back]))
        };
        let mut sums = [0, 0];
        let mut rules = 0;
        for line in table.lines() {
            if line.starts_with('─') {
                rules += 1;
            } else if rules == 1 {
                let [parameters, cost] = numbers(line);
                sums[0] += parameters;
                sums[1] += cost;
            } else if rules == 2 {
                assert!(line.starts_with("total "));
                assert_eq!(numbers(line), sums);
                return;
            }
        }
        panic!("no total row in {table}");
    }

    #[test]
    fn totals_name_every_part() {
        let table = sample::report().to_table();
        for part in [
            "tiny|net",
            "1x3x8x8 f32",
            "macs: one multiply-accumulate",
            "frozen",
            "buffers (apart)",
            "1,234,568 MAC (1.23 MMAC), convention macs",
            "comparisons",
            "elementary functions",
            "peak at",
            "conv2d in features.0",
            "forward and backward",
            "saved for backward",
            "WARNING: 2 operations are not counted",
            "fft",
        ] {
            assert!(table.contains(part), "{part} is missing in\n{table}");
        }
        assert!(!table.contains("Sequential"), "empty rows are skipped");
    }

    #[test]
    fn no_warning_where_all_is_counted() {
        let mut report = sample::report();
        report.uncounted.clear();
        report.training = None;
        let table = report.to_table();
        assert!(!table.contains("WARNING"));
        assert!(!table.contains("training step"));
    }
}
