//! Places the operations that apply no weights.

use std::cmp::{Ordering, Reverse};

use super::candidates::{Candidates, Found};
use super::chain::{Chain, Gap};
use super::flow::Flow;
use super::habits::Habits;
use super::layers::is_one_call;
use super::statistics;
use super::visits::Visits;
use super::weights::Anchors;

/// Where everything is.
#[derive(Debug)]
pub(super) struct Placement {
    /// The module of each operation on data.
    pub(super) nodes: Vec<usize>,
    /// How often each module without parameters is called.
    pub(super) uses: Vec<u128>,
}

/// Places every operation: those with an anchor there, the others in the gaps between them.
pub(super) fn place(flow: &Flow, anchors: &Anchors, gaps: &[Gap], habits: &Habits) -> Placement {
    let tree = &flow.record.tree;
    let mut walk = Walk {
        flow,
        holders: &anchors.holders,
        candidates: Candidates::new(tree),
        habits,
        visits: Visits::new(flow),
        uses: vec![0; tree.nodes.len()],
        cursor: 0,
    };
    for gap in gaps {
        let begin = match gap.after {
            Some(node) if scales(flow, gap.end, node) => {
                statistics::begin(flow, gap.end, gap.start)
            }
            _ => gap.end,
        };
        walk.gap(&gap.chain, (gap.start, begin), gap.after);
        if let Some(node) = gap.after {
            walk.visits.placed[begin..=gap.end].fill(node);
            walk.visits.enter(flow, gap.end, gap.before, node);
            walk.cursor = node;
        }
    }
    Placement {
        nodes: walk.visits.placed,
        uses: walk.uses,
    }
}

/// Whether an operation applies a parameter of `node` itself, and `node` may have computed
/// something before that: a normalisation, not a layer that is one operation.
fn scales(flow: &Flow, operation: usize, node: usize) -> bool {
    let record = flow.record;
    let module = record.tree.nodes[node].module.as_str();
    let one = is_one_call(module) && !matches!(module, "RmsNorm" | "GroupNorm" | "InstanceNorm");
    let mut inputs = flow.operation(operation).inputs.iter();
    !one && inputs.any(|&input| record.tensors[input].owner == Some(node))
}

/// The state of the walk along the operations.
struct Walk<'a> {
    flow: &'a Flow<'a>,
    holders: &'a [Option<usize>],
    candidates: Candidates,
    habits: &'a Habits<'a>,
    visits: Visits<'a>,
    uses: Vec<u128>,
    /// The module of the operation before.
    cursor: usize,
}

/// Operations that a module without parameters makes, and the place of its caller in the chain.
struct Group {
    start: usize,
    end: usize,
    node: usize,
    level: usize,
}

