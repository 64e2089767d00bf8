//! The module tree of a report's rows.

use super::figures::{Figures, owns};
use crate::report::{Report, Row};

/// A module and where it stands.
#[derive(Debug)]
struct Node<'a> {
    row: &'a Row,
    /// Its path below the module that holds it.
    label: &'a str,
    /// Those that are shown.
    children: Vec<usize>,
    /// Behind the last module within it.
    end: usize,
    /// Whether it, or a module within it, has something to show.
    shown: bool,
    /// Its own share and all below it.
    sum: Figures,
}

/// All modules, each before those within it.
#[derive(Debug)]
pub(crate) struct Tree<'a> {
    nodes: Vec<Node<'a>>,
    top: Vec<usize>,
}

/// Siblings that stand in one line: the first of them, how many, and a name for all.
#[derive(Debug, Clone)]
pub(crate) struct Group {
    pub(crate) node: usize,
    pub(crate) count: usize,
    pub(crate) label: String,
}

impl<'a> Tree<'a> {
    /// The tree of a report. Rows that are in no order, or without the modules that hold them,
    /// are not lost: they keep more of their path.
    pub(crate) fn new(report: &'a Report) -> Self {
        let mut nodes: Vec<Node<'a>> = Vec::with_capacity(report.rows.len());
        let mut parents: Vec<Option<usize>> = Vec::with_capacity(report.rows.len());
        let mut open: Vec<usize> = Vec::new();
        for (index, row) in report.rows.iter().enumerate() {
            let label = loop {
                let Some(&holder) = open.last() else {
                    break row.path.as_str();
                };
                if let Some(label) = below(&row.path, &nodes[holder].row.path) {
                    break label;
                }
                nodes[holder].end = index;
                open.pop();
            };
            parents.push(open.last().copied());
            open.push(index);
            nodes.push(Node {
                row,
                label,
                children: Vec::new(),
                end: report.rows.len(),
                shown: !row.is_empty() || owns(row),
                sum: Figures::own(row),
            });
        }
        let mut top = Vec::new();
        // A module stands behind the one that holds it, so from the end all are complete.
        for index in (0..nodes.len()).rev() {
            let node = &mut nodes[index];
            node.children.reverse();
            let (shown, sum) = (node.shown, node.sum);
            if !shown {
                continue;
            }
            match parents[index] {
                None => top.push(index),
                Some(parent) => {
                    let parent = &mut nodes[parent];
                    parent.shown = true;
                    parent.sum += sum;
                    parent.children.push(index);
                }
            }
        }
        top.reverse();
        Self { nodes, top }
    }

    /// The modules that nothing holds: the root, in a report of an analysis.
    pub(crate) fn top(&self) -> &[usize] {
        &self.top
    }

    pub(crate) fn row(&self, node: usize) -> &'a Row {
        self.nodes[node].row
    }

    pub(crate) fn sum(&self, node: usize) -> Figures {
        self.nodes[node].sum
    }

    pub(crate) fn children(&self, node: usize) -> &[usize] {
        &self.nodes[node].children
    }

    /// Siblings by groups: a run of equal ones whose names count on, such as `0`, `1`, `2` or
    /// `conv1`, `conv2`, is one. With `all`, every one stands alone.
    pub(crate) fn groups(&self, siblings: &[usize], all: bool) -> Vec<Group> {
        let mut groups: Vec<Group> = Vec::new();
        // The run's stem and first number, if its names count.
        let mut run: Option<(&str, u64)> = None;
        for &node in siblings {
            let label = self.nodes[node].label;
            if !all
                && let (Some(group), Some((stem, first))) = (groups.last_mut(), run)
                && let Some(next) = first.checked_add(group.count as u64)
                && numbered(label) == Some((stem, next))
                && self.equal(group.node, node)
            {
                group.count += 1;
                group.label = format!("{stem}{first}–{next}");
                continue;
            }
            run = numbered(label);
            groups.push(Group {
                node,
                count: 1,
                label: label.to_owned(),
            });
        }
        groups
    }

    /// Whether two modules, and all within them, are the same but for their paths.
    fn equal(&self, a: usize, b: usize) -> bool {
        let length = self.nodes[a].end - a;
        if self.nodes[b].end - b != length {
            return false;
        }
        let relative = |node: usize, root: usize| {
            let start = self.nodes[root].row.path.len();
            self.nodes[node].row.path.get(start..)
        };
        (0..length).all(|offset| {
            let (x, y) = (a + offset, b + offset);
            relative(x, a) == relative(y, b) && same(self.nodes[x].row, self.nodes[y].row)
        })
    }
}

