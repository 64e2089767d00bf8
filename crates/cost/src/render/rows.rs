//! The rows that every form shows.

use super::grid::{Column, Grid};
use super::units::{bytes, percent};
use crate::report::{Report, Row, TensorSpec};

/// The rows that own something, in order. The others add nothing to the total.
pub(crate) fn shown(report: &Report) -> impl Iterator<Item = &Row> {
    report.rows.iter().filter(|row| !row.is_empty())
}

/// A path to show; the root has a name only here.
pub(crate) fn path_label(path: &str) -> &str {
    if path.is_empty() { "(root)" } else { path }
}

/// A shape, such as `1x64x224x224`; a scalar's is `scalar`.
pub(crate) fn shape(dimensions: &[usize]) -> String {
    if dimensions.is_empty() {
        return "scalar".to_owned();
    }
    dimensions
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join("x")
}

/// Tensors with their types, such as `1x3x224x224 f32`.
pub(crate) fn specs(tensors: &[TensorSpec]) -> String {
    if tensors.is_empty() {
        return "none".to_owned();
    }
    tensors
        .iter()
        .map(|tensor| format!("{} {}", shape(&tensor.shape), tensor.dtype))
        .collect::<Vec<_>>()
        .join(", ")
}

/// Shapes separated by `;`.
pub(crate) fn shapes<'a>(shapes: impl IntoIterator<Item = &'a Vec<usize>>) -> String {
    shapes
        .into_iter()
        .map(|dimensions| shape(dimensions))
        .collect::<Vec<_>>()
        .join(";")
}

/// The first shape, and how many more there are: a column has no room for all.
fn first_shape(shapes: &[Vec<usize>]) -> String {
    match shapes {
        [] => "-".to_owned(),
        [one] => shape(one),
        [first, rest @ ..] => format!("{} +{}", shape(first), rest.len()),
    }
}

/// The rows and their total, with `number` to write parameters and cost.
pub(crate) fn grid(report: &Report, number: fn(u128) -> String) -> Grid {
    let rows = shown(report)
        .map(|row| {
            vec![
                path_label(&row.path).to_owned(),
                row.module.clone(),
                first_shape(&row.outputs),
                number(row.parameters.count()),
                number(row.cost),
                percent(report.percent(row.cost)),
                bytes(row.activation_bytes),
            ]
        })
        .collect();
    let total = &report.total;
    Grid {
        columns: vec![
            Column::text("module", 24),
            Column::text("type", 8),
            Column::text("output", 8),
            Column::number("parameters"),
            Column::number(format!("cost ({})", report.convention.unit)),
            Column::number("%"),
            Column::number("activations"),
        ],
        rows,
        total: Some(vec![
            "total".to_owned(),
            String::new(),
            String::new(),
            number(total.parameters.count()),
            number(total.cost),
            percent(report.percent(total.cost)),
            bytes(total.activation_bytes),
        ]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::sample;

    #[test]
    fn shapes_in_one_word() {
        assert_eq!(
            shapes(&[vec![1, 64, 224, 224], vec![]]),
            "1x64x224x224;scalar"
        );
        assert_eq!(first_shape(&[vec![1, 2], vec![3], vec![4]]), "1x2 +2");
        assert_eq!(first_shape(&[]), "-");
    }

    #[test]
    fn the_shown_rows_add_up() {
        let report = sample::report();
        let grid = grid(&report, |number| number.to_string());
        let total = grid.total.unwrap();
        for column in [3, 4] {
            let sum: u128 = grid
                .rows
                .iter()
                .map(|row| row[column].parse::<u128>().unwrap())
                .sum();
            assert_eq!(sum.to_string(), total[column]);
        }
        assert_eq!(grid.rows.len(), 4);
    }
}
