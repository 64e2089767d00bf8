//! A recorded forward pass: its tensors and operations, each tied to a module.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use burn::tensor::DType;
use burn_ir::{CustomOpIr, OperationIr, TensorId, TensorIr, TensorStatus};

use crate::capture::message;
use crate::error::{Error, LARGEST_TENSOR};
use crate::kind::Kind;
use crate::rules::{Called, Place, Rule, Saves, bytes, rule};
use crate::tree::{Parameter, Tree};
use crate::window::Window;
use crate::work::Work;

/// Where a tensor comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// An input of the forward pass, by its position.
    Input,
    /// A parameter or buffer, by its index.
    Parameter(usize),
    /// A constant with a value: a plain tensor in the module or in the forward pass.
    Constant,
    /// The result of an operation, by its index.
    Operation(usize),
}

#[derive(Debug, Clone)]
pub(crate) struct TensorInfo {
    /// Its identity in the recording.
    pub(crate) id: TensorId,
    pub(crate) shape: Vec<usize>,
    pub(crate) dtype: DType,
    pub(crate) origin: Origin,
    /// Weights: a parameter of this module, or made of its parameters and constants alone.
    pub(crate) owner: Option<usize>,
}

impl TensorInfo {
    pub(crate) fn elements(&self) -> u128 {
        let sides = self.shape.iter().map(|&side| side as u128);
        sides.fold(1, u128::saturating_mul)
    }

    pub(crate) fn bytes(&self) -> u128 {
        self.elements() * self.dtype.size() as u128
    }
}

/// One recorded operation. Tensors are indices into [`Record::tensors`].
#[derive(Debug, Clone)]
pub(crate) struct Operation {
    pub(crate) name: Called,
    pub(crate) kind: Kind,
    /// `None` where no rule covers it.
    pub(crate) work: Option<Work>,
    /// What the forward pass does in training beside `work`.
    pub(crate) in_training: Work,
    /// The work of each input's gradient; `None` where no rule covers it.
    pub(crate) gradients: Vec<Option<Work>>,
    /// Which of its tensors the gradients need, and bytes that are kept beside these.
    pub(crate) saves: Saves,
    pub(crate) beside: u128,
    /// Bytes that it takes beside its tensors while it runs.
    pub(crate) aside: u128,
    /// Where the result lies.
    pub(crate) place: Place,
    /// Output values that a bias is added to as a part of it.
    pub(crate) bias_outputs: u128,
    /// How a convolution's window moves, for each side of the image; empty otherwise.
    pub(crate) windows: Vec<Window>,
    pub(crate) inputs: Vec<usize>,
    pub(crate) outputs: Vec<usize>,
    /// Inputs that nobody needs any more, so that the operation may write into their memory.
    pub(crate) last_uses: Vec<usize>,
    /// The module that it belongs to.
    pub(crate) node: usize,
}

#[derive(Debug)]
pub(crate) struct Record {
    pub(crate) tree: Tree,
    pub(crate) tensors: Vec<TensorInfo>,
    pub(crate) operations: Vec<Operation>,
    pub(crate) inputs: Vec<usize>,
    pub(crate) outputs: Vec<usize>,
}

/// Rules for custom operations, by their identifiers.
pub(crate) type CustomRules = HashMap<String, Box<dyn Fn(&CustomOpIr) -> Work + Send + Sync>>;

/// What a rule of the caller's says of a custom operation; `None` where there is no such rule.
fn custom_work(operation: &CustomOpIr, rules: &CustomRules) -> Result<Option<Work>, Error> {
    let Some(rule) = rules.get(&operation.id) else {
        return Ok(None);
    };
    let work = catch_unwind(AssertUnwindSafe(|| rule(operation)));
    work.map(Some).map_err(|panic| Error::Rule {
        operation: operation.id.clone(),
        message: message(&*panic),
    })
}

impl Record {
    /// Ties what was recorded together. Modules are assigned by [`crate::attribution`].
    ///
    /// The forward pass begins after the operation that makes `start`. What was recorded before
    /// are stand-ins of parameters, and values that the module made when it was built.
    pub(crate) fn new(
        tree: Tree,
        operations: Vec<OperationIr>,
        start: TensorId,
        inputs: &[TensorId],
        outputs: &[TensorId],
        custom: &CustomRules,
    ) -> Result<Self, Error> {
        let mut builder = Builder {
            record: Self {
                tree,
                tensors: Vec::new(),
                operations: Vec::with_capacity(operations.len()),
                inputs: Vec::new(),
                outputs: Vec::new(),
            },
            indices: HashMap::with_capacity(operations.len()),
        };
        let parameters = builder.record.tree.parameters.clone();
        for (index, parameter) in parameters.iter().enumerate() {
            if parameter.bytes() > LARGEST_TENSOR {
                let path = &builder.record.tree.nodes[parameter.node].path;
                return Err(Error::TooLarge {
                    what: format!("a parameter of `{path}`"),
                    shape: parameter.shape.clone(),
                });
            }
            builder.parameter(index, parameter);
        }
        let inputs_at: HashMap<_, _> = inputs.iter().zip(0..).collect::<HashMap<_, usize>>();
        let mut found = vec![None; inputs.len()];
        let begin = operations
            .iter()
            .position(|ir| ir.outputs().any(|tensor| tensor.id == start));
        let begin = begin.map_or(0, |at| at + 1);
        for (at, ir) in operations.into_iter().enumerate() {
            if let Some(tensor) = ir.outputs().find(|tensor| bytes(tensor) > LARGEST_TENSOR) {
                let what = match builder.record.operations.last() {
                    Some(last) => format!("the tensor that follows `{}`", last.name),
                    None if at < begin => "a tensor of the module".into(),
                    None => "an input".into(),
                };
                return Err(Error::TooLarge {
                    what,
                    shape: tensor.shape.iter().copied().collect(),
                });
            }
            if at < begin {
                continue;
            }
            // Inputs are recorded as new, empty tensors.
            let made = ir.outputs().next().map(|tensor| tensor.id);
            if let Some(id) = made
                && let Some(&position) = inputs_at.get(&id)
                && let Some(tensor) = ir.outputs().next()
            {
                found[position] = Some(builder.tensor(tensor, Origin::Input));
                continue;
            }
            builder.operation(ir, custom)?;
        }
        let Builder {
            mut record,
            indices,
        } = builder;
        record.inputs = found.into_iter().flatten().collect();
        record.outputs = outputs
            .iter()
            .filter_map(|id| indices.get(id).copied())
            .collect();
        Ok(record)
    }

