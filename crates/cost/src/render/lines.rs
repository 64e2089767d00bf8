//! The lines of a table: the module tree by indentation, equal siblings in one line.

use super::figures::{Figures, owns};
use super::tree::{Group, Tree};
use crate::report::Report;

/// The name of a line for what a module does itself, beside the modules in it.
const ITSELF: &str = "(itself)";

/// The root has a name only here.
const ROOT: &str = "(root)";

/// One line. The figures of the lines that hold none add up to the report's total.
#[derive(Debug, Clone)]
pub(crate) struct Line<'a> {
    /// How deep it stands in the tree; 0 for what the root holds.
    pub(crate) level: usize,
    /// Its path below the line that holds it, such as `layers.0–11 ×12`.
    pub(crate) label: String,
    /// Its whole path.
    pub(crate) path: String,
    /// The module's type; empty in a line of its own share.
    pub(crate) module: &'a str,
    /// How often all modules of the line are called.
    pub(crate) calls: u128,
    /// The shapes that each of them puts out.
    pub(crate) outputs: &'a [Vec<usize>],
    /// Of all modules of the line, and of all that they hold.
    pub(crate) figures: Figures,
    /// Whether the lines below it add up to its figures.
    pub(crate) holds: bool,
    /// How many siblings it stands for.
    pub(crate) count: usize,
    /// How many modules it stands for: those of all that the lines above stand for.
    pub(crate) modules: u128,
    /// Siblings have the same.
    pub(crate) siblings: usize,
}

/// What is still to be written.
struct Pending {
    group: Group,
    level: usize,
    /// How many modules the lines above stand for.
    times: u128,
    /// The path of the line above.
    path: String,
    siblings: usize,
}

/// The lines of a report. Modules without anything to show are left out; a module that only holds
/// another stands in one line with it.
pub(crate) fn lines(report: &Report, all: bool) -> Vec<Line<'_>> {
    let tree = Tree::new(report);
    let mut lines = Vec::new();
    let mut pending: Vec<Pending> = Vec::new();
    let mut top = Vec::new();
    for &node in tree.top() {
        let row = tree.row(node);
        if !row.path.is_empty() {
            top.push(node);
            continue;
        }
        // The total stands for the root, so only its own share needs a line.
        let children = tree.children(node);
        if owns(row) || children.is_empty() {
            lines.push(Line {
                level: 0,
                label: ROOT.to_owned(),
                path: ROOT.to_owned(),
                module: &row.module,
                calls: row.calls,
                outputs: &row.outputs,
                figures: Figures::own(row),
                holds: false,
                count: 1,
                modules: 1,
                siblings: 0,
            });
        }
        top.extend(children);
    }
    push(&mut pending, tree.groups(&top, all), 0, 1, "", 0);
    let mut siblings = 0;
    while let Some(next) = pending.pop() {
        let Group {
            mut node,
            mut count,
            mut label,
        } = next.group;
        let mut groups = tree.groups(tree.children(node), all);
        while !owns(tree.row(node))
            && let [only] = groups.as_slice()
        {
            label = format!("{label}.{}", only.label);
            count = count.saturating_mul(only.count);
            node = only.node;
            groups = tree.groups(tree.children(node), all);
        }
        let row = tree.row(node);
        let times = next.times.saturating_mul(count as u128);
        let path = match next.path.as_str() {
            "" => label.clone(),
            above => format!("{above}.{label}"),
        };
        if count > 1 {
            label = format!("{label} ×{count}");
        }
        lines.push(Line {
            level: next.level,
            label,
            path: path.clone(),
            module: &row.module,
            calls: row.calls.saturating_mul(times),
            outputs: &row.outputs,
            figures: tree.sum(node).times(times),
            holds: !groups.is_empty(),
            count,
            modules: times,
            siblings: next.siblings,
        });
        if groups.is_empty() {
            continue;
        }
        siblings += 1;
        let level = next.level + 1;
        if owns(row) {
            lines.push(Line {
                level,
                label: ITSELF.to_owned(),
                path: format!("{path} {ITSELF}"),
                module: "",
                calls: 0,
                outputs: &[],
                figures: Figures::own(row).times(times),
                holds: false,
                count: 1,
                modules: times,
                siblings,
            });
        }
        push(&mut pending, groups, level, times, &path, siblings);
    }
    lines
}

