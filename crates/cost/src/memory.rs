//! Memory over time, by liveness on the record.
//!
//! A tensor's memory is taken when an operation makes it and given back after its last use.
//! A view shares its source's memory, which then lives as long as both. An operation that writes
//! one result per element of an input nobody needs any more writes into that input's memory.

use std::cmp::Reverse;
use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};

use crate::gradient::Backward;
use crate::kind::Kind;
use crate::optimizer::Optimizer;
use crate::record::{Operation, Origin, Record};
use crate::report::{Alive, DtypeBytes, MemoryReport};
use crate::tree::Role;

/// Tensors shown as alive at a peak.
const SHOWN: usize = 8;

/// The memory of a forward pass for inference.
pub(crate) fn inference(record: &Record) -> MemoryReport {
    let storages = Storages::new(record, vec![None; record.tensors.len()]);
    let mut report = fixed(record);
    let base = report.parameters + report.buffers;
    fullest(&mut report, record, base, |life| life.forward(&storages));
    report
}

/// The memory of a training step: forward, backward, update.
pub(crate) fn training(record: &Record, backward: &Backward, optimizer: Optimizer) -> MemoryReport {
    let storages = Storages::new(record, saved(record, backward));
    let mut report = fixed(record);
    for parameter in &record.tree.parameters {
        if parameter.role == Role::Trainable {
            report.gradients += parameter.bytes();
            report.optimizer += parameter.bytes() * optimizer.state_values();
        }
    }
    report.saved = storages.saved(record);
    let base = report.parameters + report.buffers + report.optimizer;
    fullest(&mut report, record, base, |life| {
        life.forward(&storages);
        life.backward(&storages, backward);
    });
    report
}

/// Walks twice: to find the fullest moment, and to see what is alive then.
fn fullest<'a>(
    report: &mut MemoryReport,
    record: &'a Record,
    base: u64,
    walk: impl Fn(&mut Life<'a>),
) {
    let mut first = Life::new(record, base, usize::MAX);
    walk(&mut first);
    let mut second = Life::new(record, base, first.peak.moment);
    walk(&mut second);
    report.peak = first.peak.total;
    second.describe(&first.peak, report);
}

/// What is there before the forward pass.
fn fixed(record: &Record) -> MemoryReport {
    let mut report = MemoryReport::default();
    for parameter in &record.tree.parameters {
        match parameter.role {
            Role::Buffer => report.buffers += parameter.bytes(),
            Role::Trainable | Role::Frozen => report.parameters += parameter.bytes(),
        }
    }
    for tensor in &record.tensors {
        match tensor.origin {
            Origin::Constant => report.buffers += tensor.bytes(),
            Origin::Input => report.inputs += tensor.bytes(),
            Origin::Parameter(_) | Origin::Operation(_) => {}
        }
    }
    report
}

/// For each tensor, the first operation in backward order (so the last that frees it) whose
/// gradient needs its values; `None` where none does.
fn saved(record: &Record, backward: &Backward) -> Vec<Option<usize>> {
    let mut kept: Vec<Option<usize>> = vec![None; record.tensors.len()];
    for gradient in &backward.gradients {
        let operation = &record.operations[gradient.operation];
        for tensor in needs(operation, gradient.tensor) {
            let first = kept[tensor].map_or(gradient.operation, |at| at.min(gradient.operation));
            kept[tensor] = Some(first);
        }
    }
    kept
}

