//! The report as Markdown for GitHub.

use super::escape::escape;
use super::layout::Layout;
use super::lines::lines;
use super::rows::{Part, Style, grid, key};
use super::totals::{Section, head, kinds, sections, uncounted};
use super::units::grouped;
use crate::report::Report;

pub(super) fn markdown(report: &Report, layout: &Layout) -> String {
    let lines = lines(report, layout.all);
    let mut text = format!("## {}\n\n", escape(&report.model));
    for (label, value) in head(report).iter().skip(1) {
        text += &format!("- {label}: {}\n", escape(value));
    }
    let key = key(&lines);
    if !key.is_empty() {
        text += &format!("- rows: {}\n", escape(&key.join("; ")));
    }
    // The warning comes first: the reader of a long page may not reach its end.
    if let Some(section) = uncounted(report) {
        text += &format!("\n> **Warning:** {}\n>\n", escape(&section.title));
        for (label, value) in &section.lines {
            text += &format!("> - {}: {}\n", escape(label), escape(value));
        }
    }
    for note in &report.notes {
        text += &format!("\n> **Note:** {}\n", escape(note));
    }
    text.push('\n');
    let style = Style {
        parts: Part::of(report),
        parameters: grouped,
        cost: grouped,
    };
    text += &grid(report, &lines, &style).to_markdown();
    for section in sections(report) {
        text += &totals(&section);
    }
    if !report.by_kind.is_empty() {
        text.push('\n');
        text += &kinds(report).to_markdown();
    }
    text
}

fn totals(section: &Section) -> String {
    let mut text = format!("\n| {} | |\n| --- | --- |\n", escape(&section.title));
    for (label, value) in &section.lines {
        text += &format!("| {} | {} |\n", escape(label), escape(value));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::sample;

    #[test]
    fn marks_are_escaped() {
        assert_eq!(escape("a|b<c>*\n"), "a\\|b&lt;c&gt;\\* ");
    }

    #[test]
    fn every_table_line_has_the_columns_of_its_table() {
        let text = sample::report().to_markdown();
        let mut columns = None;
        for line in text.lines() {
            if !line.starts_with('|') {
                columns = None;
                continue;
            }
            let found = line.replace("\\|", "").matches('|').count();
            assert_eq!(*columns.get_or_insert(found), found, "{line}");
        }
    }

    #[test]
    fn the_tree_is_indented_by_what_stays() {
        let text = sample::equal(3).to_markdown();
        assert!(text.contains("\n| layers.0–2 ×3 | Block | "), "{text}");
        assert!(text.contains("\n| &nbsp;&nbsp;conv | Conv2d | "), "{text}");
        assert!(text.contains("\n- rows: (figures) are the sum"), "{text}");
        let all = sample::equal(3).to_markdown_with(&Layout::default().with_all(true));
        assert!(all.contains("\n| &nbsp;&nbsp;2 | Block | "), "{all}");
    }

    #[test]
    fn rows_totals_and_the_warning_are_there() {
        let text = sample::report().to_markdown();
        assert!(text.starts_with("## tiny\\|net\n"), "{text}");
        assert!(text.contains("> **Warning:** 2 operations"), "{text}");
        assert!(text.contains("| **total** |"), "{text}");
        assert!(text.contains("| training step | |"), "{text}");
    }
}