impl Walk<'_> {
    /// Places the operations of a gap, before the operation of `after`.
    fn gap(&mut self, chain: &Chain, (start, end): (usize, usize), after: Option<usize>) {
        let groups = self.groups(chain, (start, end), after);
        let mut level = 0;
        let mut index = start;
        for group in groups {
            for operation in index..group.start {
                level = self.loose(chain, operation, (start, end), (level, group.level));
            }
            self.visits.placed[group.start..group.end].fill(group.node);
            level = group.level;
            index = group.end;
        }
        for operation in index..end {
            let last = chain.modules.len() - 1;
            level = self.loose(chain, operation, (start, end), (level, last));
        }
    }

    /// The operations that modules without parameters make, in order along the chain.
    fn groups(
        &mut self,
        chain: &Chain,
        (start, end): (usize, usize),
        after: Option<usize>,
    ) -> Vec<Group> {
        let mut groups = Vec::new();
        let mut level = 0;
        let mut index = start;
        while index < end {
            let levels = level..chain.modules.len();
            let options = levels.filter_map(|level| {
                let found = self.called(chain, level, (index, end))?;
                Some((
                    self.likelihood(chain, level, found, (index, end), after),
                    level,
                    found,
                ))
            });
            let best = options.max_by_key(|&(likelihood, level, _)| (likelihood, Reverse(level)));
            let Some((_, at, found)) = best else {
                index += 1;
                continue;
            };
            level = at;
            self.uses[found.node] += 1;
            self.cursor = found.node;
            groups.push(Group {
                start: index,
                end: index + found.length,
                node: found.node,
                level,
            });
            index += found.length;
        }
        groups
    }

    /// The module that a module of the chain calls for the next operations.
    fn called(&self, chain: &Chain, level: usize, gap: (usize, usize)) -> Option<Found> {
        let caller = chain.modules[level];
        let entering = u128::from(level > chain.common);
        let calls = (self.visits.times[caller] + entering).max(1);
        let unused = |node: usize| self.uses[node] < calls;
        self.candidates
            .find(self.flow, caller, gap, self.cursor, unused)
    }

    /// How likely it is that a module of the chain makes the operations, on a scale of its own.
    fn likelihood(
        &self,
        chain: &Chain,
        level: usize,
        found: Found,
        (start, end): (usize, usize),
        after: Option<usize>,
    ) -> i64 {
        let behind = |node: usize| after.is_none_or(|after| node < after || after < self.cursor);
        let distance = level.abs_diff(chain.common).min(10) as i64;
        let place = match (level.cmp(&chain.common), found.fresh) {
            // A module that is left ends with what it did not call yet; or calls it again.
            (Ordering::Less, true) => 90 + distance,
            (Ordering::Less, false) => 50 + distance,
            // What is declared between the two neighbours.
            (Ordering::Equal, true) if behind(found.node) => 80,
            (Ordering::Equal, true) => 60,
            (Ordering::Equal, false) => 45,
            // A module that is entered begins with what it declares first.
            (Ordering::Greater, true) if behind(found.node) => 70 - distance,
            (Ordering::Greater, _) => 30 - distance,
        };
        // One tensor goes from one module to the next. Where several read the operations' result,
        // it is that one; where the input is read later, the input is.
        let last = self.flow.operation(start + found.length - 1);
        let spread = last
            .outputs
            .iter()
            .any(|&output| self.flow.readers(output) > 1);
        let passed = self
            .flow
            .data(start)
            .any(|input| self.flow.reader_from(input, end).is_some());
        let flow = match level.cmp(&chain.common) {
            Ordering::Less if passed => -45,
            Ordering::Greater if spread => -45,
            _ => 0,
        };
        1000 * found.length as i64 + place + flow
    }

    /// Places an operation that no module without parameters makes, within the given levels.
    fn loose(
        &mut self,
        chain: &Chain,
        operation: usize,
        gap: (usize, usize),
        (low, high): (usize, usize),
    ) -> usize {
        let habits = self.habits;
        let ends = |&level: &usize| {
            let module = chain.modules[level];
            habits.ends(self.flow, &self.visits, module, operation, gap)
        };
        let begins =
            |&level: &usize| habits.begins(self.flow, chain.modules[level], operation, gap);
        // What reads a parameter of a holder is in it, or in something that it holds.
        let holder = self.holders[operation];
        let allowed = |&level: &usize| {
            let module = chain.modules[level];
            holder.is_none_or(|holder| self.visits.tree.is_inside(module, holder))
        };
        let left = low..chain.common.min(high + 1);
        let entered = low.max(chain.common + 1)..high + 1;
        let level = left.filter(allowed).find(ends);
        let level = level.or_else(|| entered.filter(allowed).find(begins));
        let own = || (low..=high).find(|&level| Some(chain.modules[level]) == holder);
        let common = chain.common.clamp(low, high);
        let nearest = || {
            (low..=high)
                .filter(allowed)
                .min_by_key(|at| at.abs_diff(common))
        };
        let level = level.or_else(own).or_else(nearest).unwrap_or(common);
        self.visits.placed[operation] = chain.modules[level];
        level
    }
}
