//! What a forward pass does in training alone.
//!
//! Burn's layers ask the device of their input whether they are in training. Inputs that a
//! recording makes with autodiff send them those ways, so dropout leaves its operations. Layers
//! that autodiff has no rule for arrive taken apart in such a recording, and it cannot be
//! reversed. So it only says what is more than in inference: operations on random numbers.
//! Everything else is counted by the recording of inference.

use std::collections::HashMap;

use burn::module::{Module, ModuleDisplay};

use crate::analysis::{Analysis, Analyzer};
use crate::error::Error;
use crate::inputs::Inputs;
use crate::outputs::Outputs;
use crate::record::{Operation, Record};
use crate::rules::Name;
use crate::work::Work;

/// Modules of Burn that do something in training alone.
const RANDOM: &[&str] = &["Dropout", "GaussianNoise", "RRelu"];

/// Analyses the forward pass of `module` in inference and in training.
///
/// [`analyse`](crate::analyse) records what inference does. This records the forward pass a second
/// time, in training, and adds what is more: dropout and noise, with their gradients and what is
/// kept for these. They count in the report's training step and in nothing else. Where the forward
/// pass cannot be recorded in training, the report names the modules that it lacks.
///
/// ```
/// # fn main() -> Result<(), cost::Error> {
/// use burn::nn::DropoutConfig;
/// use cost::convention::FLOPS;
/// use cost::{Optimizer, Options};
///
/// let dropout = DropoutConfig::new(0.5).init();
/// let analysis = cost::analyse_training(&dropout, |d, i| d.forward(i.float([8, 512])))?;
/// let options = Options::default().with_convention(FLOPS).with_training(Optimizer::Sgd);
/// let report = analysis.report(&options);
/// assert_eq!(report.total.cost, 0);
/// // Each value is multiplied with 0 or 1 and scaled.
/// assert_eq!(report.training.map(|step| step.forward), Some(2 * 8 * 512));
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// See [`Error`].
pub fn analyse_training<M, O>(
    module: &M,
    forward: impl Fn(&M, &mut Inputs) -> O,
) -> Result<Analysis, Error>
where
    M: Module + ModuleDisplay,
    O: Outputs,
{
    Analyzer::default().analyse_training(module, forward)
}

impl Analyzer {
    /// See [`analyse_training`].
    ///
    /// # Errors
    /// See [`Error`].
    pub fn analyse_training<M, O>(
        &self,
        module: &M,
        forward: impl Fn(&M, &mut Inputs) -> O,
    ) -> Result<Analysis, Error>
    where
        M: Module + ModuleDisplay,
        O: Outputs,
    {
        let inference = self.analyse(module, &forward)?;
        let training = self.record(|_| module, &forward, true).ok();
        let training = training.map(|it| Training::new(&inference.record, it.record));
        Ok(Analysis {
            training,
            ..inference
        })
    }
}

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
    fn new(inference: &Record, record: Record) -> Self {
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
