//! A grid of cells that is written as aligned text or as a Markdown table.

use super::escape::escape;
use super::text::{one_line, shortened};

/// Spaces between two columns of text.
const GAP: usize = 2;

/// What is left of text where numbers need all the room.
const STUMP: usize = 6;

/// A column's heading and how it is laid out.
#[derive(Debug, Clone)]
pub(crate) struct Column {
    head: String,
    /// Numbers stand to the right.
    right: bool,
    /// The width that the column may be shortened to; rigid without one.
    least: Option<usize>,
}

impl Column {
    /// Text, which may be shortened to `least` characters.
    pub(crate) fn text(head: impl Into<String>, least: usize) -> Self {
        Self {
            head: head.into(),
            right: false,
            least: Some(least),
        }
    }

    /// Numbers, which are not shortened.
    pub(crate) fn number(head: impl Into<String>) -> Self {
        Self {
            head: head.into(),
            right: true,
            least: None,
        }
    }
}

/// Columns, rows and an optional last row that sums them up.
#[derive(Debug, Clone)]
pub(crate) struct Grid {
    pub(crate) columns: Vec<Column>,
    pub(crate) rows: Vec<Vec<String>>,
    pub(crate) total: Option<Vec<String>>,
}

impl Grid {
    /// Whether `width` characters are enough for all numbers, and for text as long as it is or as
    /// its column may be shortened to.
    pub(crate) fn fits(&self, width: usize) -> bool {
        let gaps = GAP * self.columns.len().saturating_sub(1);
        let least = |(column, width): (&Column, usize)| match column.least {
            Some(least) => width.min(least),
            None => width,
        };
        let columns = self.columns.iter().zip(self.widths());
        columns.map(least).sum::<usize>() + gaps <= width
    }

    /// The width of the first column in a text of `width` characters.
    pub(crate) fn first_width(&self, width: usize) -> usize {
        self.fitted(width).first().copied().unwrap_or(0)
    }

    /// Aligned text, no line longer than `width` characters.
    pub(crate) fn to_text(&self, width: usize) -> String {
        let widths = self.fitted(width);
        let rule = widths
            .iter()
            .map(|&width| "─".repeat(width))
            .collect::<Vec<_>>()
            .join(&" ".repeat(GAP));
        let heads: Vec<String> = self.columns.iter().map(|c| c.head.clone()).collect();
        let mut lines = vec![self.line(&heads, &widths), rule.clone()];
        lines.extend(self.rows.iter().map(|row| self.line(row, &widths)));
        if let Some(total) = &self.total {
            lines.push(rule);
            lines.push(self.line(total, &widths));
        }
        lines.join("\n") + "\n"
    }

    /// A table as GitHub reads it, nothing shortened; the total in bold.
    pub(crate) fn to_markdown(&self) -> String {
        let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
        let mut text = line(self.columns.iter().map(|c| escape(&c.head)).collect());
        text += &line(
            self.columns
                .iter()
                .map(|c| if c.right { "---:" } else { "---" }.to_owned())
                .collect(),
        );
        for row in &self.rows {
            text += &line(row.iter().map(|cell| markdown(cell)).collect());
        }
        if let Some(total) = &self.total {
            let bold = |cell: &String| match cell.is_empty() {
                true => String::new(),
                false => format!("**{}**", escape(cell.trim_end())),
            };
            text += &line(total.iter().map(bold).collect());
        }
        text
    }

    fn line(&self, cells: &[String], widths: &[usize]) -> String {
        let cells: Vec<String> = self
            .columns
            .iter()
            .zip(cells)
            .zip(widths)
            .map(|((column, cell), &width)| {
                let cell = shortened(&one_line(cell), width);
                if column.right {
                    format!("{cell:>width$}")
                } else {
                    format!("{cell:<width$}")
                }
            })
            .collect();
        cells.join(&" ".repeat(GAP)).trim_end().to_owned()
    }

    /// The widths that show everything in full.
    fn widths(&self) -> Vec<usize> {
        self.columns
            .iter()
            .enumerate()
            .map(|(index, column)| {
                self.rows
                    .iter()
                    .chain(&self.total)
                    .filter_map(|row| row.get(index))
                    .chain(std::iter::once(&column.head))
                    .map(|cell| cell.chars().count())
                    .max()
                    .unwrap_or(0)
            })
            .collect()
    }

    /// The widths that fit: the widest text column gives way first, down to its least width, then
    /// to [`STUMP`]. Numbers are touched only if text has nothing left to give.
    fn fitted(&self, width: usize) -> Vec<usize> {
        let mut widths = self.widths();
        let gaps = GAP * widths.len().saturating_sub(1);
        let stages: [fn(&Column) -> Option<usize>; 3] = [
            |column| column.least,
            |column| column.least.map(|least| least.min(STUMP)),
            |_| Some(1),
        ];
        for least in stages {
            while widths.iter().sum::<usize>() + gaps > width {
                let widest = self
                    .columns
                    .iter()
                    .zip(&mut widths)
                    .filter(|(column, width)| least(column).is_some_and(|least| **width > least))
                    .map(|(_, width)| width)
                    .max();
                match widest {
                    Some(widest) => *widest -= 1,
                    None => break,
                }
            }
        }
        widths
    }
}

/// A cell of Markdown. Spaces at its beginning, which indent a name, would be cut off otherwise.
fn markdown(cell: &str) -> String {
    let cell = cell.trim_end();
    let text = cell.trim_start_matches(' ');
    "&nbsp;".repeat(cell.len() - text.len()) + &escape(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid(name: &str, number: &str) -> Grid {
        Grid {
            columns: vec![Column::text("name", 4), Column::number("number")],
            rows: vec![vec![name.to_owned(), number.to_owned()]],
            total: Some(vec!["total".to_owned(), number.to_owned()]),
        }
    }

    #[test]
    fn text_gives_way_to_numbers() {
        let text = grid("a.very.long.path", "123,456").to_text(16);
        assert!(text.contains("a.v…ath  123,456"), "{text}");
    }

    #[test]
    fn no_line_is_too_long_even_without_room() {
        let text = grid("a.very.long.path", &"9".repeat(50)).to_text(20);
        assert!(text.lines().all(|l| l.chars().count() <= 20), "{text}");
    }

    #[test]
    fn markdown_keeps_indentation() {
        assert_eq!(
            markdown("    a <b> "),
            "&nbsp;&nbsp;&nbsp;&nbsp;a &lt;b&gt;"
        );
        assert_eq!(markdown(""), "");
    }

    #[test]
    fn markdown_escapes_cells() {
        let text = grid("a|b", "1").to_markdown();
        assert!(text.contains("| a\\|b | 1 |"), "{text}");
        assert!(text.contains("| **total** | **1** |"), "{text}");
    }
}
