//! What each operation of Burn's intermediate representation does: one table for all.
//!
//! Every match is exhaustive, so a Burn version with a new operation does not compile until the
//! operation has a rule here.

mod activation;
mod base;
mod convolution;
mod float;
mod module;
mod numeric;
mod other;
mod shape;

#[cfg(test)]
mod every_module;
#[cfg(test)]
mod every_operation;

use burn_ir::OperationIr;

use crate::kind::Kind;
use crate::window::Window;
use crate::work::Work;

pub(crate) use shape::bytes;

/// What the table says of an operation.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Rule {
    /// The operation's name, such as `conv2d`.
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    /// `None` where no rule covers the operation.
    pub(crate) work: Option<Work>,
    /// Output values that a bias is added to as a part of this operation.
    pub(crate) bias_outputs: u128,
    /// How a convolution's window moves, for each side of the image.
    pub(crate) windows: Vec<Window>,
    /// Bytes that are read where that is not all of the inputs, as in a look-up.
    read: Option<u128>,
}

impl Rule {
    fn new(name: &'static str, kind: Kind, work: Work) -> Self {
        Self {
            name,
            kind,
            work: Some(work),
            bias_outputs: 0,
            windows: Vec::new(),
            read: None,
        }
    }

    /// Moves or makes values without arithmetic.
    fn free(name: &'static str, kind: Kind) -> Self {
        Self::new(name, kind, Work::default())
    }

    fn with_bias(self, outputs: u128) -> Self {
        Self {
            bias_outputs: outputs,
            ..self
        }
    }

    fn with_windows(self, windows: Vec<Window>) -> Self {
        Self { windows, ..self }
    }

    /// Only `bytes` of the inputs are read.
    fn reading(self, bytes: u128) -> Self {
        Self {
            read: Some(bytes),
            ..self
        }
    }
}

/// The rule of an operation, its bytes filled in.
pub(crate) fn rule(operation: &OperationIr) -> Rule {
    let mut rule = match operation {
        OperationIr::BaseFloat(op) | OperationIr::BaseInt(op) | OperationIr::BaseBool(op) => {
            base::rule(op)
        }
        OperationIr::NumericFloat(_, op) => numeric::rule(op),
        OperationIr::NumericInt(_, op) => other::integer(numeric::rule(op)),
        OperationIr::Bool(op) => other::boolean(op),
        OperationIr::Int(op) => other::int(op),
        OperationIr::Float(_, op) => float::rule(op),
        OperationIr::Module(op) => module::rule(op),
        OperationIr::Activation(op) => activation::rule(op),
        OperationIr::Distributed(op) => other::distributed(op),
        OperationIr::Init(_) => Rule::free("constant", Kind::Creation),
        OperationIr::Drop(_) => Rule::free("drop", Kind::View),
        OperationIr::Custom(_) => Rule {
            work: None,
            ..Rule::free("custom", Kind::Custom)
        },
    };
    if let Some(work) = &mut rule.work
        && rule.kind != Kind::View
    {
        work.read = rule
            .read
            .unwrap_or_else(|| operation.inputs().map(bytes).sum());
        work.written = operation.outputs().map(bytes).sum();
    }
    rule
}
