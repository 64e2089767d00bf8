//! The table for the terminal.

use super::grid::Grid;
use super::layout::Layout;
use super::lines::{Line, lines};
use super::rows::{Part, Style, grid, key, names};
use super::text::{one_line, shortened, wrapped};
use super::totals::{head, kinds, sections, uncounted};
use super::units::{grouped, short};
use crate::report::Report;

pub(super) fn table(report: &Report, layout: &Layout) -> String {
    let width = layout.room();
    let lines = lines(report, layout.all);
    let (grid, left_out) = fitting(report, &lines, width);
    let mut head = head(report);
    let mut key = key(&lines);
    if !left_out.is_empty() {
        let names: Vec<String> = left_out.iter().map(|part| part.head(report)).collect();
        key.push(format!("too narrow for: {}", names.join(", ")));
    }
    if !key.is_empty() {
        head.push(("rows".to_owned(), key.join("; ")));
    }
    let mut text = labelled(&head, "", width);
    text.push('\n');
    text += &grid.to_text(width);
    for section in sections(report) {
        text += &format!("\n{}\n", section.title);
        text += &labelled(&section.lines, "  ", width);
    }
    if !report.by_kind.is_empty() {
        text.push('\n');
        text += &kinds(report).to_text(width);
    }
    if let Some(section) = uncounted(report) {
        text.push('\n');
        for line in wrapped(&format!("WARNING: {}", section.title), width) {
            text += &line;
            text.push('\n');
        }
        text += &labelled(&section.lines, "  ", width);
    }
    if !report.notes.is_empty() {
        text.push('\n');
        let notes = report.notes.iter();
        let notes: Vec<_> = notes.map(|note| ("note:".into(), note.clone())).collect();
        text += &labelled(&notes, "", width);
    }
    text
}

