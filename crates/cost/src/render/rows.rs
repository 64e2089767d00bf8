//! The lines as a grid: which columns it has, and how figures are written in them.

use super::figures::Figures;
use super::grid::{Column, Grid};
use super::lines::Line;
use super::names::distinct;
use super::shapes::first_shape;
use super::units::{bytes, percent, seconds};
use crate::report::Report;

/// A column of the rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Module,
    Type,
    Calls,
    Output,
    Parameters,
    Forward,
    Backward,
    Update,
    Percent,
    LeastTime,
    Bound,
    Activations,
}

impl Part {
    /// The columns of a report: those of training and of bounds only if it has them.
    pub(crate) fn of(report: &Report) -> Vec<Self> {
        let all = [
            Self::Module,
            Self::Type,
            Self::Calls,
            Self::Output,
            Self::Parameters,
            Self::Forward,
            Self::Backward,
            Self::Update,
            Self::Percent,
            Self::LeastTime,
            Self::Bound,
            Self::Activations,
        ];
        all.into_iter()
            .filter(|part| match part {
                Self::Backward | Self::Update => report.training.is_some(),
                Self::LeastTime | Self::Bound => report.bounds.is_some(),
                _ => true,
            })
            .collect()
    }

    /// What a narrow table leaves out, the first first.
    pub(crate) const SPARE: [Self; 9] = [
        Self::Output,
        Self::Percent,
        Self::Type,
        Self::Calls,
        Self::Update,
        Self::Activations,
        Self::Bound,
        Self::Backward,
        Self::Parameters,
    ];

    pub(crate) fn head(self, report: &Report) -> String {
        let unit = &report.convention.unit;
        match self {
            Self::Module => "module".to_owned(),
            Self::Type => "type".to_owned(),
            Self::Calls => "calls".to_owned(),
            Self::Output => "output".to_owned(),
            Self::Parameters => "parameters".to_owned(),
            Self::Forward => format!("forward ({unit})"),
            Self::Backward => format!("backward ({unit})"),
            Self::Update => "update (FLOP)".to_owned(),
            Self::Percent => "%".to_owned(),
            Self::LeastTime => "least time".to_owned(),
            Self::Bound => "bound by".to_owned(),
            Self::Activations => "activations".to_owned(),
        }
    }

    fn column(self, report: &Report) -> Column {
        let head = self.head(report);
        match self {
            Self::Module => Column::text(head, 20),
            Self::Type => Column::text(head, 10),
            Self::Output => Column::text(head, 16),
            Self::Bound => Column::text(head, 10),
            _ => Column::number(head),
        }
    }

    /// Whether its cells add up from line to line.
    fn adds_up(self) -> bool {
        match self {
            Self::Parameters
            | Self::Forward
            | Self::Backward
            | Self::Update
            | Self::Percent
            | Self::LeastTime
            | Self::Activations => true,
            Self::Module | Self::Type | Self::Calls | Self::Output | Self::Bound => false,
        }
    }
}

/// Which columns there are, and how parameters and costs are written.
#[derive(Debug, Clone)]
pub(crate) struct Style {
    pub(crate) parts: Vec<Part>,
    pub(crate) parameters: fn(u128) -> String,
    pub(crate) cost: fn(u128) -> String,
}

impl Style {
    /// A figure; nothing where it does not stand in this column.
    fn figure(&self, part: Part, report: &Report, figures: &Figures) -> String {
        match part {
            Part::Parameters => (self.parameters)(figures.parameters),
            Part::Forward => (self.cost)(figures.cost),
            Part::Backward => (self.cost)(figures.backward_cost),
            Part::Update => (self.cost)(figures.update),
            Part::Percent => percent(report.percent(figures.cost)),
            Part::LeastTime => seconds(figures.bound.seconds()),
            Part::Bound => figures
                .bound
                .roof()
                .map_or(String::new(), |roof| roof.name().to_owned()),
            Part::Activations => bytes(figures.activation_bytes),
            Part::Module | Part::Type | Part::Calls | Part::Output => String::new(),
        }
    }
}