/// The tensors whose values the gradient of `input` needs, parameters too.
fn needs(operation: &Operation, input: usize) -> Vec<usize> {
    let others = || {
        let inputs = operation.inputs.iter().copied();
        inputs.filter(move |&other| other != input).collect()
    };
    let all = || operation.inputs.clone();
    match operation.kind {
        Kind::Convolution | Kind::TransposedConvolution | Kind::Linear | Kind::Matmul => {
            // Each factor's gradient needs the other; a bias needs neither.
            match operation.inputs.iter().position(|&other| other == input) {
                Some(0) => operation.inputs.get(1).copied().into_iter().collect(),
                Some(1) => operation.inputs.first().copied().into_iter().collect(),
                _ => Vec::new(),
            }
        }
        Kind::BatchNorm | Kind::LayerNorm => operation.inputs.iter().take(2).copied().collect(),
        Kind::DeformableConvolution | Kind::Attention | Kind::Custom | Kind::Loss => all(),
        Kind::Softmax => operation.outputs.clone(),
        Kind::Activation => match operation.name.as_str() {
            "relu" | "sigmoid" => operation.outputs.clone(),
            _ => all(),
        },
        // The input of a pooling, and where its largest values were.
        Kind::MaxPool => operation.inputs.iter().chain(&operation.outputs).copied().collect(),
        Kind::Embedding => operation.inputs.iter().skip(1).copied().collect(),
        Kind::Elementwise => match operation.name.as_str() {
            "add" | "sub" | "add_scalar" | "sub_scalar" | "mul_scalar" | "div_scalar" | "neg" => {
                Vec::new()
            }
            "mul" => others(),
            "exp" | "sqrt" | "tanh" | "recip" => operation.outputs.clone(),
            _ => all(),
        },
        Kind::Reduction => match operation.name.as_str() {
            "sum" | "sum_dim" | "sum_dims" | "mean" | "mean_dim" => Vec::new(),
            _ => all(),
        },
        Kind::Sort => operation.outputs.clone(),
        Kind::Movement => match operation.name.as_str() {
            "gather" | "gather_nd" | "select" => operation.inputs.iter().skip(1).copied().collect(),
            _ => Vec::new(),
        },
        Kind::LinearBias
        | Kind::View
        | Kind::AveragePool
        | Kind::AdaptiveAveragePool
        | Kind::Interpolation
        | Kind::Creation
        | Kind::Quantization
        | Kind::Collective
        | Kind::Optimizer => Vec::new(),
    }
}

/// Whether each result depends on one element of each input, so that it can replace it.
fn replaces(kind: Kind) -> bool {
    matches!(kind, Kind::Elementwise | Kind::LinearBias | Kind::Activation)
}

/// The fullest moment so far.
#[derive(Default)]
struct Peak {
    total: u64,
    moment: usize,
    operation: usize,
    backward: bool,
}

/// Walks along the operations and keeps track of what is alive.
struct Life<'a> {
    record: &'a Record,
    /// Parameters, buffers and optimizer state.
    base: u64,
    /// Storages of tensors, and gradients by tensor, with their bytes.
    alive: HashMap<usize, u64>,
    gradients: HashMap<usize, u64>,
    tensor_bytes: u64,
    gradient_bytes: u64,
    peak: Peak,
    moment: usize,
    /// The moment whose living tensors are wanted, and these.
    wanted: usize,
    snapshot: Vec<(usize, u64)>,
    snapshot_gradients: u64,
}

impl<'a> Life<'a> {
    fn new(record: &'a Record, base: u64, wanted: usize) -> Self {
        Self {
            record,
            base,
            alive: HashMap::new(),
            gradients: HashMap::new(),
            tensor_bytes: 0,
            gradient_bytes: 0,
            peak: Peak::default(),
            moment: 0,
            wanted,
            snapshot: Vec::new(),
            snapshot_gradients: 0,
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

    fn take_gradient(&mut self, tensor: usize, bytes: u64) {
        if let Entry::Vacant(entry) = self.gradients.entry(tensor) {
            entry.insert(bytes);
            self.gradient_bytes += bytes;
        }
    }

    fn release_gradient(&mut self, tensor: usize) -> Option<u64> {
        let bytes = self.gradients.remove(&tensor)?;
        self.gradient_bytes -= bytes;
        Some(bytes)
    }

    fn note(&mut self, operation: usize, backward: bool) {
        let total = self.base + self.tensor_bytes + self.gradient_bytes;
        if total > self.peak.total {
            self.peak = Peak {
                total,
                moment: self.moment,
                operation,
                backward,
            };
        }
        if self.moment == self.wanted {
            self.snapshot = self.alive.iter().map(|(&tensor, &bytes)| (tensor, bytes)).collect();
            self.snapshot_gradients = self.gradient_bytes;
        }
        self.moment += 1;
    }

    fn forward(&mut self, storages: &Storages) {
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
            self.note(index, false);
            for &tensor in operation.inputs.iter().chain(&operation.outputs) {
                let storage = storages.of[tensor];
                if storages.last[storage] <= index && storages.kept[storage].is_none() {
                    self.release(storage);
                }
            }
        }
    }

    fn backward(&mut self, storages: &Storages, backward: &Backward) {
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
            let view = operation.kind == Kind::View;
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
            for &storage in &freed[index] {
                self.release(storage);
            }
        }
    }

