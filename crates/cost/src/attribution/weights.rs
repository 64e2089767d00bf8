//! Which module's weights an operation applies.

use super::flow::Flow;
use super::layers::is_one_call;
use crate::kind::Kind;
use crate::record::{Operation, Origin, Record};
use crate::rules::Name;
use crate::tree::Tree;

/// The module whose weights an operation reads; `None` where it reads none.
pub(super) fn anchor(record: &Record, operation: &Operation) -> Option<usize> {
    let tree = &record.tree;
    let owners = |inputs: &[usize]| {
        let owners = inputs
            .iter()
            .filter_map(|&input| record.tensors[input].owner);
        owners.reduce(|a, b| match tree.common(a, b) {
            // One holds the other: a table of the holder goes into a layer.
            common if common == a => b,
            common if common == b => a,
            common => common,
        })
    };
    let inputs = operation.inputs.as_slice();
    if !operation.kind.applies_weights() {
        return owners(inputs);
    }
    // What is learned and goes into a layer as its data says nothing of the layer.
    let weights = owners(inputs.get(1..).unwrap_or_default());
    match operation.kind {
        Kind::Matmul => weights.or_else(|| owners(inputs)),
        _ => weights,
    }
}

/// What weights say of where operations on data are, by their place in the flow.
#[derive(Debug)]
pub(super) struct Anchors {
    /// The module that the operation is in for certain.
    pub(super) nodes: Vec<Option<usize>>,
    /// A module that holds others and whose parameter the operation reads. The holder may have
    /// handed it on, as a learned position is to the layers of a decoder.
    pub(super) holders: Vec<Option<usize>>,
}

impl Anchors {
    pub(super) fn of(flow: &Flow) -> Self {
        let tree = &flow.record.tree;
        let places = 0..flow.operations.len();
        let nodes = places.map(|place| anchor(flow.record, flow.operation(place)));
        let mut nodes: Vec<_> = nodes.collect();
        let mut holders = vec![None; nodes.len()];
        for place in 0..nodes.len() {
            if let Some(node) = nodes[place]
                && can_be_handed_on(flow.operation(place), tree, node)
            {
                holders[place] = Some(node);
                nodes[place] = None;
            }
        }
        let mut anchors = Self { nodes, holders };
        anchors.keep_first_words(tree);
        anchors.fold_linears(flow);
        anchors
    }

    /// A holder of which nothing but its parameter is read nearby has read it itself.
    fn keep_first_words(&mut self, tree: &Tree) {
        let mut next = vec![None; self.nodes.len()];
        let mut seen = None;
        for place in (0..self.nodes.len()).rev() {
            seen = self.nodes[place].or(seen);
            next[place] = seen;
        }
        let mut before = None;
        for (place, next) in next.into_iter().enumerate() {
            if let Some(holder) = self.holders[place] {
                let inside = |node: Option<usize>| node.is_some_and(|n| tree.is_inside(n, holder));
                if !inside(before) && !inside(next) {
                    self.nodes[place] = Some(holder);
                    self.holders[place] = None;
                }
            }
            before = self.nodes[place].or(before);
        }
    }

    /// A linear layer computes on rows: it may fold its input's leading dimensions into one and
    /// unfold them behind, both of which are views that read no weights.
    fn fold_linears(&mut self, flow: &Flow) {
        let record = flow.record;
        let is_reshape = |operation: &&Operation| operation.name.is(Name::Reshape);
        let shape = |tensors: &[usize]| {
            let tensor = tensors.first().map(|&tensor| &record.tensors[tensor]);
            tensor.map_or(&[][..], |tensor| tensor.shape.as_slice())
        };
        let mut views = Vec::new();
        for place in 1..self.nodes.len() {
            let Some(node) = self.nodes[place] else {
                continue;
            };
            if record.tree.nodes[node].module != "Linear" || self.nodes[place - 1] == Some(node) {
                continue;
            }
            let same = |&at: &usize| self.nodes[at] == Some(node);
            let end = (place..self.nodes.len()).take_while(same).count() + place;
            // Of weights that are the data, the view is none of the operations on data.
            let rows = flow.operation(place).inputs.first();
            let fold = rows.and_then(|&rows| match record.tensors[rows].origin {
                Origin::Operation(index) => Some(&record.operations[index]),
                _ => None,
            });
            let unfold = (end < self.nodes.len()).then(|| flow.operation(end));
            let (Some(fold), Some(unfold)) = (fold.filter(is_reshape), unfold.filter(is_reshape))
            else {
                continue;
            };
            let (wide, narrow) = (shape(&fold.inputs), shape(&unfold.outputs));
            let leading = |shape: &[usize]| shape.split_last().map(|(_, leading)| leading.to_vec());
            if wide.len() > 2 && leading(wide) == leading(narrow) {
                let on_data = flow.maker(flow.operation(place).inputs[0]);
                views.extend(on_data.map(|fold| (fold, node)));
                views.push((end, node));
            }
        }
        for (place, node) in views {
            self.nodes[place] = Some(node);
            self.holders[place] = None;
        }
    }
}

/// Whether what `node` hands on as a parameter of its own may be read inside of another module:
/// it is no layer, and the operation is none that a layer is made of.
fn can_be_handed_on(operation: &Operation, tree: &Tree, node: usize) -> bool {
    let module = &tree.nodes[node];
    let mut inside = tree.nodes[node + 1..module.end].iter();
    !operation.kind.applies_weights()
        && operation.kind != Kind::Embedding
        && !is_one_call(&module.module)
        && inside.any(|inside| inside.has_parameters)
}
