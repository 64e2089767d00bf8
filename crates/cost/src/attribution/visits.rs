//! Which modules the forward pass is in, and what flows in and out of them.

use super::flow::Flow;
use super::layers::is_between_layers;
use crate::rules::Name;
use crate::tree::Tree;

/// Which modules the forward pass is in, and since when.
#[derive(Debug)]
pub(super) struct Visits<'a> {
    pub(super) tree: &'a Tree,
    /// The module of each operation that is placed.
    pub(super) placed: Vec<usize>,
    /// For each module, the first operation with weights of its current call.
    entered: Vec<usize>,
    /// For each module, the weight that it read first in its current call.
    first: Vec<Option<usize>>,
    /// For each module, how often it was entered.
    pub(super) times: Vec<u128>,
}

impl<'a> Visits<'a> {
    pub(super) fn new(flow: &Flow<'a>) -> Self {
        let tree = &flow.record.tree;
        let nodes = tree.nodes.len();
        Self {
            tree,
            placed: vec![0; flow.operations.len()],
            entered: vec![0; nodes],
            first: vec![None; nodes],
            times: vec![0; nodes],
        }
    }

    /// The forward pass goes on with an operation of `node`.
    pub(super) fn enter(
        &mut self,
        flow: &Flow,
        operation: usize,
        before: Option<usize>,
        node: usize,
    ) {
        self.placed[operation] = node;
        let inputs = flow.operation(operation).inputs.iter();
        let mut weights = inputs.filter(|&&input| flow.record.tensors[input].owner.is_some());
        let weight = weights.next().copied();
        for module in self.tree.ancestors(node) {
            let inside = before.is_some_and(|before| self.tree.is_inside(before, module));
            let again = weight.is_some() && self.first[module] == weight && module > 0;
            if !inside || again {
                self.entered[module] = operation;
                self.first[module] = weight;
                self.times[module] += 1;
            }
        }
    }

    /// Whether a module's current call makes a tensor.
    pub(super) fn makes(&self, flow: &Flow, module: usize, tensor: usize) -> bool {
        flow.maker(tensor).is_some_and(|maker| {
            maker >= self.entered[module] && self.tree.is_inside(self.placed[maker], module)
        })
    }

    /// Whether a tensor flows into a module's current call, before an operation.
    fn takes(&self, flow: &Flow, module: usize, tensor: usize, before: usize) -> bool {
        let reader = flow.reader_from(tensor, self.entered[module]);
        reader.is_some_and(|reader| {
            reader < before && self.tree.is_inside(self.placed[reader], module)
        })
    }

    /// Whether an operation right behind a module's layers joins what the module made, alone or
    /// with what flowed into it: the end of a shortcut, of branches, or of a gate.
    pub(super) fn closes(
        &self,
        flow: &Flow,
        module: usize,
        operation: usize,
        made: &impl Fn(usize) -> bool,
    ) -> bool {
        let count = flow.data(operation).count();
        if count < 2 {
            return false;
        }
        if flow.data(operation).all(made) {
            return true;
        }
        let taken = |tensor| made(tensor) || self.takes(flow, module, tensor, operation);
        let node = &self.tree.nodes[module];
        if !flow.data(operation).all(taken) || is_between_layers(&node.module) {
            return false;
        }
        // One of a sequence of modules, between which nothing is said to happen. A holder with
        // named fields adds shortcuts around them itself, but a gate is a part of what computes
        // it.
        let mut holders = self.tree.ancestors(module).skip(1);
        let holder = holders.find(|&holder| !self.tree.nodes[holder].choice);
        let in_sequence = holder.is_some_and(|holder| self.tree.nodes[holder].container);
        let gate = flow.operation(operation).name.is(Name::Mul);
        (in_sequence || gate) && flow.data(operation).any(made)
    }

    /// How many operations from the start of a gap on could belong to the module before it: they
    /// read what the module made, or close it.
    pub(super) fn following(
        &self,
        flow: &Flow,
        module: usize,
        (start, end): (usize, usize),
    ) -> usize {
        let made = |tensor: usize| {
            self.makes(flow, module, tensor)
                || flow
                    .maker(tensor)
                    .is_some_and(|maker| maker >= start && maker < end)
        };
        let belongs = |&operation: &usize| {
            let mut inputs = flow.data(operation);
            match (inputs.next(), inputs.next()) {
                (Some(tensor), None) => made(tensor),
                (Some(_), Some(_)) => self.closes(flow, module, operation, &made),
                _ => false,
            }
        };
        (start..end).take_while(belongs).count()
    }

    /// How many operations at the end of a gap could belong to the module behind it: only its call
    /// reads what they make.
    pub(super) fn preceding(
        &self,
        flow: &Flow,
        module: usize,
        (start, end): (usize, usize),
        anchors: &[Option<usize>],
    ) -> usize {
        if start == end {
            return 0;
        }
        let outside =
            |&at: &usize| anchors[at].is_some_and(|node| !self.tree.is_inside(node, module));
        let left = (end..anchors.len()).find(outside).unwrap_or(anchors.len());
        let only_inside = |&at: &usize| {
            let mut outputs = flow.operation(at).outputs.iter();
            outputs.all(|&output| flow.last_reader(output).is_some_and(|reader| reader < left))
        };
        let mut first = end;
        while first > start && only_inside(&(first - 1)) {
            first -= 1;
        }
        end - first
    }
}
