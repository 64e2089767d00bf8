//! Ties operations to modules.
//!
//! An operation that applies a module's weights belongs to that module: the tensors are the same.
//! Burn's recording says nothing of the others, so their place is inferred. They lie in a gap
//! between two operations with weights, and the modules that the forward pass leaves and enters on
//! the way from one to the other form a [`chain`]. Along it
//!
//! 1. operations that a module without parameters makes (a ReLU, a pooling) go to such a module of
//!    the chain, by declaration and by the flow of data ([`gap`]);
//! 2. the statistics of a normalisation go to the module that scales them ([`statistics`]);
//! 3. what closes a shortcut or joins branches of one module goes to that module ([`gap`]);
//! 4. what follows every call of a type of module alike is taken for its end ([`habits`]);
//! 5. all else goes to the innermost module that holds both neighbours.
//!
//! Nothing is lost in any case: each operation is in one row.

mod candidates;
mod chain;
mod flow;
mod gap;
mod habits;
mod layers;
mod statistics;
mod visits;
mod weights;

use crate::kind::Kind;
use crate::record::Record;
use crate::rules::Name;

pub(crate) use layers::{is_recurrent, is_whole};

/// Sets [`Operation::node`](crate::record::Operation) of every operation and
/// [`Node::uses`](crate::tree::Node) of every module without parameters, and tells linear layers
/// from other products.
pub(crate) fn attribute(record: &mut Record) {
    let flow = flow::Flow::new(record);
    let anchors = weights::Anchors::of(&flow);
    let anchor = |operation| weights::anchor(record, operation);
    let mut nodes: Vec<_> = record.operations.iter().map(anchor).collect();
    let gaps = chain::gaps(&record.tree, &anchors.nodes);
    let habits = habits::Habits::of(&flow, &anchors, &gaps);
    let placement = gap::place(&flow, &anchors, &gaps, &habits);
    for (&index, node) in flow.operations.iter().zip(placement.nodes) {
        nodes[index] = Some(node);
    }
    for (operation, node) in record.operations.iter_mut().zip(nodes) {
        operation.node = node.unwrap_or(0);
    }
    for (node, uses) in record.tree.nodes.iter_mut().zip(placement.uses) {
        node.uses = uses;
    }
    name_linears(record);
}

/// A product with a weight is a linear layer's, and what adds a parameter to it its bias.
pub(crate) fn name_linears(record: &mut Record) {
    let mut kinds = Vec::new();
    let mut product = vec![false; record.tensors.len()];
    for (index, operation) in record.operations.iter().enumerate() {
        let weight = |&&input: &&usize| record.tensors[input].owner.is_some();
        let adds = operation.name.is(Name::Add);
        let kind = match operation.kind {
            Kind::Matmul if operation.inputs.iter().any(|input| weight(&input)) => Kind::Linear,
            Kind::Elementwise
                if adds
                    && operation.inputs.iter().any(|input| weight(&input))
                    && operation.inputs.iter().any(|&input| product[input]) =>
            {
                Kind::LinearBias
            }
            kind => kind,
        };
        // Views of a product are the product still.
        let view = kind == Kind::View && operation.inputs.first().is_some_and(|&i| product[i]);
        if view || kind == Kind::Linear {
            for &output in &operation.outputs {
                product[output] = true;
            }
        }
        if kind != operation.kind {
            kinds.push((index, kind));
        }
    }
    for (index, kind) in kinds {
        record.operations[index].kind = kind;
    }
}
