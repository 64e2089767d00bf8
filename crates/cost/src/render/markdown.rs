//! The report as Markdown for GitHub.

use super::escape::escape;
use super::rows::grid;
use super::totals::{Section, head, kinds, sections, uncounted};
use super::units::grouped;
use crate::report::Report;

pub(super) fn markdown(report: &Report) -> String {
    let mut text = format!("## {}\n\n", escape(&report.model));
    for (label, value) in head(report).iter().skip(1) {
        text += &format!("- {label}: {}\n", escape(value));
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
    text += &grid(report, grouped).to_markdown();
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
    fn rows_totals_and_the_warning_are_there() {
        let text = sample::report().to_markdown();
        assert!(text.starts_with("## tiny\\|net\n"), "{text}");
        assert!(text.contains("> **Warning:** 2 operations"), "{text}");
        assert!(text.contains("| **total** |"), "{text}");
        assert!(text.contains("| training step | |"), "{text}");
    }
}
