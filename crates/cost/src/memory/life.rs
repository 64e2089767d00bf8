//! What is alive, operation by operation.

use std::cmp::Reverse;
use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};

use super::saved::Saved;
use super::storage::Storages;
use crate::gradient::Backward;
use crate::record::{Origin, Record};
use crate::report::{Alive, DtypeBytes, MemoryReport};
use crate::rules::Place;

/// Tensors shown as alive at a peak.
const SHOWN: usize = 8;

/// The fullest moment so far.
#[derive(Default)]
pub(super) struct Peak {
    pub(super) total: u128,
    pub(super) moment: usize,
    operation: usize,
    backward: bool,
}

/// Walks along the operations and keeps track of what is alive.
pub(super) struct Life<'a> {
    record: &'a Record,
    /// Parameters, buffers and optimizer state.
    base: u128,
    /// Storages of tensors, and gradients by tensor, with their bytes.
    alive: HashMap<usize, u128>,
    gradients: HashMap<usize, u128>,
    tensor_bytes: u128,
    gradient_bytes: u128,
    /// What is kept beside tensors.
    beside: u128,
    pub(super) peak: Peak,
    moment: usize,
    /// The moment whose living tensors are wanted, and these.
    wanted: usize,
    snapshot: Vec<(usize, u128)>,
    snapshot_gradients: u128,
    snapshot_beside: u128,
}

impl<'a> Life<'a> {
    pub(super) fn new(record: &'a Record, base: u128, wanted: usize) -> Self {
        Self {
            record,
            base,
            alive: HashMap::new(),
            gradients: HashMap::new(),
            tensor_bytes: 0,
            gradient_bytes: 0,
            beside: 0,
            peak: Peak::default(),
            moment: 0,
            wanted,
            snapshot: Vec::new(),
            snapshot_gradients: 0,
            snapshot_beside: 0,
        }
    }

    fn take(&mut self, storage: usize) {
        let bytes = self.record.tensors[storage].bytes();
        if self.alive.insert(storage, bytes).is_none() {
            self.tensor_bytes += bytes;
        }
    }

    fn release(&mut self, storage: usize) {
        self.tensor_bytes -= self.alive.remove(&storage).unwrap_or(0);
    }

    fn take_gradient(&mut self, tensor: usize, bytes: u128) {
        if let Entry::Vacant(entry) = self.gradients.entry(tensor) {
            entry.insert(bytes);
            self.gradient_bytes += bytes;
        }
    }

    fn release_gradient(&mut self, tensor: usize) -> Option<u128> {
        let bytes = self.gradients.remove(&tensor)?;
        self.gradient_bytes -= bytes;
        Some(bytes)
    }

    fn note(&mut self, operation: usize, backward: bool) {
        let total = self.base + self.tensor_bytes + self.beside + self.gradient_bytes;
        if total > self.peak.total {
            self.peak = Peak {
                total,
                moment: self.moment,
                operation,
                backward,
            };
        }
        if self.moment == self.wanted {
            self.snapshot = self
                .alive
                .iter()
                .map(|(&tensor, &bytes)| (tensor, bytes))
                .collect();
            self.snapshot_gradients = self.gradient_bytes;
            self.snapshot_beside = self.beside;
        }
        self.moment += 1;
    }

    pub(super) fn forward(&mut self, storages: &Storages, saved: &Saved) {
        let record = self.record;
        for &input in &record.inputs {
            self.take(input);
        }
        self.note(0, false);
        for (index, operation) in record.operations.iter().enumerate() {
            for &output in &operation.outputs {
                if storages.of[output] == output {
                    self.take(output);
                }
            }
            // What is kept is there while the operation runs, and the other way round.
            let kept = saved.beside[index];
            self.beside += kept.max(operation.aside);
            self.note(index, false);
            self.beside -= kept.max(operation.aside) - kept;
            for &tensor in operation.inputs.iter().chain(&operation.outputs) {
                let storage = storages.of[tensor];
                if storages.last[storage] <= index && storages.kept[storage].is_none() {
                    self.release(storage);
                }
            }
        }
    }

