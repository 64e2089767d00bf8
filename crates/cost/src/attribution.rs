//! Ties operations to modules.
//!
//! An operation that reads a module's parameters belongs to that module: the tensors are the
//! same. What reads no parameters is placed between its neighbours that do:
//!
//! 1. in a module without parameters that makes such operations, the next one in the order of the
//!    tree if there is one, else (a module that is called again) one that is there already;
//! 2. in a normalisation that computes its statistics before it reads its scale;
//! 3. else in the innermost module that holds the operations before and after it.
//!
//! Nothing is lost in any case: each operation is in one row.

use crate::kind::Kind;
use crate::layers::{LONGEST, call_length, is_one_operation, opens};
use crate::record::{Operation, Record};
use crate::tree::Tree;

/// Sets [`Operation::node`] of every operation, and tells linear layers from other products.
pub(crate) fn attribute(record: &mut Record) {
    let anchors = anchors(record);
    let trunk = trunk(&record.tree, &anchors);
    let candidates = candidates(&record.tree);
    let next = next_anchors(&anchors);

    let names: Vec<_> = record.operations.iter().map(|o| o.name.as_str()).collect();
    let mut placed: Vec<Option<usize>> = Vec::with_capacity(anchors.len());
    let mut before = None;
    let mut cursor = 0;
    while placed.len() < anchors.len() {
        let index = placed.len();
        if let Some(node) = anchors[index] {
            before = Some(node);
            cursor = node;
            placed.push(Some(node));
            continue;
        }
        let end = next[index].unwrap_or(anchors.len()).min(index + LONGEST);
        let place = Place {
            tree: &record.tree,
            candidates: &candidates,
            before,
            after: next[index].and_then(|at| anchors[at]),
            cursor,
        };
        match place.module(&names[index..end]) {
            Some((node, length)) => {
                cursor = node;
                placed.extend(std::iter::repeat_n(Some(node), length));
            }
            None => placed.push(None),
        }
    }
    let mut placed = enclose(&record.tree, &placed, trunk);
    statistics(record, &anchors, &mut placed);
    for (operation, node) in record.operations.iter_mut().zip(placed) {
        operation.node = node;
    }
    name_linears(record);
}

/// The module of the parameters that each operation reads.
fn anchors(record: &Record) -> Vec<Option<usize>> {
    let owner = |operation: &Operation| {
        operation
            .inputs
            .iter()
            .filter_map(|&input| record.tensors[input].owner)
            .reduce(|a, b| record.tree.common(a, b))
    };
    record.operations.iter().map(owner).collect()
}

/// For each operation, the next one with an anchor.
fn next_anchors(anchors: &[Option<usize>]) -> Vec<Option<usize>> {
    let mut next = vec![None; anchors.len()];
    let mut seen = None;
    for index in (0..anchors.len()).rev() {
        next[index] = seen;
        if anchors[index].is_some() {
            seen = Some(index);
        }
    }
    next
}

/// The innermost module that holds all parameters that are used.
fn trunk(tree: &Tree, anchors: &[Option<usize>]) -> usize {
    anchors
        .iter()
        .flatten()
        .copied()
        .reduce(|a, b| tree.common(a, b))
        .map_or(0, |node| match tree.nodes[node].children.is_empty() {
            true => tree.nodes[node].parent.unwrap_or(0),
            false => node,
        })
}

/// A module without parameters, and the innermost module with parameters that holds it: the one
/// whose forward pass may call it.
struct Candidate {
    node: usize,
    caller: usize,
}

fn candidates(tree: &Tree) -> Vec<Candidate> {
    (1..tree.nodes.len())
        .filter(|&node| {
            let module = &tree.nodes[node];
            !module.has_parameters && !module.hidden && !module.module.is_empty()
        })
        .map(|node| Candidate {
            node,
            caller: tree
                .ancestors(node)
                .find(|&above| tree.nodes[above].has_parameters)
                .unwrap_or(0),
        })
        .collect()
}

/// Where an operation without parameters stands.
struct Place<'a> {
    tree: &'a Tree,
    candidates: &'a [Candidate],
    /// The module of the last operation before it, and of the first one after it, that read
    /// parameters.
    before: Option<usize>,
    after: Option<usize>,
    /// The module of the operation right before it.
    cursor: usize,
}

