//! How often each module is called, and what flows in and out of a call.
//!
//! A layer is called as often as it reads its weights, a module without parameters as often as its
//! operations were found. A module that holds others is called as often as the one of them that is
//! called least: what it calls more often, it calls several times itself.

use std::collections::HashSet;

use crate::attribution::is_recurrent;
use crate::record::{Origin, Record};

/// The calls of one module.
#[derive(Debug, Clone, Default)]
pub(crate) struct Calls {
    /// 0 for a list of modules, which is not called itself.
    pub(crate) times: u128,
    /// Tensors that flow into the first call, in the order in which they are read.
    pub(crate) inputs: Vec<usize>,
    /// Tensors of the first call that something else reads, or the forward pass returns.
    pub(crate) outputs: Vec<usize>,
}

/// The calls of every module of the tree.
pub(crate) fn calls(record: &Record) -> Vec<Calls> {
    let times = times(record);
    let mut boundary = Boundary {
        record,
        ends: first_calls(record, &times),
        calls: times
            .into_iter()
            .map(|times| Calls {
                times,
                ..Calls::default()
            })
            .collect(),
        seen: HashSet::new(),
    };
    for (index, operation) in record.operations.iter().enumerate() {
        for &input in &operation.inputs {
            boundary.enters(input, index);
            boundary.leaves(input, Some(index));
        }
    }
    for &output in &record.outputs {
        boundary.leaves(output, None);
    }
    let mut calls = boundary.calls;
    // What nothing reads has come out all the same.
    for operation in record.operations.iter().rev() {
        let call = &mut calls[operation.node];
        if call.outputs.is_empty() {
            call.outputs.clone_from(&operation.outputs);
        }
    }
    calls[0].inputs.clone_from(&record.inputs);
    calls[0].outputs.clone_from(&record.outputs);
    calls
}

/// How often each module is called.
fn times(record: &Record) -> Vec<u128> {
    let tree = &record.tree;
    let mut reads = vec![0; tree.parameters.len()];
    let mut own = vec![false; tree.nodes.len()];
    // How often the forward pass comes into each module that is called once for many steps.
    let mut runs = vec![0; tree.nodes.len()];
    let mut before = 0;
    for operation in &record.operations {
        own[operation.node] = true;
        for &input in &operation.inputs {
            if let Origin::Parameter(index) = record.tensors[input].origin {
                reads[index] += 1;
            }
        }
        for node in tree.ancestors(operation.node) {
            if tree.is_inside(before, node) {
                break;
            }
            runs[node] += 1;
        }
        before = operation.node;
    }
    let mut read = vec![0; tree.nodes.len()];
    for (parameter, reads) in tree.parameters.iter().zip(reads) {
        read[parameter.node] = u128::max(read[parameter.node], reads);
    }
    // The least that any module in each one is called, with parameters and without. What is held
    // stands behind its holder.
    let mut least = vec![[u128::MAX; 2]; tree.nodes.len()];
    let mut times = vec![0; tree.nodes.len()];
    for (index, node) in tree.nodes.iter().enumerate().rev() {
        let [with, without] = least[index];
        let inside = if with < u128::MAX { with } else { without };
        let called = match (read[index], node.uses) {
            (0, 0) if inside < u128::MAX => inside,
            (0, 0) => u128::from(own[index]),
            (0, uses) => uses,
            (reads, _) => reads.min(inside),
        };
        let called = match is_recurrent(&node.module) {
            true => called.min(runs[index]),
            false => called,
        };
        times[index] = if node.container { 0 } else { called };
        if let Some(parent) = node.parent
            && called > 0
        {
            let least = &mut least[parent][usize::from(!node.has_parameters)];
            *least = called.min(*least);
        }
    }
    times[0] = 1;
    times
}

/// For each module, the operation before which its first call has ended.
fn first_calls(record: &Record, times: &[u128]) -> Vec<usize> {
    let tree = &record.tree;
    let mut inside = vec![0u128; tree.nodes.len()];
    for operation in &record.operations {
        inside[operation.node] += 1;
    }
    for index in (1..tree.nodes.len()).rev() {
        if let Some(parent) = tree.nodes[index].parent {
            inside[parent] += inside[index];
        }
    }
    // The innermost module that holds each one, itself included, and is called more than once.
    let mut several: Vec<Option<usize>> = Vec::with_capacity(tree.nodes.len());
    for (index, node) in tree.nodes.iter().enumerate() {
        let above = node.parent.and_then(|parent| several[parent]);
        several.push(if times[index] > 1 { Some(index) } else { above });
    }
    let mut ends = vec![usize::MAX; tree.nodes.len()];
    let mut seen = vec![0u128; tree.nodes.len()];
    for (index, operation) in record.operations.iter().enumerate() {
        let mut next = several[operation.node];
        while let Some(node) = next {
            seen[node] += 1;
            if seen[node] == (inside[node] / times[node]).max(1) {
                ends[node] = index + 1;
            }
            next = tree.nodes[node].parent.and_then(|parent| several[parent]);
        }
    }
    ends
}

/// What crosses the boundary of first calls.
struct Boundary<'a> {
    record: &'a Record,
    ends: Vec<usize>,
    calls: Vec<Calls>,
    /// Modules with a tensor that is noted already, and whether as an output.
    seen: HashSet<(usize, usize, bool)>,
}

impl Boundary<'_> {
    /// A tensor flows into the modules around an operation that it was not made in.
    fn enters(&mut self, tensor: usize, reader: usize) {
        let tree = &self.record.tree;
        let info = &self.record.tensors[tensor];
        let home = match info.origin {
            Origin::Constant => return,
            Origin::Operation(maker) => Some(self.record.operations[maker].node),
            // A module's own weights are a part of it.
            Origin::Parameter(_) => info.owner,
            Origin::Input => None,
        };
        for node in tree.ancestors(self.record.operations[reader].node) {
            if home.is_some_and(|home| tree.is_inside(home, node)) {
                break;
            }
            if reader < self.ends[node] && self.seen.insert((node, tensor, false)) {
                self.calls[node].inputs.push(tensor);
            }
        }
    }

    /// A tensor flows out of the modules around the operation that made it, to an operation
    /// outside of them, or in a later call of them, or to the caller.
    fn leaves(&mut self, tensor: usize, reader: Option<usize>) {
        let tree = &self.record.tree;
        let info = &self.record.tensors[tensor];
        let Origin::Operation(maker) = info.origin else {
            return;
        };
        for node in tree.ancestors(self.record.operations[maker].node) {
            let end = self.ends[node];
            let stays = reader.is_some_and(|reader| {
                tree.is_inside(self.record.operations[reader].node, node) && reader < end
            });
            if stays {
                break;
            }
            if maker < end && self.seen.insert((node, tensor, true)) {
                self.calls[node].outputs.push(tensor);
            }
        }
    }
}
