//! The report: rows of data, apart from how they are shown.

use serde::{Deserialize, Serialize};

use crate::bounds::{Bound, Bounds};
use crate::work::Work;

/// The version of the JSON form of [`Report`]; it grows when a field changes its meaning or goes.
pub const SCHEMA: u32 = 2;

/// What a module costs, module by module.
///
/// Each [`Row`] holds a module's *own* share, without its children's, so the rows add up to
/// [`Report::total`] exactly, at any [depth](Report::folded).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// [`SCHEMA`].
    pub schema: u32,
    /// The name of the model.
    pub model: String,
    /// The inputs of the forward pass, in the order in which they were made.
    pub inputs: Vec<TensorSpec>,
    /// The outputs of the forward pass.
    pub outputs: Vec<TensorSpec>,
    /// The convention in which every `cost` is given.
    pub convention: ConventionInfo,
    /// One row per module, in the order of the module tree, the root first. A module that only
    /// holds others has a row of zeros.
    pub rows: Vec<Row>,
    /// The sum of all rows.
    pub total: Total,
    /// The same cost by kind of operation, dearest first.
    pub by_kind: Vec<KindShare>,
    /// Operations that no rule covers.
    pub uncounted: Vec<Uncounted>,
    /// What the figures do not say: parameters and inputs that nothing reads, outputs that do not
    /// come from the inputs, a backward pass that is empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// Memory that a forward pass for inference takes.
    pub inference: MemoryReport,
    /// What a training step adds; absent unless it was asked for.
    pub training: Option<TrainingReport>,
    /// The least time of the forward pass; absent unless [asked for](Report::with_bounds).
    pub bounds: Option<Bounds>,
}

/// A tensor's shape and type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TensorSpec {
    /// Its dimensions.
    pub shape: Vec<usize>,
    /// Its element type, such as `f32`.
    pub dtype: String,
}

/// The name and the meaning of the convention that a figure is in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConventionInfo {
    /// Its name, such as `macs`.
    pub name: String,
    /// What one unit of it is: `MAC` or `FLOP`.
    pub unit: String,
    /// One line that defines it.
    pub definition: String,
}

/// Numbers of parameters. A tied parameter counts where it is met first, once.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parameters {
    /// Trained by an optimizer.
    pub trainable: u128,
    /// Parameters that are frozen.
    pub frozen: u128,
    /// Values that are no parameters, such as running statistics.
    pub buffers: u128,
}

impl Parameters {
    /// Trainable and frozen ones, without buffers.
    pub fn count(&self) -> u128 {
        self.trainable + self.frozen
    }
}

impl std::ops::AddAssign for Parameters {
    fn add_assign(&mut self, other: Self) {
        self.trainable += other.trainable;
        self.frozen += other.frozen;
        self.buffers += other.buffers;
    }
}

/// One module's own share.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// Its path in the module tree, such as `blocks.0.layers.1.conv`; empty for the root.
    pub path: String,
    /// Its type, such as `Conv2d`.
    pub module: String,
    /// The number of path segments; 0 for the root.
    pub depth: usize,
    /// How often the forward pass calls it; 0 for a list of modules, which is not called itself.
    pub calls: u128,
    /// The shapes of the tensors that flow into its first call, its parameters left out.
    pub inputs: Vec<Vec<usize>>,
    /// The shapes of the tensors that flow out of its first call.
    pub outputs: Vec<Vec<usize>>,
    /// The operations that it makes itself, in all calls.
    pub operations: u128,
    /// Its parameters.
    pub parameters: Parameters,
    /// The cost of the forward pass in the report's convention.
    pub cost: u128,
    /// The cost of the backward pass; 0 unless training was asked for.
    pub backward_cost: u128,
    /// The cost of the forward pass in training, statistics of batches and, where they were
    /// recorded, dropout and noise included; 0 unless training was asked for.
    pub training_cost: u128,
    /// The optimizer's work for its parameters; none unless training was asked for.
    pub update: Work,
    /// The forward pass, counted operation by operation.
    pub work: Work,
    /// Bytes of the tensors that it computes, views left out.
    pub activation_bytes: u128,
    /// The least time that it takes; absent unless [asked for](Report::with_bounds).
    pub bound: Option<Bound>,
}