/// The lines and their total. A figure in parentheses is the sum of the lines below it.
pub(crate) fn grid(report: &Report, lines: &[Line<'_>], style: &Style) -> Grid {
    let sums = lines.iter().any(|line| line.holds);
    let cell = |part: Part, line: &Line| match part {
        Part::Module => indented(line.level, 2, &line.label),
        Part::Type => line.module.to_owned(),
        Part::Calls if line.calls == 0 => String::new(),
        Part::Calls => (style.parameters)(line.calls),
        Part::Output => first_shape(line.outputs),
        part if !part.adds_up() => style.figure(part, report, &line.figures),
        part => {
            let figure = style.figure(part, report, &line.figures);
            match (line.holds, sums) {
                (true, _) => format!("({figure})"),
                // Digits stand below digits.
                (false, true) => format!("{figure} "),
                (false, false) => figure,
            }
        }
    };
    let total = Figures::total(report);
    let last = |part: Part| match part {
        Part::Module => "total".to_owned(),
        part if sums && part.adds_up() => style.figure(part, report, &total) + " ",
        part => style.figure(part, report, &total),
    };
    Grid {
        columns: style.parts.iter().map(|part| part.column(report)).collect(),
        rows: lines
            .iter()
            .map(|line| style.parts.iter().map(|&part| cell(part, line)).collect())
            .collect(),
        total: Some(style.parts.iter().map(|&part| last(part)).collect()),
    }
}

/// What a name keeps at least, however deep it stands.
const NAME: usize = 10;

/// Names in at most `width` characters with what tells siblings apart, indented less where the
/// tree is too deep for it.
pub(crate) fn names(lines: &[Line<'_>], width: usize) -> Vec<String> {
    let deepest = lines.iter().map(|line| line.level).max().unwrap_or(0);
    let natural = |line: &Line| 2 * line.level + line.label.chars().count();
    let fits = lines.iter().all(|line| natural(line) <= width);
    let step = if fits || NAME + 2 * deepest <= width {
        2
    } else {
        1
    };
    let mut names = vec![String::new(); lines.len()];
    let mut order: Vec<usize> = (0..lines.len()).collect();
    order.sort_by_key(|&index| lines[index].siblings);
    for siblings in order.chunk_by(|&a, &b| lines[a].siblings == lines[b].siblings) {
        let labels: Vec<&str> = siblings.iter().map(|&i| lines[i].label.as_str()).collect();
        let longest = labels.iter().map(|label| label.chars().count()).max();
        let room = width.saturating_sub(longest.unwrap_or(0).min(NAME));
        let indent = (lines[siblings[0]].level * step).min(room);
        let short = distinct(&labels, width.saturating_sub(indent));
        for (&index, label) in siblings.iter().zip(&short) {
            names[index] = indented(indent, 1, label);
        }
    }
    names
}

fn indented(level: usize, step: usize, label: &str) -> String {
    format!("{}{label}", " ".repeat(level * step))
}

/// What the marks in the rows mean; nothing where there are none.
pub(crate) fn key(lines: &[Line<'_>]) -> Vec<String> {
    let mut key = Vec::new();
    if lines.iter().any(|line| line.holds) {
        key.push("(figures) are the sum of the lines below".to_owned());
    }
    if let Some(line) = lines.iter().find(|line| line.count > 1) {
        let count = line.count;
        key.push(format!(
            "×{count} is {count} equal siblings, with their sum"
        ));
    }
    key
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::lines::lines;
    use crate::render::sample;

    #[test]
    fn names_are_indented_as_far_as_there_is_room() {
        let report = sample::equal(2);
        let lines = lines(&report, true);
        let all = [
            "(root)",
            "layers",
            "  0",
            "    (itself)",
            "    conv",
            "    norm",
        ];
        assert_eq!(names(&lines, 12)[..6], all);
        assert_eq!(names(&lines, 11)[2..5], [" 0", "  (itself)", "  conv"]);
        assert_eq!(names(&lines, 8)[2..6], [" 0", "(itself)", "conv", "norm"]);
    }
}
