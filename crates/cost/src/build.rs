//! Makes a report of a record.

use std::collections::BTreeMap;

use crate::analysis::Analysis;
use crate::calls::calls;
use crate::convention::{Convention, MACS};
use crate::error::Error;
use crate::gradient::{Backward, backward};
use crate::kind::Kind;
use crate::memory;
use crate::notes::notes;
use crate::optimizer::Optimizer;
use crate::record::{Operation, Record};
use crate::report::{
    ConventionInfo, KindShare, Report, Row, SCHEMA, TensorSpec, Total, TrainingReport, Uncounted,
};
use crate::training::{Training, random_modules};
use crate::tree::Role;
use crate::work::Work;

/// What a report is to contain.
#[derive(Debug, Clone)]
pub struct Options {
    /// The model's name in the report; the module's type if there is none.
    pub name: Option<String>,
    /// What `cost` means. Multiply-accumulates by default.
    pub convention: Convention,
    /// Adds a training step with this optimizer.
    pub training: Option<Optimizer>,
    /// Whether the gradients of the inputs are wanted in training, as for a part of a network.
    pub input_gradients: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            name: None,
            convention: MACS,
            training: None,
            input_gradients: false,
        }
    }
}

impl Options {
    /// With another convention.
    #[must_use]
    pub fn with_convention(self, convention: Convention) -> Self {
        Self { convention, ..self }
    }

    /// With a training step.
    #[must_use]
    pub fn with_training(self, optimizer: Optimizer) -> Self {
        Self {
            training: Some(optimizer),
            ..self
        }
    }

    /// With a name for the model.
    #[must_use]
    pub fn with_name(self, name: impl Into<String>) -> Self {
        Self {
            name: Some(name.into()),
            ..self
        }
    }

    /// With gradients of the inputs.
    #[must_use]
    pub fn with_input_gradients(self) -> Self {
        Self {
            input_gradients: true,
            ..self
        }
    }
}

impl Analysis {
    /// The report. Operations without a rule are listed in it as uncounted.
    pub fn report(&self, options: &Options) -> Report {
        let record = &self.record;
        let training = options
            .training
            .map(|optimizer| (optimizer, backward(record, options.input_gradients)));
        let mut rows = rows(record, &options.convention);
        if let Some((optimizer, backward)) = &training {
            self.train(&options.convention, *optimizer, backward, &mut rows);
        }
        let rows = shown(record, rows);
        let total = total(record, &rows);
        Report {
            schema: SCHEMA,
            model: options
                .name
                .clone()
                .unwrap_or_else(|| record.tree.nodes[0].module.clone()),
            inputs: specs(record, &record.inputs),
            outputs: specs(record, &record.outputs),
            convention: ConventionInfo {
                name: options.convention.name.into(),
                unit: options.convention.unit.into(),
                definition: options.convention.definition.into(),
            },
            by_kind: by_kind(record, &options.convention),
            uncounted: self.uncounted(training.as_ref().map(|t| &t.1)),
            notes: notes(record, training.as_ref().map(|t| &t.1)),
            inference: memory::inference(record),
            training: training.map(|(optimizer, backward)| TrainingReport {
                optimizer: optimizer.to_string(),
                forward: rows.iter().map(|row| row.training_cost).sum(),
                backward: total.backward_cost,
                update: rows
                    .iter()
                    .fold(Work::default(), |sum, row| sum + row.update),
                memory: memory::training(
                    record,
                    &backward,
                    optimizer,
                    self.training.iter().flat_map(Training::kept),
                ),
            }),
            bounds: None,
            rows,
            total,
        }
    }

    /// The report, for which every operation has to have a rule.
    ///
    /// # Errors
    /// [`Error::Uncounted`] names the operations without one.
    pub fn strict_report(&self, options: &Options) -> Result<Report, Error> {
        let report = self.report(options);
        if report.uncounted.is_empty() {
            return Ok(report);
        }
        let describe = |entry: &Uncounted| {
            format!(
                "`{}` in `{}` ({} times, {} elements)",
                entry.operation, entry.path, entry.operations, entry.elements
            )
        };
        Err(Error::Uncounted(
            report.uncounted.iter().map(describe).collect(),
        ))
    }
}

impl Analysis {
    /// Fills in what a training step takes, row by row.
    fn train(
        &self,
        convention: &Convention,
        optimizer: Optimizer,
        backward: &Backward,
        rows: &mut [Row],
    ) {
        let record = &self.record;
        for operation in &record.operations {
            let work = operation.work.unwrap_or_default() + operation.in_training;
            rows[operation.node].training_cost += convention.cost(record, operation, &work);
        }
        for gradient in &backward.gradients {
            let operation = &record.operations[gradient.operation];
            let work = gradient.work.unwrap_or_default();
            let cost = convention.backward_cost(record, operation, &work);
            rows[operation.node].backward_cost += cost;
        }
        for (record, operation, work, gradient) in self.training.iter().flat_map(Training::works) {
            let row = &mut rows[operation.node];
            row.training_cost += convention.cost(record, operation, &work);
            row.backward_cost += convention.backward_cost(record, operation, &gradient);
        }
        for parameter in &record.tree.parameters {
            if parameter.role == Role::Trainable {
                let size = parameter.dtype.size() as u128;
                rows[parameter.node].update += optimizer.update(parameter.elements(), size);
            }
        }
    }