impl Place<'_> {
    /// The module without parameters that makes the next operations, and how many of them.
    fn module(&self, names: &[&str]) -> Option<(usize, usize)> {
        // Candidates are in the order of the tree, so the ones after the cursor are a tail.
        let start = self.candidates.partition_point(|c| c.node <= self.cursor);
        let end = match self.after {
            Some(after) if after > self.cursor => {
                self.candidates.partition_point(|c| c.node < after)
            }
            _ => self.candidates.len(),
        };
        let next = self.candidates[start..end.max(start)]
            .iter()
            .filter(|candidate| self.callable(candidate))
            .find_map(|candidate| self.call(candidate.node, names));
        next.or_else(|| self.called_again(names))
    }

    fn call(&self, node: usize, names: &[&str]) -> Option<(usize, usize)> {
        match call_length(&self.tree.nodes[node].module, names) {
            0 => None,
            length => Some((node, length)),
        }
    }

    /// The module that is closest to the neighbours among those that their holders may call.
    fn called_again(&self, names: &[&str]) -> Option<(usize, usize)> {
        let near = [self.before, self.after].into_iter().flatten();
        near.flat_map(|near| self.tree.ancestors(near))
            .find_map(|above| {
                let held = self.tree.nodes[above].children.iter();
                held.filter(|&&child| {
                    let node = &self.tree.nodes[child];
                    !node.has_parameters && !node.hidden
                })
                .filter_map(|&child| self.call(child, names))
                .min_by_key(|(child, _)| child.abs_diff(self.cursor))
            })
    }

    /// Whether the forward pass of a module around the neighbours calls the candidate.
    fn callable(&self, candidate: &Candidate) -> bool {
        let around = |node: Option<usize>| {
            node.is_some_and(|node| {
                self.tree
                    .ancestors(node)
                    .any(|above| above == candidate.caller)
            })
        };
        match (self.before, self.after) {
            (None, None) => true,
            (before, after) => around(before) || around(after),
        }
    }
}

/// Puts what found no module into the innermost one that holds both of its neighbours.
fn enclose(tree: &Tree, placed: &[Option<usize>], trunk: usize) -> Vec<usize> {
    let next = next_anchors(placed);
    let mut before = None;
    let enclosing = placed.iter().zip(&next).map(|(place, &next)| {
        if let Some(node) = *place {
            before = Some(node);
            return node;
        }
        match (before, next.and_then(|at| placed[at])) {
            (Some(a), Some(b)) if a != b => tree.common(a, b),
            // Between two uses of one module: inside it, unless it is known to have no inside.
            (Some(node), Some(_)) if has_inside(tree, node) => node,
            (Some(node), Some(_)) => tree.nodes[node].parent.unwrap_or(0),
            _ => trunk,
        }
    });
    enclosing.collect()
}

fn has_inside(tree: &Tree, node: usize) -> bool {
    tree.nodes[node].has_parameters && !is_one_operation(&tree.nodes[node].module)
}

/// Gives a normalisation the operations right before its first parameter that compute its
/// statistics.
fn statistics(record: &Record, anchors: &[Option<usize>], placed: &mut [usize]) {
    for index in 0..anchors.len() {
        let Some(node) = anchors[index] else { continue };
        let module = &record.tree.nodes[node].module;
        let mut at = index;
        while at > 0
            && opens(module, &record.operations[at - 1].name)
            && anchors[at - 1].is_none_or(|other| other == node)
        {
            at -= 1;
            placed[at] = node;
        }
    }
}

/// A product with a weight is a linear layer's, and an addition of a parameter beside it is its
/// bias.
fn name_linears(record: &mut Record) {
    let mut linear = vec![false; record.tree.nodes.len()];
    for index in 0..record.operations.len() {
        let operation = &record.operations[index];
        let reads_weight = operation
            .inputs
            .iter()
            .any(|&input| record.tensors[input].owner.is_some());
        if !reads_weight {
            continue;
        }
        let node = operation.node;
        let kind = match (operation.kind, operation.name.as_str()) {
            (Kind::Matmul, _) => Kind::Linear,
            (Kind::Elementwise, "add") if linear[node] => Kind::LinearBias,
            _ => continue,
        };
        linear[node] |= kind == Kind::Linear;
        record.operations[index].kind = kind;
    }
}
