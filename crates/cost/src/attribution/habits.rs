//! What follows the calls of a type of module, all alike: then it is taken for a part of them.
//!
//! A block that ends in a functional activation leaves it between its last layer and the next
//! module's first. Of one call nobody can tell whether the block or its holder makes it; but where
//! each of many blocks is followed by the same operations on its output, it is the block.

use std::collections::HashMap;

use super::chain::{Chain, trunk};
use super::flow::Flow;
use super::layers::ends_with_a_layer;
use super::visits::Visits;

/// How many operations behind its last layer belong to a module, by its type.
#[derive(Debug, Default)]
pub(super) struct Habits<'a>(HashMap<&'a str, usize>);

impl<'a> Habits<'a> {
    pub(super) fn of(flow: &Flow<'a>, anchors: &[Option<usize>]) -> Habits<'a> {
        let record = flow.record;
        let trunk = trunk(&record.tree, anchors);
        let mut visits = Visits::new(flow);
        // By type: where the common operations begin, how many there are, how often they came.
        let mut seen: HashMap<&str, (usize, usize, usize)> = HashMap::new();
        let mut before = None;
        let mut start = 0;
        let ends = (0..anchors.len()).filter(|&index| anchors[index].is_some());
        for end in ends.chain([anchors.len()]) {
            let after = anchors.get(end).copied().flatten();
            let chain = Chain::new(&record.tree, before, after, trunk);
            for &module in &chain.modules[..chain.common] {
                let kind = record.tree.nodes[module].module.as_str();
                if ends_with_a_layer(kind) {
                    continue;
                }
                let length = visits.following(flow, module, (start, end));
                let (first, common, times) = seen.entry(kind).or_insert((start, length, 0));
                let same = (0..length.min(*common)).take_while(|offset| {
                    let name = |at: usize| &flow.operation(at + offset).name;
                    name(*first) == name(start)
                });
                *common = same.count();
                *times += 1;
            }
            visits.placed[start..end].fill(chain.modules[chain.common]);
            if let Some(node) = after {
                visits.enter(flow, end, before, node);
            }
            before = after;
            start = end + 1;
        }
        let common = seen.into_iter().filter(|(_, (.., times))| *times > 1);
        Self(
            common
                .map(|(kind, (_, common, _))| (kind, common))
                .collect(),
        )
    }

    pub(super) fn after(&self, module: &str) -> usize {
        self.0.get(module).copied().unwrap_or(0)
    }
}
