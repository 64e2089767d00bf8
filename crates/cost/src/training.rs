//! What a forward pass does in training alone.
//!
//! Burn's layers ask the device of their input whether they are in training. Inputs that a
//! recording makes with autodiff send them those ways, so dropout leaves its operations. Layers
//! that autodiff has no rule for arrive taken apart in such a recording, and it cannot be
//! reversed. So it only says what is more than in inference: operations on random numbers.
//! Everything else is counted by the recording of inference.

use std::collections::HashMap;

use crate::record::{Operation, Record};
use crate::rules::Name;
use crate::work::Work;

/// Modules of Burn that do something in training alone.
const RANDOM: &[&str] = &["Dropout", "GaussianNoise", "RRelu"];

/// The recording of a forward pass in training, and which of its operations inference lacks.
#[derive(Debug)]
pub(crate) struct Training {
    record: Record,
    extras: Vec<Extra>,
}

/// An operation that inference lacks.
#[derive(Debug, Clone, Copy)]
struct Extra {
    /// In the recording of training.
    operation: usize,
    /// The input through which a gradient flows back.
    position: Option<usize>,
    /// Bytes that are kept for it.
    kept: u128,
    /// The operation of inference that it comes after.
    after: usize,
}

impl Training {
    pub(crate) fn new(inference: &Record, record: Record) -> Self {
        let mut drawn = drawn(inference);
        let mut extras = Vec::new();
        for (index, operation) in record.operations.iter().enumerate() {
            if !operation.name.is(Name::Random) {
                continue;
            }
            let shape = &record.tensors[operation.outputs[0]].shape;
            if let Some(times @ 1..) = drawn.get_mut(shape) {
                *times -= 1;
                continue;
            }
            let after = place(inference, &record, index);
            let extra = |operation, position, kept| Extra {
                operation,
                position,
                kept,
                after,
            };
            extras.push(extra(index, None, 0));
            let numbers = operation.outputs[0];
            let Some((user, position)) = next_use(&record, index, numbers) else {
                continue;
            };
            let product = &record.operations[user];
            // A product's gradient needs the random numbers.
            let scales = product.name.is(Name::Mul);
            let kept = if scales {
                record.tensors[numbers].bytes()
            } else {
                0
            };
            extras.push(extra(user, Some(1 - position.min(1)), kept));
            if let (true, Some(&result)) = (scales, product.outputs.first())
                && let Some((scale, 0)) = next_use(&record, user, result)
                && scale == user + 1
                && record.operations[scale].name.is(Name::MulScalar)
            {
                extras.push(extra(scale, Some(0), 0));
            }
        }
        Self { record, extras }
    }

    /// The recording, and of each additional operation itself, its work and its gradient's.
    pub(crate) fn works(&self) -> impl Iterator<Item = (&Record, &Operation, Work, Work)> {
        self.extras.iter().map(|extra| {
            let operation = &self.record.operations[extra.operation];
            let gradient = extra.position.and_then(|at| *operation.gradients.get(at)?);
            let work = operation.work.unwrap_or_default();
            (&self.record, operation, work, gradient.unwrap_or_default())
        })
    }

    /// After which operation of inference how many bytes more are kept.
    pub(crate) fn kept(&self) -> impl Iterator<Item = (usize, u128)> {
        self.extras.iter().map(|extra| (extra.after, extra.kept))
    }
}

/// The modules that do something in training alone, which inference does not show.
pub(crate) fn random_modules(record: &Record) -> impl Iterator<Item = usize> {
    let nodes = record.tree.nodes.iter().enumerate();
    nodes
        .filter(|(_, node)| RANDOM.contains(&node.module.as_str()))
        .map(|(index, _)| index)
}

/// How many tensors of random numbers of each shape inference draws.
fn drawn(inference: &Record) -> HashMap<Vec<usize>, usize> {
    let mut drawn = HashMap::new();
    for operation in &inference.operations {
        if operation.name.is(Name::Random) {
            let shape = inference.tensors[operation.outputs[0]].shape.clone();
            *drawn.entry(shape).or_default() += 1;
        }
    }
    drawn
}

/// The first operation after `index` that reads `tensor`, and as which input.
fn next_use(record: &Record, index: usize, tensor: usize) -> Option<(usize, usize)> {
    let operations = record.operations.iter().enumerate().skip(index + 1);
    operations.into_iter().find_map(|(at, operation)| {
        let position = operation.inputs.iter().position(|&input| input == tensor)?;
        Some((at, position))
    })
}

/// The operation of inference after which operation `index` of training comes: the one that reads
/// the same parameter as the last one before it that reads any.
fn place(inference: &Record, training: &Record, index: usize) -> usize {
    let before = training.operations[..index].iter().rev();
    let parameter = before
        .flat_map(|operation| &operation.inputs)
        .find(|&&input| training.parameter(input).is_some());
    // Parameters are the first tensors of either recording, in the same order.
    let Some(parameter) = parameter else { return 0 };
    let reads = |operation: &Operation| operation.inputs.contains(parameter);
    inference.operations.iter().rposition(reads).unwrap_or(0)
}