    /// Operations without a rule, gradients too in training, and modules that do something in
    /// training that was not recorded.
    fn uncounted(&self, backward: Option<&Backward>) -> Vec<Uncounted> {
        let mut found = uncounted(&self.record, backward);
        if backward.is_some() && self.training.is_none() {
            found.extend(random_modules(&self.record).map(|node| {
                let node = &self.record.tree.nodes[node];
                Uncounted {
                    operation: format!("{} (training)", node.module),
                    path: node.path.clone(),
                    operations: 0,
                    elements: 0,
                }
            }));
        }
        found
    }
}

fn specs(record: &Record, tensors: &[usize]) -> Vec<TensorSpec> {
    tensors
        .iter()
        .map(|&tensor| TensorSpec {
            shape: record.tensors[tensor].shape.clone(),
            dtype: record.tensors[tensor].dtype.name().into(),
        })
        .collect()
}

fn rows(record: &Record, convention: &Convention) -> Vec<Row> {
    let tree = &record.tree;
    let mut rows: Vec<Row> = tree
        .nodes
        .iter()
        .map(|node| Row {
            path: node.path.clone(),
            module: node.module.clone(),
            depth: node.depth,
            ..Row::default()
        })
        .collect();
    for parameter in &tree.parameters {
        let count = &mut rows[parameter.node].parameters;
        match parameter.role {
            Role::Trainable => count.trainable += parameter.elements(),
            Role::Frozen => count.frozen += parameter.elements(),
            Role::Buffer => count.buffers += parameter.elements(),
        }
    }
    for operation in &record.operations {
        let row = &mut rows[operation.node];
        let work = operation.work.unwrap_or_default();
        row.operations += 1;
        row.work += work;
        row.cost += convention.cost(record, operation, &work);
        row.activation_bytes += activation_bytes(record, operation);
    }
    for (row, call) in rows.iter_mut().zip(calls(record)) {
        row.calls = call.times;
        let shape = |tensor: usize| record.tensors[tensor].shape.clone();
        row.inputs = call.inputs.into_iter().map(shape).collect();
        row.outputs = call.outputs.into_iter().map(shape).collect();
    }
    rows
}

/// All rows but those of hidden nodes that have nothing of their own.
fn shown(record: &Record, rows: Vec<Row>) -> Vec<Row> {
    let hidden = record.tree.nodes.iter().map(|node| node.hidden);
    rows.into_iter()
        .zip(hidden)
        .filter(|(row, hidden)| !hidden || !row.is_empty())
        .map(|(row, _)| row)
        .collect()
}

/// Bytes that an operation allocates for its results.
fn activation_bytes(record: &Record, operation: &Operation) -> u128 {
    if operation.kind == Kind::View {
        return 0;
    }
    let outputs = operation.outputs.iter();
    outputs.map(|&output| record.tensors[output].bytes()).sum()
}

fn total(record: &Record, rows: &[Row]) -> Total {
    let mut total = Total::default();
    for row in rows {
        total.parameters += row.parameters;
        total.cost += row.cost;
        total.backward_cost += row.backward_cost;
        total.work += row.work;
        total.activation_bytes += row.activation_bytes;
    }
    total.parameter_bytes = record.tree.parameters.iter().map(|p| p.bytes()).sum();
    total
}

fn by_kind(record: &Record, convention: &Convention) -> Vec<KindShare> {
    let mut shares: BTreeMap<Kind, (u128, u128, Work)> = BTreeMap::new();
    for operation in &record.operations {
        let work = operation.work.unwrap_or_default();
        let share = shares.entry(operation.kind).or_default();
        share.0 += 1;
        share.1 += convention.cost(record, operation, &work);
        share.2 += work;
    }
    let mut shares: Vec<_> = shares
        .into_iter()
        .map(|(kind, (operations, cost, work))| KindShare {
            kind: kind.name().into(),
            operations,
            cost,
            work,
        })
        .collect();
    shares.sort_by_key(|share| std::cmp::Reverse(share.cost));
    shares
}

fn uncounted(record: &Record, backward: Option<&Backward>) -> Vec<Uncounted> {
    let forward = record.operations.iter().enumerate();
    let forward = forward.filter(|(_, operation)| operation.work.is_none());
    let forward = forward.map(|(index, operation)| (index, operation.name.to_string()));
    let gradients = backward.iter().flat_map(|backward| &backward.gradients);
    let gradients = gradients.filter(|gradient| gradient.work.is_none());
    let gradients = gradients.map(|gradient| {
        let name = &record.operations[gradient.operation].name;
        (gradient.operation, format!("{name} (backward)"))
    });
    let mut found: BTreeMap<(usize, String), (u128, u128)> = BTreeMap::new();
    for (index, name) in forward.chain(gradients) {
        let operation = &record.operations[index];
        let outputs = operation.outputs.iter();
        let elements: u128 = outputs
            .map(|&output| record.tensors[output].elements())
            .sum();
        let entry = found.entry((operation.node, name)).or_default();
        entry.0 += 1;
        entry.1 += elements;
    }
    found
        .into_iter()
        .map(|((node, operation), (operations, elements))| Uncounted {
            operation,
            path: record.tree.nodes[node].path.clone(),
            operations,
            elements,
        })
        .collect()
}
