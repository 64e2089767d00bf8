//! How a comparison is shown.

use super::{Change, Compared, ComparedRow, Comparison, Share};
use crate::render::units::{bytes, grouped, ratio, short, signed};
use crate::render::{
    Column, Grid, Layout, csv_line, distinct, escape_markdown, labelled, path_label, specs, wrapped,
};

/// What paths may be shortened to; exact numbers that leave less are shown short.
const PATHS: usize = 24;

impl Comparison {
    /// A table for the terminal, at most 100 characters wide: the totals, then the rows.
    pub fn to_table(&self) -> String {
        self.to_table_with(&Layout::default())
    }

    /// A table for the terminal: the totals, then the rows, each module's own share by its whole
    /// path. Paths that are too long are shortened with `…` so that they stay different.
    pub fn to_table_with(&self, layout: &Layout) -> String {
        let width = layout.room();
        let mut text = labelled(&self.head(), "", width);
        text.push('\n');
        text += &self.totals().to_text(width);
        text.push('\n');
        let exact = self.grid(grouped);
        let mut rows = match exact.fits(width) {
            true => exact,
            false => self.grid(short),
        };
        let paths: Vec<&str> = self.rows.iter().map(|row| path_label(&row.path)).collect();
        let names = distinct(&paths, rows.first_width(width));
        for (row, name) in rows.rows.iter_mut().zip(names) {
            if let Some(cell) = row.first_mut() {
                *cell = name;
            }
        }
        text += &rows.to_text(width);
        if let Some(warning) = self.warning() {
            text.push('\n');
            for line in wrapped(&format!("WARNING: {warning}"), width) {
                text += &line;
                text.push('\n');
            }
        }
        text
    }

    /// The totals and the rows as tables for GitHub.
    pub fn to_markdown(&self) -> String {
        let mut text = String::new();
        for (label, value) in self.head() {
            text += &format!("- {label}: {}\n", escape_markdown(&value));
        }
        if let Some(warning) = self.warning() {
            text += &format!("\n> **Warning:** {warning}\n");
        }
        text.push('\n');
        text += &self.totals().to_markdown();
        text.push('\n');
        text += &self.grid(grouped).to_markdown();
        text
    }

    /// The comparison as indented JSON.
    ///
    /// # Errors
    ///
    /// If it cannot be serialized.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string_pretty(self)
    }

    /// CSV: a header, one line per path and a last line, `total`. A report that lacks the path
    /// leaves its values empty.
    pub fn to_csv(&self) -> String {
        let mut text = csv_line([
            "path",
            "module_before",
            "module_after",
            "parameters_before",
            "parameters_after",
            "cost_before",
            "cost_after",
            "convention",
        ]);
        let convention = self.convention.name.as_str();
        for row in &self.rows {
            let module =
                |share: &Option<Share>| share.as_ref().map_or(String::new(), |s| s.module.clone());
            let exact = |number: u128| number.to_string();
            let [old_parameters, new_parameters] = row.parameters(exact, "");
            let [old_cost, new_cost] = row.cost(exact, "");
            let cells = [
                row.path.clone(),
                module(&row.before),
                module(&row.after),
                old_parameters,
                new_parameters,
                old_cost,
                new_cost,
            ];
            text += &csv_line(cells.iter().map(String::as_str).chain([convention]));
        }
        let numbers = [
            self.parameters.before,
            self.parameters.after,
            self.cost.before,
            self.cost.after,
        ]
        .map(|number| number.to_string());
        let numbers = numbers.iter().map(String::as_str);
        text += &csv_line(
            ["total", "", ""]
                .into_iter()
                .chain(numbers)
                .chain([convention]),
        );
        text
    }

    fn head(&self) -> Vec<(String, String)> {
        let side =
            |compared: &Compared| format!("{}, inputs {}", compared.model, specs(&compared.inputs));
        vec![
            ("before".to_owned(), side(&self.before)),
            ("after".to_owned(), side(&self.after)),
            (
                "convention".to_owned(),
                format!("{}: {}", self.convention.name, self.convention.definition),
            ),
        ]
    }

    /// What makes the figures less comparable than they look.
    fn warning(&self) -> Option<String> {
        let (before, after) = (self.before.uncounted, self.after.uncounted);
        (before > 0 || after > 0).then(|| {
            format!(
                "operations that are not counted: {} before, {} after",
                grouped(before),
                grouped(after)
            )
        })
    }

    fn totals(&self) -> Grid {
        let count = |name: &str, change: &Change| {
            vec![
                name.to_owned(),
                grouped(change.before),
                grouped(change.after),
                signed(change.difference),
                ratio(change.ratio),
            ]
        };
        let memory = |name: &str, change: &Change| {
            let sign = match change.difference {
                0 => "",
                1.. => "+",
                _ => "-",
            };
            vec![
                name.to_owned(),
                bytes(change.before),
                bytes(change.after),
                format!("{sign}{}", bytes(change.difference.unsigned_abs())),
                ratio(change.ratio),
            ]
        };
        let unit = &self.convention.unit;
        let mut rows = vec![
            count("parameters", &self.parameters),
            count(&format!("cost ({unit})"), &self.cost),
        ];
        rows.extend(
            self.backward_cost
                .iter()
                .map(|change| count(&format!("backward cost ({unit})"), change)),
        );
        rows.push(memory("peak memory, inference", &self.peak_memory));
        rows.extend(
            self.training_peak_memory
                .iter()
                .map(|change| memory("peak memory, training", change)),
        );
        rows.push(memory("activations", &self.activation_bytes));
        Grid {
            columns: vec![
                Column::text("total", 10),
                Column::number("before"),
                Column::number("after"),
                Column::number("difference"),
                Column::number("ratio"),
            ],
            rows,
            total: None,
        }
    }

    fn grid(&self, number: fn(u128) -> String) -> Grid {
        let line = |name: &str, parameters: [String; 2], cost: [String; 2], change: String| {
            std::iter::once(name.to_owned())
                .chain(parameters)
                .chain(cost)
                .chain([change])
                .collect::<Vec<_>>()
        };
        let both = |change: &Change| [number(change.before), number(change.after)];
        Grid {
            columns: vec![
                Column::text("module", PATHS),
                Column::number("parameters"),
                Column::number("→ after"),
                Column::number(format!("cost ({})", self.convention.unit)),
                Column::number("→ after"),
                Column::number("cost ratio"),
            ],
            rows: self
                .rows
                .iter()
                .map(|row| {
                    line(
                        path_label(&row.path),
                        row.parameters(number, "-"),
                        row.cost(number, "-"),
                        ratio(row.cost_ratio()),
                    )
                })
                .collect(),
            total: Some(line(
                "total",
                both(&self.parameters),
                both(&self.cost),
                ratio(self.cost.ratio),
            )),
        }
    }
}

impl ComparedRow {
    fn parameters(&self, number: impl Fn(u128) -> String, absent: &str) -> [String; 2] {
        [&self.before, &self.after].map(|share| match share {
            Some(share) => number(share.parameters),
            None => absent.to_owned(),
        })
    }

    fn cost(&self, number: impl Fn(u128) -> String, absent: &str) -> [String; 2] {
        [&self.before, &self.after].map(|share| match share {
            Some(share) => number(share.cost),
            None => absent.to_owned(),
        })
    }

    /// A ratio only where both reports have the path.
    fn cost_ratio(&self) -> Option<f64> {
        let (before, after) = self.before.as_ref().zip(self.after.as_ref())?;
        Change::new(before.cost, after.cost).ratio
    }
}
