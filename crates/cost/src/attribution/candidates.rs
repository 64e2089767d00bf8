//! Modules without parameters, found by who may call them and by what they make.

use std::collections::HashMap;

use super::flow::Flow;
use super::layers::{Sequence, sequences};
use crate::rules::Name;
use crate::tree::Tree;

/// Modules that are looked at on either side of the place that the forward pass has reached.
const NEAR: usize = 16;

/// A module without parameters, and one way in which it is done.
#[derive(Debug, Clone, Copy)]
struct Candidate {
    node: usize,
    sequence: Sequence,
}

/// By the module whose forward pass calls them and by their first operation, in the order of the
/// tree.
#[derive(Debug)]
pub(super) struct Candidates(HashMap<(usize, Name), Vec<Candidate>>);

/// A module that makes the next operations.
#[derive(Debug, Clone, Copy)]
pub(super) struct Found {
    pub(super) node: usize,
    /// How many operations.
    pub(super) length: usize,
    /// It is next in the order of the tree and was not called yet.
    pub(super) fresh: bool,
}

impl Candidates {
    pub(super) fn new(tree: &Tree) -> Self {
        let mut found: HashMap<_, Vec<Candidate>> = HashMap::new();
        // The innermost module with parameters that holds each node and is no container; holders
        // stand before what they hold.
        let mut callers = vec![0; tree.nodes.len()];
        for (index, node) in tree.nodes.iter().enumerate() {
            let above = node.parent.map_or(0, |parent| callers[parent]);
            callers[index] = match node.has_parameters && !node.container && !node.choice {
                true => index,
                false => above,
            };
            if node.has_parameters || node.hidden {
                continue;
            }
            for sequence in sequences(&node.module) {
                if let Some(first) = sequence.first() {
                    let list = found.entry((callers[index], *first)).or_default();
                    list.push(Candidate {
                        node: index,
                        sequence,
                    });
                }
            }
        }
        Self(found)
    }

    /// The module that `caller` calls for the operations from `start` on, before `end`. `cursor`
    /// is where the forward pass is in the tree; `unused` says whether a module was not called yet
    /// in this call of `caller`.
    pub(super) fn find(
        &self,
        flow: &Flow,
        caller: usize,
        (start, end): (usize, usize),
        cursor: usize,
        unused: impl Fn(usize) -> bool,
    ) -> Option<Found> {
        let first = flow.operation(start).name.burn()?;
        let list = self.0.get(&(caller, first))?;
        let here = list.partition_point(|candidate| candidate.node <= cursor);
        let matching = |candidate: &&Candidate| flow.matches(candidate.sequence, start, end);
        let next = list[here..].iter().take(NEAR);
        let next = next.filter(|candidate| unused(candidate.node) && matching(candidate));
        // The longest, and of those the first.
        let longest = |a: &'_ Candidate, b: &'_ Candidate| b.sequence.len() > a.sequence.len();
        if let Some(next) = next.reduce(|a, b| if longest(a, b) { b } else { a }) {
            return Some(Found {
                node: next.node,
                length: next.sequence.len(),
                fresh: true,
            });
        }
        let near = &list[here.saturating_sub(NEAR)..list.len().min(here + NEAR)];
        let distance = |candidate: &&Candidate| {
            (
                candidate.sequence.len(),
                std::cmp::Reverse(candidate.node.abs_diff(cursor)),
            )
        };
        let near = near.iter().filter(matching).max_by_key(distance)?;
        Some(Found {
            node: near.node,
            length: near.sequence.len(),
            fresh: false,
        })
    }
}