/// The sum of all rows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Total {
    /// All parameters.
    pub parameters: Parameters,
    /// Their bytes, buffers included.
    pub parameter_bytes: u128,
    /// The cost of the forward pass in the report's convention.
    pub cost: u128,
    /// The cost of the backward pass; 0 unless training was asked for.
    pub backward_cost: u128,
    /// The forward pass, counted operation by operation.
    pub work: Work,
    /// Bytes of all computed tensors, views left out.
    pub activation_bytes: u128,
}

/// The share of one kind of operation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KindShare {
    /// The kind, such as `convolution`.
    pub kind: String,
    /// How many operations of this kind the forward pass has.
    pub operations: u128,
    /// Their cost in the report's convention.
    pub cost: u128,
    /// Their work.
    pub work: Work,
}

/// Operations of one name in one module that no rule covers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Uncounted {
    /// The operation's name.
    pub operation: String,
    /// The module's path.
    pub path: String,
    /// How many there are.
    pub operations: u128,
    /// The elements that they put out.
    pub elements: u128,
}

/// Memory at its peak, in bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemoryReport {
    /// Parameters, trainable and frozen.
    pub parameters: u128,
    /// Buffers.
    pub buffers: u128,
    /// The inputs of the forward pass.
    pub inputs: u128,
    /// Gradients of parameters, at the end of the backward pass; 0 for inference.
    pub gradients: u128,
    /// The optimizer's state; 0 for inference.
    pub optimizer: u128,
    /// What the forward pass keeps for the backward pass; 0 for inference.
    pub saved: u128,
    /// The most that is alive at once, everything above included where it is alive.
    pub peak: u128,
    /// The operation at which the peak is reached, such as `conv2d`.
    pub peak_operation: String,
    /// The module which that operation belongs to.
    pub peak_path: String,
    /// What is alive there, largest first.
    pub alive: Vec<Alive>,
    /// The parts of the peak by element type.
    pub by_dtype: Vec<DtypeBytes>,
}

/// A tensor that is alive at the peak.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alive {
    /// What it is, such as `output of conv2d` or `parameters`.
    pub what: String,
    /// The module which it belongs to.
    pub path: String,
    /// Its bytes.
    pub bytes: u128,
}

/// Bytes of one element type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DtypeBytes {
    /// The element type, such as `f32`.
    pub dtype: String,
    /// Its bytes.
    pub bytes: u128,
}

/// A training step: forward, backward, optimizer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrainingReport {
    /// The optimizer: `sgd`, `momentum` or `adam`.
    pub optimizer: String,
    /// The cost of the forward pass in the report's convention.
    pub forward: u128,
    /// The cost of the backward pass in the report's convention.
    pub backward: u128,
    /// The optimizer's multiplications, additions and so on.
    pub update: Work,
    /// Memory of the step.
    pub memory: MemoryReport,
}

impl Report {
    /// The share of a cost in the forward total, in percent; 0 where the total is 0.
    pub fn percent(&self, cost: u128) -> f64 {
        if self.total.cost == 0 {
            return 0.0;
        }
        cost as f64 / self.total.cost as f64 * 100.0
    }

    /// The report with every module below `depth` folded into its ancestor at that depth.
    /// The rows still add up.
    pub fn folded(&self, depth: usize) -> Self {
        let mut rows: Vec<Row> = Vec::new();
        for row in &self.rows {
            let path = row
                .path
                .split('.')
                .filter(|part| !part.is_empty())
                .take(depth)
                .collect::<Vec<_>>()
                .join(".");
            match rows.last_mut() {
                Some(last) if last.path == path => last.absorb(row),
                _ => rows.push(row.clone()),
            }
        }
        Self {
            rows,
            ..self.clone()
        }
    }
}

impl Row {
    /// Whether the module owns nothing itself: no parameters, no operations.
    pub fn is_empty(&self) -> bool {
        self.operations == 0 && self.parameters == Parameters::default()
    }

    fn absorb(&mut self, other: &Row) {
        self.operations += other.operations;
        self.parameters += other.parameters;
        self.cost += other.cost;
        self.backward_cost += other.backward_cost;
        self.training_cost += other.training_cost;
        self.update += other.update;
        self.work += other.work;
        self.activation_bytes += other.activation_bytes;
        if let Some(bound) = other.bound {
            *self.bound.get_or_insert_default() += bound;
        }
    }
}