/// The rows in at most `width` characters, and the columns that there is no room for. Numbers are
/// exact if that fits, else shortened, costs first; then columns are left out.
fn fitting(report: &Report, lines: &[Line<'_>], width: usize) -> (Grid, Vec<Part>) {
    type Number = fn(u128) -> String;
    let numbers: [(Number, Number); 3] = [(grouped, grouped), (grouped, short), (short, short)];
    let mut parts = Part::of(report);
    let mut left_out = Vec::new();
    let mut spare = Part::SPARE.into_iter();
    loop {
        for (parameters, cost) in numbers {
            let style = Style {
                parts: parts.clone(),
                parameters,
                cost,
            };
            let grid = grid(report, lines, &style);
            if grid.fits(width) {
                return (named(grid, lines, width), left_out);
            }
        }
        // What the report has no column for needs not be left out.
        match spare.find(|part| parts.contains(part)) {
            Some(part) => {
                parts.retain(|other| *other != part);
                left_out.push(part);
            }
            None => {
                let style = Style {
                    parts,
                    parameters: short,
                    cost: short,
                };
                return (named(grid(report, lines, &style), lines, width), left_out);
            }
        }
    }
}

/// The grid with names that fit.
fn named(mut grid: Grid, lines: &[Line<'_>], width: usize) -> Grid {
    let names = names(lines, grid.first_width(width));
    for (row, name) in grid.rows.iter_mut().zip(names) {
        if let Some(cell) = row.first_mut() {
            *cell = name;
        }
    }
    grid
}

/// Labels and values in two columns, long values wrapped.
pub(crate) fn labelled(lines: &[(String, String)], indent: &str, width: usize) -> String {
    let widest = lines.iter().map(|(label, _)| label.chars().count()).max();
    let column = widest.unwrap_or(0).min(width / 3);
    let left = indent.len() + column + 2;
    let mut text = String::new();
    for (label, value) in lines {
        let mut label = shortened(&one_line(label), column);
        for part in wrapped(&one_line(value), width.saturating_sub(left)) {
            let line = format!("{indent}{label:<column$}  {part}");
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
    use crate::bounds::Peaks;
    use crate::render::sample;

    fn widest(text: &str) -> usize {
        text.lines().map(|l| l.chars().count()).max().unwrap()
    }

    const PEAKS: Peaks = Peaks {
        flops_per_second: 2.1e12,
        bytes_per_second: 60e9,
    };

    #[test]
    fn never_wider_than_asked_for() {
        let mut huge = sample::extreme();
        huge.rows[1].cost = u128::MAX;
        huge.total.cost = u128::MAX;
        let reports = [
            sample::report(),
            sample::equal(12),
            sample::deep(30),
            sample::extreme(),
            huge,
        ];
        for report in reports {
            for report in [report.clone(), report.with_bounds(PEAKS)] {
                for width in [0, 40, 41, 55, 60, 80, 100, 133, 200, 1000] {
                    let table = report.to_table_with(&Layout::default().with_width(width));
                    assert!(widest(&table) <= width.max(Layout::LEAST), "{table}");
                }
            }
        }
        let table = sample::extreme().to_table();
        assert!(widest(&table) <= Layout::WIDTH, "{table}");
        assert!(table.contains('…'), "{table}");
        assert!(table.contains("18,446,744,073,709,551,615 MAC"), "{table}");
    }

    #[test]
    fn the_rendered_rows_add_up() {
        let number = |cell: &str| cell.replace(',', "").parse::<u128>().unwrap();
        let mut reports = vec![sample::report(), sample::deep(30)];
        reports.extend((0..4).map(sample::equal));
        for report in reports {
            for all in [false, true] {
                let layout = Layout { width: 200, all };
                let (mut sums, mut rules) = ([0; 2], 0);
                for line in report.to_table_with(&layout).lines() {
                    // From the right, without sums: a shape may hold a space, and so does a size.
                    let cells: Vec<&str> = line.split_whitespace().collect();
                    let numbers = || [6, 5].map(|back| number(cells[cells.len() - back]));
                    match rules {
                        _ if line.starts_with('─') => rules += 1,
                        1 if line.contains('(') && line.contains(')') && line.ends_with(')') => {}
                        1 => {
                            let [parameters, cost] = numbers();
                            sums[0] += parameters;
                            sums[1] += cost;
                        }
                        2 => {
                            assert!(line.starts_with("total "), "{line}");
                            assert_eq!(numbers(), sums);
                            break;
                        }
                        _ => {}
                    }
                }
                assert_eq!(rules, 2);
            }
        }
    }

    #[test]
    fn equal_siblings_stand_in_one_line_and_the_head_says_so() {
        let report = sample::equal(12);
        let table = report.to_table();
        assert!(table.contains("\nlayers.0–11 ×12 "), "{table}");
        assert!(table.contains("×12 is 12 equal siblings"), "{table}");
        assert!(table.contains("sum of the lines below"), "{table}");
        let all = report.to_table_with(&Layout::default().with_all(true));
        assert!(!all.contains('×'), "{all}");
        assert!(all.contains("\n  11 "), "{all}");
        let flat = sample::report().to_table_with(&Layout::default().with_width(150));
        assert!(!flat.contains("\nrows "), "{flat}");
    }

    #[test]
    fn siblings_can_be_told_apart_in_a_narrow_table() {
        let table = sample::alike(30).to_table_with(&Layout::default().with_width(44));
        let names: Vec<&str> = table
            .lines()
            .skip_while(|line| !line.starts_with('─'))
            .skip(1)
            .take_while(|line| !line.starts_with('─'))
            .filter_map(|line| line.split_once("  ").map(|(name, _)| name))
            .collect();
        let different: std::collections::HashSet<&&str> = names.iter().collect();
        assert_eq!((names.len(), different.len()), (30, 30), "{table}");
    }

    #[test]
    fn a_narrow_table_says_what_it_leaves_out() {
        let report = sample::equal(3);
        let table = report.to_table_with(&Layout::default().with_width(70));
        assert!(table.contains("too narrow for: output"), "{table}");
        assert!(
            !report
                .to_table_with(&Layout::default().with_width(140))
                .contains("narrow")
        );
    }

    #[test]
    fn bounds_have_columns_where_they_were_asked_for() {
        let report = sample::equal(2);
        assert!(!report.to_table().contains("least time"));
        let table = report.with_bounds(PEAKS);
        let table = table.to_table_with(&Layout::default().with_width(160));
        for part in [
            "least time",
            "bound by",
            "memory",
            "2.10 TFLOP/s",
            "60.00 GB/s",
        ] {
            assert!(table.contains(part), "{part} is missing in\n{table}");
        }
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
