//! The operations that data flows through, and who reads what.

use super::layers::Sequence;
use crate::kind::Kind;
use crate::record::{Operation, Origin, Record};

/// The operations on data, in order: what makes weights out of weights, such as the view of a
/// bias, belongs to the module of those and tells nothing of where the forward pass is. Everything
/// here counts operations by their place among these.
#[derive(Debug)]
pub(super) struct Flow<'a> {
    pub(super) record: &'a Record,
    /// Their places in the record.
    pub(super) operations: Vec<usize>,
    /// For each tensor, the operation that makes it.
    makers: Vec<Option<usize>>,
    /// For each tensor, the operations that read it, in order.
    readers: Vec<Vec<usize>>,
}

impl<'a> Flow<'a> {
    pub(super) fn new(record: &'a Record) -> Self {
        let on_data = |&index: &usize| {
            let operation = &record.operations[index];
            let mut owners = operation
                .outputs
                .iter()
                .map(|&out| record.tensors[out].owner);
            // What a module that holds others adds up of its own parameters is as good as data.
            let holds = |node: usize| {
                let node = &record.tree.nodes[node];
                operation.kind != Kind::View
                    && node
                        .children
                        .iter()
                        .any(|&child| record.tree.nodes[child].has_parameters)
            };
            operation.outputs.is_empty() || owners.any(|owner| owner.is_none_or(holds))
        };
        let operations: Vec<_> = (0..record.operations.len()).filter(on_data).collect();
        // A view of weights is read wherever what it is a view of is.
        let mut source: Vec<_> = (0..record.tensors.len()).collect();
        for operation in &record.operations {
            if let ([input, ..], [output]) = (&operation.inputs[..], &operation.outputs[..])
                && operation.kind == Kind::View
                && record.tensors[*output].owner.is_some()
            {
                source[*output] = source[*input];
            }
        }
        let mut makers = vec![None; record.tensors.len()];
        let mut readers = vec![Vec::new(); record.tensors.len()];
        for (place, &index) in operations.iter().enumerate() {
            let operation = &record.operations[index];
            for &output in &operation.outputs {
                makers[output] = Some(place);
            }
            for &input in &operation.inputs {
                let readers: &mut Vec<usize> = &mut readers[source[input]];
                if readers.last() != Some(&place) {
                    readers.push(place);
                }
            }
        }
        Self {
            record,
            operations,
            makers,
            readers,
        }
    }

    pub(super) fn operation(&self, place: usize) -> &'a Operation {
        &self.record.operations[self.operations[place]]
    }

    /// The tensors that flow into an operation: neither weights nor constants. Each is there once.
    pub(super) fn data(&self, place: usize) -> impl Iterator<Item = usize> + use<'a> {
        let record = self.record;
        let inputs = &self.operation(place).inputs;
        let data = inputs.iter().enumerate().filter(|&(position, input)| {
            let tensor = &record.tensors[*input];
            tensor.owner.is_none()
                && tensor.origin != Origin::Constant
                && !inputs[..position].contains(input)
        });
        data.map(|(_, &input)| input)
    }

    /// How many operations read a tensor.
    pub(super) fn readers(&self, tensor: usize) -> usize {
        self.readers[tensor].len()
    }

    /// The first operation from `start` on that reads a tensor.
    pub(super) fn reader_from(&self, tensor: usize, start: usize) -> Option<usize> {
        let readers = &self.readers[tensor];
        let at = readers.partition_point(|&reader| reader < start);
        readers.get(at).copied()
    }

    /// The last operation that reads a tensor; `None` where none does or the caller does.
    pub(super) fn last_reader(&self, tensor: usize) -> Option<usize> {
        match self.record.outputs.contains(&tensor) {
            true => None,
            false => self.readers[tensor].last().copied(),
        }
    }

    /// The operation that makes a tensor.
    pub(super) fn maker(&self, tensor: usize) -> Option<usize> {
        self.makers[tensor]
    }

    /// Whether the operations from `start` on, before `end`, are this sequence on one tensor: only
    /// that one flows in from outside.
    pub(super) fn matches(&self, sequence: Sequence, start: usize, end: usize) -> bool {
        if start + sequence.len() > end {
            return false;
        }
        let mut entry = None;
        sequence.iter().zip(start..).all(|(name, place)| {
            self.operation(place).name.is(*name)
                && self.data(place).all(|tensor| {
                    let inside = self.maker(tensor).is_some_and(|maker| maker >= start);
                    inside || *entry.get_or_insert(tensor) == tensor
                })
        })
    }
}
