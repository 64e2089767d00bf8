//! Which tensors share memory, and how long it is needed.

use super::saved::Saved;
use crate::record::{Origin, Record};
use crate::rules::Place;

/// Which tensors share memory, and how long each memory is needed.
pub(super) struct Storages {
    /// The tensor that owns each tensor's memory.
    pub(super) of: Vec<usize>,
    /// For each owner, the last operation of the forward pass that uses its memory.
    pub(super) last: Vec<usize>,
    /// For each owner, the operation whose gradient is the last that needs its memory.
    pub(super) kept: Vec<Option<usize>>,
}

impl Storages {
    /// With what is kept of each tensor.
    pub(super) fn new(record: &Record, saved: &Saved, training: bool) -> Self {
        let mut storages = Self {
            of: (0..record.tensors.len()).collect(),
            last: vec![0; record.tensors.len()],
            kept: saved.tensors.clone(),
        };
        storages.views(record);
        storages.uses(record);
        storages.replacements(record, training);
        storages
    }

    /// A view lies in its source's memory and is kept with it.
    fn views(&mut self, record: &Record) {
        for operation in &record.operations {
            if operation.place == Place::View
                && let (Some(&input), Some(&output)) =
                    (operation.inputs.first(), operation.outputs.first())
            {
                self.share(output, self.of[input]);
            }
        }
    }

    fn share(&mut self, tensor: usize, owner: usize) {
        self.of[tensor] = owner;
        self.last[owner] = self.last[owner].max(self.last[tensor]);
        self.kept[owner] = match (self.kept[owner], self.kept[tensor]) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
    }

    fn uses(&mut self, record: &Record) {
        let mut consumed = vec![false; record.tensors.len()];
        for (index, operation) in record.operations.iter().enumerate() {
            for &tensor in operation.inputs.iter().chain(&operation.outputs) {
                self.last[self.of[tensor]] = index;
            }
            for &input in &operation.last_uses {
                consumed[input] = true;
            }
        }
        // What the caller still holds lives on.
        let held = record.inputs.iter().filter(|&&input| !consumed[input]);
        for &tensor in record.outputs.iter().chain(held) {
            self.last[self.of[tensor]] = usize::MAX;
        }
    }

    /// An operation that makes one result per element of an input that nobody needs any more
    /// writes into that input's memory.
    fn replacements(&mut self, record: &Record, training: bool) {
        // Where each memory went so far; views follow their source.
        let roots = self.of.clone();
        let mut moved: Vec<usize> = (0..record.tensors.len()).collect();
        for (index, operation) in record.operations.iter().enumerate() {
            let replaces = operation.place.replaces(training);
            let (&[output], true) = (operation.outputs.as_slice(), replaces) else {
                continue;
            };
            let bytes = record.tensors[output].bytes();
            let replaced = operation.last_uses.iter().copied().find(|&input| {
                let memory = moved[roots[input]];
                matches!(record.tensors[memory].origin, Origin::Operation(_))
                    && record.tensors[memory].bytes() == bytes
                    && record.tensors[input].bytes() == bytes
                    && self.last[memory] == index
                    && self.kept[memory].is_none()
            });
            if let Some(input) = replaced {
                let memory = moved[roots[input]];
                moved[output] = memory;
                self.share(output, memory);
            }
        }
        for (tensor, &root) in roots.iter().enumerate() {
            self.of[tensor] = moved[root];
        }
    }

    /// Bytes of computed tensors that the backward pass needs.
    pub(super) fn saved(&self, record: &Record) -> u128 {
        (0..record.tensors.len())
            .filter(|&tensor| self.of[tensor] == tensor && self.kept[tensor].is_some())
            .map(|tensor| &record.tensors[tensor])
            .filter(|tensor| matches!(tensor.origin, Origin::Operation(_)))
            .map(|tensor| tensor.bytes())
            .sum()
    }
}