    /// Says what is alive at the wanted moment.
    fn describe(&self, peak: &Peak, report: &mut MemoryReport) {
        let record = self.record;
        if let Some(operation) = record.operations.get(peak.operation) {
            report.peak_operation = match peak.backward {
                true => format!("{} (backward)", operation.name),
                false => operation.name.clone(),
            };
            report.peak_path.clone_from(&record.tree.nodes[operation.node].path);
        }
        let mut by_dtype: BTreeMap<&str, u64> = BTreeMap::new();
        for parameter in &record.tree.parameters {
            *by_dtype.entry(parameter.dtype.name()).or_default() += parameter.bytes();
        }
        for tensor in &record.tensors {
            if tensor.origin == Origin::Constant {
                *by_dtype.entry(tensor.dtype.name()).or_default() += tensor.bytes();
            }
        }
        for &(tensor, bytes) in &self.snapshot {
            *by_dtype.entry(record.tensors[tensor].dtype.name()).or_default() += bytes;
            report.alive.push(describe(record, tensor, bytes));
        }
        // Gradients and the optimizer's state have the type of what they belong to.
        let trained = self.snapshot_gradients + report.optimizer;
        if trained > 0 {
            let dtype = record.tree.parameters.first().map_or("f32", |p| p.dtype.name());
            *by_dtype.entry(dtype).or_default() += trained;
        }
        for (what, bytes) in [
            ("parameters", report.parameters),
            ("buffers", report.buffers),
            ("optimizer state", report.optimizer),
            ("gradients", self.snapshot_gradients),
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

fn describe(record: &Record, tensor: usize, bytes: u64) -> Alive {
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

/// Which tensors share memory, and how long each memory is needed.
struct Storages {
    /// The tensor that owns each tensor's memory.
    of: Vec<usize>,
    /// For each owner, the last operation of the forward pass that uses its memory.
    last: Vec<usize>,
    /// For each owner, the operation whose gradient is the last that needs its memory.
    kept: Vec<Option<usize>>,
}

impl Storages {
    /// `kept` says the same of each tensor.
    fn new(record: &Record, kept: Vec<Option<usize>>) -> Self {
        let mut storages = Self {
            of: (0..record.tensors.len()).collect(),
            last: vec![0; record.tensors.len()],
            kept,
        };
        storages.views(record);
        storages.uses(record);
        storages.replacements(record);
        storages
    }

    /// A view lies in its source's memory and is kept with it.
    fn views(&mut self, record: &Record) {
        for operation in &record.operations {
            if operation.kind == Kind::View
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
    fn replacements(&mut self, record: &Record) {
        // Where each memory went so far; views follow their source.
        let roots = self.of.clone();
        let mut moved: Vec<usize> = (0..record.tensors.len()).collect();
        for (index, operation) in record.operations.iter().enumerate() {
            let (&[output], true) = (operation.outputs.as_slice(), replaces(operation.kind)) else {
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
    fn saved(&self, record: &Record) -> u64 {
        (0..record.tensors.len())
            .filter(|&tensor| self.of[tensor] == tensor && self.kept[tensor].is_some())
            .map(|tensor| &record.tensors[tensor])
            .filter(|tensor| matches!(tensor.origin, Origin::Operation(_)))
            .map(|tensor| tensor.bytes())
            .sum()
    }
}
