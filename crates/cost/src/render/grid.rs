//! A grid of cells that is written as aligned text or as a Markdown table.

use super::escape::escape;
use super::text::{one_line, shortened};

/// Spaces between two columns of text.
const GAP: usize = 2;

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
    /// The characters that the rigid columns leave to the others.
    pub(crate) fn room(&self, width: usize) -> usize {
        let gaps = GAP * self.columns.len().saturating_sub(1);
        let rigid: usize = self
            .columns
            .iter()
            .zip(self.widths())
            .filter(|(column, _)| column.least.is_none())
            .map(|(_, width)| width)
            .sum();
        width.saturating_sub(gaps + rigid)
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
            text += &line(row.iter().map(|cell| escape(cell)).collect());
        }
        if let Some(total) = &self.total {
            let bold = |cell: &String| match cell.is_empty() {
                true => String::new(),
                false => format!("**{}**", escape(cell)),
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

    /// The widths that fit: the widest text column gives way first. Rigid columns are touched
    /// only if the text columns have nothing left to give.
    fn fitted(&self, width: usize) -> Vec<usize> {
        let mut widths = self.widths();
        let gaps = GAP * widths.len().saturating_sub(1);
        while widths.iter().sum::<usize>() + gaps > width {
            let widest = |rigid: bool| {
                self.columns
                    .iter()
                    .zip(&widths)
                    .enumerate()
                    .filter(|(_, (column, width))| {
                        let least = column.least.or(rigid.then_some(1));
                        least.is_some_and(|least| **width > least)
                    })
                    .max_by_key(|(_, (_, width))| **width)
                    .map(|(index, _)| index)
            };
            let Some(index) = widest(false).or_else(|| widest(true)) else {
                break;
            };
            if let Some(width) = widths.get_mut(index) {
                *width -= 1;
            }
        }
        widths
    }
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
    fn markdown_escapes_cells() {
        let text = grid("a|b", "1").to_markdown();
        assert!(text.contains("| a\\|b | 1 |"), "{text}");
        assert!(text.contains("| **total** | **1** |"), "{text}");
    }
}