    pub(super) fn backward(&mut self, storages: &Storages, saved: &Saved, backward: &Backward) {
        let record = self.record;
        let mut freed: Vec<Vec<usize>> = vec![Vec::new(); record.operations.len()];
        for (storage, kept) in storages.kept.iter().enumerate() {
            if let Some(operation) = *kept {
                freed[operation].push(storage);
            }
        }
        for &output in &record.outputs {
            if backward.flows[output] {
                self.take_gradient(output, record.tensors[output].bytes());
            }
        }
        let mut gradients = backward.gradients.iter().peekable();
        for (index, operation) in record.operations.iter().enumerate().rev() {
            let view = operation.place == Place::View;
            while let Some(gradient) = gradients.next_if(|gradient| gradient.operation == index) {
                // The gradient of a view is a view of the gradient.
                let handed_on = operation.outputs.first().filter(|_| view);
                let bytes = handed_on
                    .and_then(|&output| self.release_gradient(output))
                    .unwrap_or_else(|| record.tensors[gradient.tensor].bytes());
                self.take_gradient(gradient.tensor, bytes);
            }
            self.note(index, true);
            for &output in &operation.outputs {
                self.release_gradient(output);
            }
            self.beside -= saved.beside[index];
            for &storage in &freed[index] {
                self.release(storage);
            }
        }
    }

    /// Says what is alive at the wanted moment.
    pub(super) fn describe(&self, peak: &Peak, report: &mut MemoryReport) {
        let record = self.record;
        if let Some(operation) = record.operations.get(peak.operation) {
            report.peak_operation = match peak.backward {
                true => format!("{} (backward)", operation.name),
                false => operation.name.to_string(),
            };
            report
                .peak_path
                .clone_from(&record.tree.nodes[operation.node].path);
        }
        let mut by_dtype: BTreeMap<&str, u128> = BTreeMap::new();
        for parameter in &record.tree.parameters {
            *by_dtype.entry(parameter.dtype.name()).or_default() += parameter.bytes();
        }
        for tensor in &record.tensors {
            if tensor.origin == Origin::Constant {
                *by_dtype.entry(tensor.dtype.name()).or_default() += tensor.bytes();
            }
        }
        for &(tensor, bytes) in &self.snapshot {
            *by_dtype
                .entry(record.tensors[tensor].dtype.name())
                .or_default() += bytes;
            report.alive.push(describe(record, tensor, bytes));
        }
        if self.snapshot_beside > 0 {
            *by_dtype.entry("i64").or_default() += self.snapshot_beside;
        }
        // Gradients and the optimizer's state have the type of what they belong to.
        let trained = self.snapshot_gradients + report.optimizer;
        if trained > 0 {
            let dtype = record
                .tree
                .parameters
                .first()
                .map_or("f32", |p| p.dtype.name());
            *by_dtype.entry(dtype).or_default() += trained;
        }
        for (what, bytes) in [
            ("parameters", report.parameters),
            ("buffers", report.buffers),
            ("optimizer state", report.optimizer),
            ("gradients", self.snapshot_gradients),
            ("kept beside tensors", self.snapshot_beside),
        ] {
            if bytes > 0 {
                report.alive.push(Alive {
                    what: what.into(),
                    path: String::new(),
                    bytes,
                });
            }
        }
        let order = |alive: &Alive| (Reverse(alive.bytes), alive.path.clone(), alive.what.clone());
        report.alive.sort_by_cached_key(order);
        report.alive.truncate(SHOWN);
        report.by_dtype = by_dtype
            .into_iter()
            .map(|(dtype, bytes)| DtypeBytes {
                dtype: dtype.into(),
                bytes,
            })
            .collect();
    }
}

fn describe(record: &Record, tensor: usize, bytes: u128) -> Alive {
    let (what, path) = match record.tensors[tensor].origin {
        Origin::Operation(index) => {
            let operation = &record.operations[index];
            let path = &record.tree.nodes[operation.node].path;
            (format!("output of {}", operation.name), path.clone())
        }
        Origin::Input | Origin::Constant | Origin::Parameter(_) => ("input".into(), String::new()),
    };
    Alive { what, path, bytes }
}
