//! How a [`Report`] is shown: as a terminal table, JSON, CSV, Markdown or SVG.
//!
//! All forms show the same rows: a module that owns nothing itself is left out, so the shown rows
//! still add up to the total.

mod csv;
mod escape;
mod grid;
mod json;
mod markdown;
mod rows;
mod scale;
mod svg;
mod table;
mod text;
mod totals;
pub mod units;

#[cfg(test)]
pub(crate) mod sample;

pub(crate) use csv::csv_line;
pub(crate) use escape::escape as escape_markdown;
pub(crate) use grid::{Column, Grid};
pub use json::ReadError;
pub(crate) use rows::{path_label, specs};
pub(crate) use table::{WIDTH, labelled};

use std::fmt;
use std::str::FromStr;

use crate::report::Report;

/// A form in which a report can be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// A table for the terminal, at most 100 columns wide.
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
        Ok(match format {
            Format::Table => self.to_table(),
            Format::Json => self.to_json()?,
            Format::Csv => self.to_csv(),
            Format::Markdown => self.to_markdown(),
            Format::Svg => self.to_svg(),
        })
    }

    /// A table for the terminal, at most 100 characters wide.
    ///
    /// Long paths are shortened in the middle with `…`. Figures in the rows are exact unless they
    /// leave the paths no room; the totals below the table are always exact.
    pub fn to_table(&self) -> String {
        table::table(self)
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
    /// complete one.
    pub fn to_csv(&self) -> String {
        csv::csv(self)
    }

    /// The rows and totals as tables for GitHub.
    pub fn to_markdown(&self) -> String {
        markdown::markdown(self)
    }

    /// A picture, 1000 wide: cost above, parameters below, modules in order from left to right.
    pub fn to_svg(&self) -> String {
        svg::svg(self)
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
