//! The rows as CSV.

use super::shapes::shapes;
use crate::bounds::Bound;
use crate::report::{Parameters, Report, Row};
use crate::work::Work;

const HEAD: [&str; 26] = [
    "path",
    "module",
    "depth",
    "calls",
    "inputs",
    "outputs",
    "trainable",
    "frozen",
    "buffers",
    "cost",
    "backward_cost",
    "training_cost",
    "update_flops",
    "update_read_bytes",
    "update_written_bytes",
    "macs",
    "multiplications",
    "additions",
    "divisions",
    "comparisons",
    "elementary",
    "integer",
    "read_bytes",
    "written_bytes",
    "activation_bytes",
    "uncounted",
];

/// In a report with bounds.
const BOUNDS: [&str; 2] = ["least_seconds", "bound_by"];

/// The rows that own something, in order. The others add nothing to the total.
fn shown(report: &Report) -> impl Iterator<Item = &Row> {
    report.rows.iter().filter(|row| !row.is_empty())
}

pub(super) fn csv(report: &Report) -> String {
    // A line must tell its convention itself: it may be cut from its file.
    let convention = report.convention.name.as_str();
    let bounds: &[&str] = report.bounds.as_ref().map_or(&[], |_| &BOUNDS);
    let head = HEAD.iter().chain(bounds).copied();
    let mut text = csv_line(head.chain(["convention"]));
    let uncounted = uncounted(report);
    for (row, uncounted) in shown(report).zip(&uncounted) {
        let mut cells = vec![
            row.path.clone(),
            row.module.clone(),
            row.depth.to_string(),
            row.calls.to_string(),
            shapes(&row.inputs),
            shapes(&row.outputs),
        ];
        cells.extend(numbers(
            &row.parameters,
            [row.cost, row.backward_cost, row.training_cost],
            &row.update,
            &row.work,
            [row.activation_bytes, *uncounted],
        ));
        if report.bounds.is_some() {
            cells.extend(bound(&row.bound.unwrap_or_default()));
        }
        text += &csv_line(cells.iter().map(String::as_str).chain([convention]));
    }
    let total = &report.total;
    let mut cells = vec![
        "total".to_owned(),
        String::new(),
        String::new(),
        String::new(),
        shapes(report.inputs.iter().map(|tensor| &tensor.shape)),
        shapes(report.outputs.iter().map(|tensor| &tensor.shape)),
    ];
    let (training_cost, update) = report
        .training
        .as_ref()
        .map_or_else(Default::default, |step| (step.forward, step.update));
    let all = report.uncounted.iter().map(|part| part.operations).sum();
    cells.extend(numbers(
        &total.parameters,
        [total.cost, total.backward_cost, training_cost],
        &update,
        &total.work,
        [total.activation_bytes, all],
    ));
    if let Some(bounds) = &report.bounds {
        cells.extend(bound(&bounds.sum));
    }
    text += &csv_line(cells.iter().map(String::as_str).chain([convention]));
    text
}

fn bound(bound: &Bound) -> [String; 2] {
    let roof = bound.roof().map_or("", |roof| roof.name());
    [bound.seconds().to_string(), roof.to_owned()]
}

fn numbers(
    parameters: &Parameters,
    cost: [u128; 3],
    update: &Work,
    work: &Work,
    last: [u128; 2],
) -> impl Iterator<Item = String> {
    let parameters = [parameters.trainable, parameters.frozen, parameters.buffers];
    let work = [
        work.macs,
        work.multiplications,
        work.additions,
        work.divisions,
        work.comparisons,
        work.elementary,
        work.integer,
        work.read,
        work.written,
    ];
    parameters
        .into_iter()
        .chain(cost)
        .chain([update.flops(), update.read, update.written])
        .chain(work)
        .chain(last)
        .map(|number| number.to_string())
}

/// Uncounted operations for each shown row. They go to the nearest ancestor that is shown: in a
/// folded report their own module has no row.
fn uncounted(report: &Report) -> Vec<u128> {
    let paths: Vec<&str> = shown(report).map(|row| row.path.as_str()).collect();
    let mut counts = vec![0; paths.len()];
    for part in &report.uncounted {
        let nearest = paths
            .iter()
            .zip(counts.iter_mut())
            .filter(|(path, _)| is_within(&part.path, path))
            .max_by_key(|(path, _)| path.len());
        if let Some((_, count)) = nearest {
            *count += part.operations;
        }
    }
    counts
}

fn is_within(path: &str, ancestor: &str) -> bool {
    ancestor.is_empty()
        || path
            .strip_prefix(ancestor)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// One line, each value quoted where RFC 4180 asks for it.
pub(crate) fn csv_line<'a>(cells: impl IntoIterator<Item = &'a str>) -> String {
    cells.into_iter().map(quoted).collect::<Vec<_>>().join(",") + "\n"
}

fn quoted(cell: &str) -> String {
    if cell.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", cell.replace('"', "\"\""))
    } else {
        cell.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bounds::Peaks;
    use crate::render::sample;

    #[test]
    fn values_are_quoted() {
        assert_eq!(
            csv_line(["a", "b,c", "d\"e", "f\ng", ""]),
            "a,\"b,c\",\"d\"\"e\",\"f\ng\",\n"
        );
    }

    #[test]
    fn number_columns_add_up_to_the_last_line() {
        let text = sample::report().to_csv();
        let lines: Vec<Vec<&str>> = text.lines().map(|l| l.split(',').collect()).collect();
        let (head, rest) = lines.split_first().unwrap();
        let (total, rows) = rest.split_last().unwrap();
        assert_eq!(total[0], "total");
        assert_eq!(rows.len(), 4);
        assert!(lines.iter().all(|line| line.len() == HEAD.len() + 1));
        for column in 6..HEAD.len() {
            let sum: u128 = rows
                .iter()
                .map(|row| row[column].parse::<u128>().unwrap())
                .sum();
            assert_eq!(sum.to_string(), total[column], "{}", head[column]);
        }
    }

    #[test]
    fn bounds_add_up_to_the_last_line() {
        let report = sample::report().with_bounds(Peaks {
            flops_per_second: 1e9,
            bytes_per_second: 1e9,
        });
        let text = report.to_csv();
        let lines: Vec<Vec<&str>> = text.lines().map(|l| l.split(',').collect()).collect();
        let column = HEAD.len();
        assert_eq!(
            lines[0][column..],
            ["least_seconds", "bound_by", "convention"]
        );
        let (total, rows) = lines[1..].split_last().unwrap();
        let seconds = |line: &Vec<&str>| line[column].parse::<f64>().unwrap();
        let sum: f64 = rows.iter().map(seconds).sum();
        assert!((sum / seconds(total) - 1.0).abs() < 1e-9, "{text}");
        assert_eq!(total[column + 1], "arithmetic");
        assert!(rows.iter().any(|row| row[column + 1] == "memory"));
    }

    #[test]
    fn shapes_are_exact() {
        let text = sample::report().to_csv();
        assert!(text.contains(",1x16x8x8;1x16,"), "{text}");
    }

    #[test]
    fn uncounted_operations_of_a_folded_report_stay() {
        let report = sample::report().folded(1);
        assert_eq!(uncounted(&report).iter().sum::<u128>(), 2);
        assert!(!is_within("features10", "features1"));
    }
}
