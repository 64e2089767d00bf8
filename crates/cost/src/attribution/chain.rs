//! The modules between two operations: those that the forward pass leaves, the one that holds
//! both, and those that it enters.

use super::layers::is_one_call;
use crate::tree::Tree;

/// Modules in the order in which the forward pass can be in them. Layers that hold no other
/// operations are left out, and so are containers and enums, which do nothing themselves.
#[derive(Debug, Default)]
pub(super) struct Chain {
    pub(super) modules: Vec<usize>,
    /// The place of the module that holds both ends: what stands before it is left, what stands
    /// behind it is entered.
    pub(super) common: usize,
}

impl Chain {
    /// From the module of the operation before to the one of the operation behind. At either end
    /// of the forward pass `trunk` holds what there is.
    pub(super) fn new(
        tree: &Tree,
        before: Option<usize>,
        after: Option<usize>,
        trunk: usize,
    ) -> Self {
        let common = match (before, after) {
            (Some(a), Some(b)) => tree.common(a, b),
            (Some(node), None) | (None, Some(node)) => tree.common(node, trunk),
            (None, None) => trunk,
        };
        let below = |node: Option<usize>| {
            let ancestors = node.into_iter().flat_map(|node| tree.ancestors(node));
            let inside = ancestors.take_while(|&above| above != common);
            inside.filter(|&above| is_open(tree, above))
        };
        let mut modules: Vec<_> = below(before).collect();
        let holder = tree.ancestors(common).find(|&above| is_open(tree, above));
        let common = modules.len();
        modules.push(holder.unwrap_or(0));
        let entered = modules.len();
        modules.extend(below(after));
        modules[entered..].reverse();
        Self { modules, common }
    }
}

/// Whether a module can hold operations between those of its layers.
fn is_open(tree: &Tree, node: usize) -> bool {
    let node = &tree.nodes[node];
    !node.container && !node.choice && !is_one_call(&node.module)
}

/// The operations between two that have anchors, which may be none.
#[derive(Debug)]
pub(super) struct Gap {
    pub(super) start: usize,
    /// The place of the operation behind, which is in `after`; the number of all at the end.
    pub(super) end: usize,
    pub(super) before: Option<usize>,
    pub(super) after: Option<usize>,
    pub(super) chain: Chain,
}

/// The gaps of a forward pass, in order: one before each operation with an anchor, and the last.
pub(super) fn gaps(tree: &Tree, anchors: &[Option<usize>]) -> Vec<Gap> {
    let trunk = trunk(tree, anchors);
    let mut before = None;
    let mut start = 0;
    let ends = (0..anchors.len()).filter(|&index| anchors[index].is_some());
    let gap = |end: usize| {
        let after = anchors.get(end).copied().flatten();
        let gap = Gap {
            start,
            end,
            before,
            after,
            chain: Chain::new(tree, before, after, trunk),
        };
        before = after;
        start = end + 1;
        gap
    };
    ends.chain([anchors.len()]).map(gap).collect()
}

/// The innermost module that holds all weights that are used.
fn trunk(tree: &Tree, anchors: &[Option<usize>]) -> usize {
    let common = anchors.iter().flatten().copied();
    let Some(common) = common.reduce(|a, b| tree.common(a, b)) else {
        return 0;
    };
    let mut above = tree.ancestors(common);
    above.find(|&node| is_open(tree, node)).unwrap_or(0)
}