    /// The batch size: the first dimension of the first input.
    pub(crate) fn batch(&self) -> u128 {
        let input = self.inputs.first().map(|&input| &self.tensors[input]);
        let side = input.and_then(|tensor| tensor.shape.first());
        side.map_or(1, |&side| side as u128)
    }

    /// The parameter that a tensor is, where it is one.
    pub(crate) fn parameter(&self, tensor: usize) -> Option<&Parameter> {
        match self.tensors[tensor].origin {
            Origin::Parameter(index) => self.tree.parameters.get(index),
            _ => None,
        }
    }
}

struct Builder {
    record: Record,
    indices: HashMap<TensorId, usize>,
}

impl Builder {
    fn parameter(&mut self, index: usize, parameter: &Parameter) {
        let tensor = self.record.tensors.len();
        self.indices.insert(parameter.tensor, tensor);
        self.record.tensors.push(TensorInfo {
            id: parameter.tensor,
            shape: parameter.shape.clone(),
            dtype: parameter.dtype,
            origin: Origin::Parameter(index),
            owner: Some(parameter.node),
        });
    }

    fn tensor(&mut self, ir: &TensorIr, origin: Origin) -> usize {
        if let Some(&index) = self.indices.get(&ir.id) {
            return index;
        }
        let index = self.record.tensors.len();
        self.indices.insert(ir.id, index);
        self.record.tensors.push(TensorInfo {
            id: ir.id,
            shape: ir.shape.iter().copied().collect(),
            dtype: ir.dtype,
            origin,
            owner: None,
        });
        index
    }

    fn operation(&mut self, ir: OperationIr, custom: &CustomRules) -> Result<(), Error> {
        if matches!(ir, OperationIr::Init(_)) {
            // The value of a constant; it is there before the forward pass.
            for tensor in ir.outputs() {
                self.tensor(tensor, Origin::Constant);
            }
            return Ok(());
        }
        let Rule {
            called,
            kind,
            work,
            in_training,
            gradients,
            saves,
            beside,
            aside,
            place,
            bias_outputs,
            windows,
        } = rule(&ir);
        let work = match &ir {
            OperationIr::Custom(op) => custom_work(op, custom)?.or(work),
            _ => work,
        };
        let index = self.record.operations.len();
        let mut last_uses = Vec::new();
        let mut inputs = Vec::new();
        for tensor in ir.inputs() {
            let input = self.tensor(tensor, Origin::Constant);
            inputs.push(input);
            if tensor.status == TensorStatus::ReadWrite {
                last_uses.push(input);
            }
        }
        let outputs: Vec<_> = ir
            .outputs()
            .map(|tensor| self.tensor(tensor, Origin::Operation(index)))
            .collect();
        let owner = self.owner(kind, &inputs);
        for &output in &outputs {
            self.record.tensors[output].owner = owner;
        }
        self.record.operations.push(Operation {
            name: called,
            kind,
            work,
            in_training,
            gradients,
            saves,
            beside,
            aside,
            place,
            bias_outputs,
            windows,
            inputs,
            outputs,
            last_uses,
            node: 0,
        });
        Ok(())
    }

    /// The module whose weights an operation makes out of weights, where it does: all inputs are
    /// weights or constants, and none is data that another module's weights are applied to. A
    /// learned query that goes through a linear layer is data from there on.
    fn owner(&self, kind: Kind, inputs: &[usize]) -> Option<usize> {
        let tree = &self.record.tree;
        let mut owner = None;
        for &input in inputs {
            let tensor = &self.record.tensors[input];
            owner = match (owner, tensor.owner) {
                (None, Some(node)) => Some(node),
                (Some(a), Some(b)) if a == b => owner,
                (Some(a), Some(b)) if !kind.applies_weights() => {
                    let common = tree.common(a, b);
                    if common == a || common == b {
                        return None;
                    }
                    Some(common)
                }
                (_, None) if tensor.origin == Origin::Constant => owner,
                _ => return None,
            };
        }
        owner
    }
}
