//! How a [`Report`] is shown: as a terminal table, JSON, CSV, Markdown or SVG.
//!
//! The table, Markdown and the picture are for people. They show the module tree: a module stands
//! below the one that holds it, with the last part of its path. A module that owns nothing and
//! holds one other stands in one line with it. Siblings that are equal in everything (type,
//! modules within, shapes, figures) and whose names count on are one line, such as
//! `layers.0–11 ×12`, with the sum of their figures; [`Layout::all`] shows every one. A line that
//! has others below it shows their sum in parentheses; what its module does itself beside them is
//! the line `(itself)`. So the figures without parentheses add up to the total.
//!
//! CSV and JSON are for programs, and hold every module's own share. Modules that own nothing are
//! left out of CSV, so its lines add up to the total, too.

mod csv;
mod escape;
mod figures;
mod grid;
mod json;
mod layout;
mod lines;
mod markdown;
mod names;
mod rows;
mod scale;
mod shapes;
mod svg;
mod table;
mod text;
mod totals;
mod tree;
pub mod units;

#[cfg(test)]
pub(crate) mod sample;

pub(crate) use csv::csv_line;
pub(crate) use escape::escape as escape_markdown;
pub(crate) use grid::{Column, Grid};
pub use json::ReadError;
pub use layout::Layout;
pub(crate) use names::distinct;
pub(crate) use shapes::{path_label, specs};
pub(crate) use table::labelled;
pub(crate) use text::wrapped;

use std::fmt;
use std::str::FromStr;

use crate::report::Report;

/// A form in which a report can be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// A table for the terminal, as wide as its [`Layout`] says.
    Table,
    /// The whole report as JSON.
    Json,
    /// One line per module, for spreadsheets and scripts.
    Csv,
    /// A table for GitHub.
    Markdown,
    /// A picture of where cost and parameters sit along the network.
    Svg,
}

impl Format {
    /// Every format, in the order in which help texts list them.
    pub const ALL: [Self; 5] = [
        Self::Table,
        Self::Json,
        Self::Csv,
        Self::Markdown,
        Self::Svg,
    ];

    /// The name by which [`FromStr`] knows it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::Json => "json",
            Self::Csv => "csv",
            Self::Markdown => "markdown",
            Self::Svg => "svg",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A name that no [`Format`] has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown format `{name}`; the formats are {}", format_names())]
pub struct UnknownFormat {
    /// The name that was given.
    pub name: String,
}

fn format_names() -> String {
    Format::ALL.map(Format::name).join(", ")
}

impl FromStr for Format {
    type Err = UnknownFormat;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|format| format.name().eq_ignore_ascii_case(name))
            .ok_or_else(|| UnknownFormat {
                name: name.to_owned(),
            })
    }
}

impl Report {
    /// The report in the given format.
    ///
    /// # Errors
    ///
    /// Only for [`Format::Json`], if the report cannot be serialized.
    pub fn render(&self, format: Format) -> Result<String, serde_json::Error> {
        self.render_with(format, &Layout::default())
    }

    /// The report in the given format and layout.
    ///
    /// # Errors
    ///
    /// Only for [`Format::Json`], if the report cannot be serialized.
    pub fn render_with(
        &self,
        format: Format,
        layout: &Layout,
    ) -> Result<String, serde_json::Error> {
        Ok(match format {
            Format::Table => self.to_table_with(layout),
            Format::Json => self.to_json()?,
            Format::Csv => self.to_csv(),
            Format::Markdown => self.to_markdown_with(layout),
            Format::Svg => self.to_svg_with(layout),
        })
    }

    /// A table for the terminal, at most 100 characters wide.
    pub fn to_table(&self) -> String {
        self.to_table_with(&Layout::default())
    }

    /// A table for the terminal.
    ///
    /// Figures in the rows are exact if there is room for that, else rounded; the totals below
    /// the table are always exact. Names that are too long are shortened with `…` so that what
    /// tells siblings apart stays. Columns without room are left out, and named in the head.
    pub fn to_table_with(&self, layout: &Layout) -> String {
        table::table(self, layout)
    }

    #[doc = include_str!("SCHEMA.md")]
    ///
    /// # Errors
    ///
    /// If the report cannot be serialized.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        json::json(self)
    }

    /// CSV: a header, one line per module and a last line, `total`.
    ///
    /// Values are quoted as RFC 4180 says, lines end in a line feed. Shapes are written
    /// `1x64x224x224`, several shapes are separated by `;`. The column `uncounted` gives the
    /// operations that no rule covers, so that a total which is too low can be told from a
    /// complete one. A report with [bounds](Report::with_bounds) has the columns `least_seconds`
    /// and `bound_by` too.
    pub fn to_csv(&self) -> String {
        csv::csv(self)
    }

    /// The rows and totals as tables for GitHub.
    pub fn to_markdown(&self) -> String {
        self.to_markdown_with(&Layout::default())
    }

    /// The rows and totals as tables for GitHub; all figures are exact.
    pub fn to_markdown_with(&self, layout: &Layout) -> String {
        markdown::markdown(self, layout)
    }

    /// A picture, 1000 wide: cost above, parameters below, modules in order from left to right.
    pub fn to_svg(&self) -> String {
        self.to_svg_with(&Layout::default())
    }

    /// As [`Report::to_svg`], with a bar for each line of the table that holds no others.
    pub fn to_svg_with(&self, layout: &Layout) -> String {
        svg::svg(self, layout)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_format_has_a_name_and_renders() {
        let report = sample::report();
        for format in Format::ALL {
            assert_eq!(format.to_string().parse(), Ok(format));
            assert!(!report.render(format).unwrap().is_empty());
        }
        assert_eq!("SVG".parse(), Ok(Format::Svg));
    }

    #[test]
    fn an_unknown_format_lists_the_known_ones() {
        let error = "xml".parse::<Format>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "unknown format `xml`; the formats are table, json, csv, markdown, svg"
        );
    }
}