/// Whether two rows say the same but for their paths.
fn same(a: &Row, b: &Row) -> bool {
    let Row {
        path: _,
        module,
        depth,
        calls,
        inputs,
        outputs,
        operations,
        parameters,
        cost,
        backward_cost,
        training_cost,
        update,
        work,
        activation_bytes,
        bound,
    } = a;
    (module, depth, calls) == (&b.module, &b.depth, &b.calls)
        && (inputs, outputs) == (&b.inputs, &b.outputs)
        && (operations, parameters) == (&b.operations, &b.parameters)
        && (cost, backward_cost, bound) == (&b.cost, &b.backward_cost, &b.bound)
        && (training_cost, update) == (&b.training_cost, &b.update)
        && (work, activation_bytes) == (&b.work, &b.activation_bytes)
}

/// The path below `holder`; `None` if it is not within it.
fn below<'a>(path: &'a str, holder: &str) -> Option<&'a str> {
    if holder.is_empty() {
        return (!path.is_empty()).then_some(path);
    }
    path.strip_prefix(holder)?.strip_prefix('.')
}

/// A name that ends in a number without leading zeros: what stands before it, and the number.
fn numbered(label: &str) -> Option<(&str, u64)> {
    let stem = label.trim_end_matches(|c: char| c.is_ascii_digit());
    let digits = label.get(stem.len()..)?;
    if digits.len() > 1 && digits.starts_with('0') {
        return None;
    }
    Some((stem, digits.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::sample;

    #[test]
    fn names_that_count() {
        assert_eq!(numbered("12"), Some(("", 12)));
        assert_eq!(numbered("conv0"), Some(("conv", 0)));
        for name in ["conv", "", "01", "a.007", "99999999999999999999"] {
            assert_eq!(numbered(name), None, "{name}");
        }
    }

    #[test]
    fn paths_are_cut_at_dots() {
        assert_eq!(below("a.b.c", "a"), Some("b.c"));
        assert_eq!(below("a", ""), Some("a"));
        for (path, holder) in [("ab", "a"), ("a", "a"), ("", "")] {
            assert_eq!(below(path, holder), None);
        }
    }

    #[test]
    fn only_neighbours_that_are_equal_make_a_group() {
        let labels = |report: &Report, all| -> Vec<String> {
            let tree = Tree::new(report);
            let children = tree.children(tree.top()[0]);
            let groups = tree.groups(children, all);
            groups.into_iter().map(|group| group.label).collect()
        };
        let mut report = sample::equal(5);
        assert_eq!(labels(&report, false), ["layers", "head"]);
        let tree = Tree::new(&report);
        let layers = tree.children(tree.top()[0])[0];
        let groups = tree.groups(tree.children(layers), false);
        assert_eq!((groups.len(), groups[0].count), (1, 5));
        assert_eq!(groups[0].label, "0–4");
        assert_eq!(tree.groups(tree.children(layers), true).len(), 5);
        // One figure deep within the third makes it another.
        let deep = report.rows.iter_mut().find(|r| r.path == "layers.2.conv");
        deep.unwrap().work.read += 1;
        let tree = Tree::new(&report);
        let groups = tree.groups(tree.children(layers), false);
        let names: Vec<&str> = groups.iter().map(|g| g.label.as_str()).collect();
        assert_eq!(names, ["0–1", "2", "3–4"]);
    }

    #[test]
    fn rows_without_order_are_not_lost() {
        let mut report = sample::equal(3);
        report.rows.reverse();
        let tree = Tree::new(&report);
        let mut sum = Figures::default();
        for &node in tree.top() {
            sum += tree.sum(node);
        }
        assert_eq!(sum, Figures::total(&report));
    }
}