/// The first group is to be taken next.
fn push(
    pending: &mut Vec<Pending>,
    groups: Vec<Group>,
    level: usize,
    times: u128,
    path: &str,
    siblings: usize,
) {
    pending.extend(groups.into_iter().rev().map(|group| Pending {
        group,
        level,
        times,
        path: path.to_owned(),
        siblings,
    }));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bounds::Peaks;
    use crate::render::sample;

    fn labels(report: &Report, all: bool) -> Vec<String> {
        let indented = |line: &Line| format!("{}{}", "  ".repeat(line.level), line.label);
        lines(report, all).iter().map(indented).collect()
    }

    /// The lines that hold none, summed up.
    fn sum(lines: &[Line]) -> Figures {
        let mut sum = Figures::default();
        for line in lines.iter().filter(|line| !line.holds) {
            sum += line.figures;
        }
        sum
    }

    #[test]
    fn a_tree_with_equal_siblings_in_one_line() {
        let report = sample::equal(12);
        assert_eq!(
            labels(&report, false),
            [
                "(root)",
                "layers.0–11 ×12",
                "  (itself)",
                "  conv",
                "  norm",
                "head"
            ]
        );
        assert_eq!(labels(&report, true).len(), 1 + 1 + 12 * 4 + 1);
        let lines = lines(&report, false);
        assert_eq!((lines[1].calls, lines[1].count), (12, 12));
        assert_eq!(lines[3].path, "layers.0–11.conv");
        assert_eq!(lines[3].figures.parameters, 12 * 448);
    }

    #[test]
    fn whatever_is_folded_the_lines_add_up() {
        let mut reports = vec![sample::report(), sample::deep(30), sample::alike(9)];
        reports.extend((0..6).map(sample::equal));
        for report in reports {
            for depth in 0..5 {
                let report = report.folded(depth);
                let expected = Figures::total(&report);
                for all in [false, true] {
                    assert_eq!(sum(&lines(&report, all)), expected, "{depth} {all}");
                }
            }
        }
    }

    #[test]
    fn each_line_is_the_sum_of_those_right_below_it() {
        for all in [false, true] {
            let report = sample::equal(4);
            let lines = lines(&report, all);
            for (index, line) in lines.iter().enumerate().filter(|(_, line)| line.holds) {
                let mut sum = Figures::default();
                let below = lines[index + 1..].iter();
                for line in below
                    .take_while(|below| below.level > line.level)
                    .filter(|below| below.level == line.level + 1)
                {
                    sum += line.figures;
                }
                assert_eq!(sum, line.figures, "{}", line.path);
            }
        }
    }

    #[test]
    fn bounds_add_up_too() {
        let report = sample::equal(3).with_bounds(Peaks {
            flops_per_second: 1e9,
            bytes_per_second: 1e9,
        });
        let expected = report.bounds.unwrap().sum.seconds();
        for all in [false, true] {
            let found = sum(&lines(&report, all)).bound.seconds();
            assert!((found / expected - 1.0).abs() < 1e-9, "{found} {expected}");
        }
    }

    #[test]
    fn modules_with_nothing_to_show_are_left_out() {
        let mut report = sample::equal(2);
        for row in &mut report.rows {
            if row.path.starts_with("layers") {
                *row = crate::report::Row {
                    path: row.path.clone(),
                    ..Default::default()
                };
            }
        }
        assert_eq!(labels(&report, false), ["(root)", "head"]);
        report.rows.clear();
        assert!(lines(&report, false).is_empty());
    }

    #[test]
    fn a_deep_tree_needs_no_stack() {
        let mut report = sample::equal(1);
        let row = report.rows[3].clone();
        let mut path = String::new();
        report.rows.truncate(1);
        for _ in 0..3000 {
            path = below(&path);
            report.rows.push(crate::report::Row {
                path: path.clone(),
                ..row.clone()
            });
        }
        // Each has a line of its own and one for what it does itself, but the last.
        assert_eq!(lines(&report, false).len(), 1 + 2 * 3000 - 1);
    }

    fn below(path: &str) -> String {
        match path {
            "" => "a".to_owned(),
            path => format!("{path}.a"),
        }
    }
}
