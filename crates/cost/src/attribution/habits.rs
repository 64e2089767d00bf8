//! What stands before or behind every call of a type of module, always alike: then it is taken for
//! a part of the call.
//!
//! A block that ends in a functional activation leaves it between its last layer and the next
//! module's first; one that begins with the sum of its inputs, between the layer before and its
//! own. Of one call nobody can tell whether the block or its holder makes it; but where all calls
//! of many blocks have it, it is the block.

use std::collections::HashMap;

use super::chain::Gap;
use super::flow::Flow;
use super::layers::{bounds, is_between_layers};
use super::visits::Visits;
use super::weights::Anchors;
use crate::rules::Called;

/// How many operations before its first layer and behind its last one belong to a module, by its
/// type.
#[derive(Debug, Default)]
pub(super) struct Habits<'a> {
    before: HashMap<&'a str, usize>,
    behind: HashMap<&'a str, usize>,
}

impl<'a> Habits<'a> {
    pub(super) fn of(flow: &Flow<'a>, anchors: &Anchors, gaps: &[Gap]) -> Habits<'a> {
        let tree = &flow.record.tree;
        let kind = |module: usize| tree.nodes[module].module.as_str();
        let mut tails = Shared::default();
        each_gap(flow, gaps, |visits, gap| {
            let Gap {
                start, end, chain, ..
            } = gap;
            let (start, end) = (*start, *end);
            let left = chain.modules[..chain.common].iter();
            for &module in left.filter(|&&module| !is_between_layers(kind(module))) {
                let length = visits.following(flow, module, (start, end));
                let names = (start..start + length).map(|at| &flow.operation(at).name);
                tails.note(kind(module), names);
            }
        });
        let mut habits = Self {
            behind: tails.lengths(),
            ..Self::default()
        };
        // What ends a call does not begin the next one.
        let mut heads = Shared::default();
        each_gap(flow, gaps, |visits, gap| {
            let Gap {
                start, end, chain, ..
            } = gap;
            let (start, end) = (*start, *end);
            let left = &chain.modules[..chain.common];
            let ends = |&at: &usize| {
                left.iter()
                    .any(|&module| habits.ends(flow, visits, module, at, (start, end)))
            };
            let start = start + (start..end).take_while(ends).count();
            let entered = chain.modules[chain.common + 1..].iter();
            for &module in entered.filter(|&&module| !is_between_layers(kind(module))) {
                let length = visits.preceding(flow, module, (start, end), &anchors.nodes);
                let names = (end - length..end).map(|at| &flow.operation(at).name);
                heads.note(kind(module), names.rev());
            }
        });
        habits.before = heads.lengths();
        habits
    }

    /// Whether an operation in a gap belongs to the end of a call of a module.
    pub(super) fn ends(
        &self,
        flow: &Flow,
        visits: &Visits,
        module: usize,
        operation: usize,
        (start, end): (usize, usize),
    ) -> bool {
        let kind = flow.record.tree.nodes[module].module.as_str();
        if let Some((_, last)) = bounds(kind) {
            return (operation..end).any(|at| flow.operation(at).name.is(last));
        }
        let made = |tensor| visits.makes(flow, module, tensor);
        operation - start < self.behind.get(kind).copied().unwrap_or(0)
            || visits.closes(flow, module, operation, &made)
    }

    /// Whether an operation in a gap belongs to the beginning of a call of a module.
    pub(super) fn begins(
        &self,
        flow: &Flow,
        module: usize,
        operation: usize,
        (start, end): (usize, usize),
    ) -> bool {
        let kind = flow.record.tree.nodes[module].module.as_str();
        if let Some((first, _)) = bounds(kind) {
            return (start..=operation).any(|at| flow.operation(at).name.is(first));
        }
        end - operation <= self.before.get(kind).copied().unwrap_or(0)
    }
}

/// Walks from gap to gap between operations with anchors. What lies in a gap counts as the module's
/// that holds both of its ends.
fn each_gap<'a>(flow: &Flow<'a>, gaps: &[Gap], mut visit: impl FnMut(&Visits<'a>, &Gap)) {
    let mut visits = Visits::new(flow);
    for gap in gaps {
        visit(&visits, gap);
        visits.placed[gap.start..gap.end].fill(gap.chain.modules[gap.chain.common]);
        if let Some(node) = gap.after {
            visits.enter(flow, gap.end, gap.before, node);
        }
    }
}

/// By type, the names that all its calls share, from the call outwards, and how many calls.
#[derive(Debug, Default)]
struct Shared<'a>(HashMap<&'a str, (Vec<&'a Called>, usize)>);

impl<'a> Shared<'a> {
    fn note(&mut self, kind: &'a str, names: impl Iterator<Item = &'a Called>) {
        match self.0.get_mut(kind) {
            Some((shared, calls)) => {
                let same = shared.iter().zip(names).take_while(|(a, b)| *a == b);
                let same = same.count();
                shared.truncate(same);
                *calls += 1;
            }
            None => {
                self.0.insert(kind, (names.collect(), 1));
            }
        }
    }

    /// A single call has no habits.
    fn lengths(self) -> HashMap<&'a str, usize> {
        let several = self.0.into_iter().filter(|(_, (_, calls))| *calls > 1);
        several
            .map(|(kind, (names, _))| (kind, names.len()))
            .collect()
    }
}
