//! What each operation of Burn's intermediate representation is and does: one table for all.
//!
//! A row says an operation's name and kind, the work of the operation and of its gradients, what
//! the gradients need, and where the result lies. Everything else in this crate walks over rows.
//! Every match is exhaustive, so a Burn version with a new operation does not compile until the
//! operation has a row here.

mod activation;
mod attention;
mod base;
mod convolution;
mod float;
mod gradient;
mod keep;
mod module;
mod name;
mod normalisation;
mod numeric;
mod other;
mod pooling;
mod shape;
mod unit;

#[cfg(test)]
mod every;

use burn_ir::OperationIr;

use crate::kind::Kind;
use crate::window::Window;
use crate::work::Work;

use gradient::Gradient;
use shape::elements;

pub(crate) use keep::{Place, Saves};
pub(crate) use name::{Called, Name};
pub(crate) use shape::bytes;

/// What the table says of an operation.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Rule {
    pub(crate) called: Called,
    pub(crate) kind: Kind,
    /// `None` where no rule covers the operation.
    pub(crate) work: Option<Work>,
    /// The work of each input's gradient; `None` where no rule covers it.
    pub(crate) gradients: Vec<Option<Work>>,
    /// Which of its tensors the gradients need.
    pub(crate) saves: Saves,
    /// Bytes that are kept beside its tensors for the gradients.
    pub(crate) beside: u128,
    /// Bytes that it takes beside its tensors while it runs.
    pub(crate) aside: u128,
    /// Where the result lies.
    pub(crate) place: Place,
    /// What the forward pass does in training beside `work`.
    pub(crate) in_training: Work,
    /// Output values that a bias is added to as a part of this operation.
    pub(crate) bias_outputs: u128,
    /// How a convolution's window moves, for each side of the image.
    pub(crate) windows: Vec<Window>,
}

/// A row, before its bytes are filled in.
#[derive(Debug, Clone, PartialEq)]
struct Row {
    called: Called,
    kind: Kind,
    work: Option<Work>,
    gradient: Gradient,
    saves: Saves,
    beside: u128,
    aside: u128,
    place: Place,
    in_training: Work,
    bias_outputs: u128,
    windows: Vec<Window>,
    /// Bytes that are read where that is not all of the inputs, as in a look-up.
    read: Option<u128>,
}

impl Row {
    /// An operation whose result has memory of its own.
    fn new(name: Name, kind: Kind, work: Work, gradient: Gradient, saves: Saves) -> Self {
        Self {
            called: Called::Burn(name),
            kind,
            work: Some(work),
            gradient,
            saves,
            beside: 0,
            aside: 0,
            place: Place::Own,
            in_training: Work::default(),
            bias_outputs: 0,
            windows: Vec::new(),
            read: None,
        }
    }

    /// Moves values without arithmetic.
    fn moves(name: Name, gradient: Gradient, saves: Saves) -> Self {
        Self::new(name, Kind::Movement, Work::default(), gradient, saves)
    }

    /// Another look at the same values.
    fn view(name: Name) -> Self {
        let nothing = Work::default();
        Self {
            place: Place::View,
            ..Self::new(name, Kind::View, nothing, Gradient::Passed, Saves::Nothing)
        }
    }

    /// Makes values of nothing.
    fn makes(name: Name) -> Self {
        let nothing = Work::default();
        Self::new(
            name,
            Kind::Creation,
            nothing,
            Gradient::Never,
            Saves::Nothing,
        )
    }

    /// A gradient as an operation of its own, which Burn cannot derive again.
    fn backward(name: Name, kind: Kind, work: Work) -> Self {
        Self::new(name, kind, work, Gradient::Unknown, Saves::Nothing)
    }

    /// The result may replace an input.
    fn over(self) -> Self {
        Self {
            place: Place::Over,
            ..self
        }
    }

    /// In training the result may replace an input.
    fn over_in_training(self) -> Self {
        Self {
            place: Place::OverInTraining,
            ..self
        }
    }

    /// `bytes` are kept beside inputs and outputs.
    fn keeping(self, bytes: u128) -> Self {
        Self {
            beside: bytes,
            ..self
        }
    }

    /// `bytes` are taken beside inputs and outputs while it runs.
    fn taking(self, bytes: u128) -> Self {
        Self {
            aside: bytes,
            ..self
        }
    }

    /// The forward pass does more in training.
    fn adding_in_training(self, work: Work) -> Self {
        Self {
            in_training: work,
            ..self
        }
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

    fn of_kind(self, kind: Kind) -> Self {
        Self { kind, ..self }
    }

    fn more(self, work: Work) -> Self {
        Self {
            work: self.work.map(|own| own + work),
            ..self
        }
    }
}

/// The row of an operation, its bytes filled in.
pub(crate) fn rule(operation: &OperationIr) -> Rule {
    let row = row(operation);
    let moves = row.kind != Kind::View;
    let read = |row: &Row| {
        row.read
            .unwrap_or_else(|| operation.inputs().map(bytes).sum())
    };
    let work = row.work.map(|work| match moves {
        true => Work {
            read: read(&row),
            written: operation.outputs().map(bytes).sum(),
            ..work
        },
        false => work,
    });
    let out = operation.outputs().next();
    let mut gradients = row
        .gradient
        .works(operation.inputs(), out.map_or(0, elements));
    if moves {
        // The output's gradient and what was saved are read, the input's gradient is written.
        for (work, input) in gradients.iter_mut().zip(operation.inputs()) {
            if let Some(work) = work {
                work.read = out.map_or(0, bytes) + bytes(input);
                work.written = bytes(input);
            }
        }
    }
    Rule {
        called: row.called,
        kind: row.kind,
        work,
        gradients,
        saves: row.saves,
        beside: row.beside,
        aside: row.aside,
        place: row.place,
        in_training: row.in_training,
        bias_outputs: row.bias_outputs,
        windows: row.windows,
    }
}

fn row(operation: &OperationIr) -> Row {
    match operation {
        OperationIr::BaseFloat(op) | OperationIr::BaseInt(op) | OperationIr::BaseBool(op) => {
            base::row(op)
        }
        OperationIr::NumericFloat(_, op) => numeric::row(op),
        OperationIr::NumericInt(_, op) => other::integer(numeric::row(op)),
        OperationIr::Bool(op) => other::boolean(op),
        OperationIr::Int(op) => other::int(op),
        OperationIr::Float(_, op) => float::row(op),
        OperationIr::Module(op) => module::row(op),
        OperationIr::Activation(op) => activation::row(op),
        OperationIr::Distributed(op) => other::distributed(op),
        OperationIr::Init(_) => Row::makes(Name::Constant),
        OperationIr::Drop(_) => Row::view(Name::Drop),
        OperationIr::Custom(op) => Row {
            called: Called::Custom(op.id.clone()),
            kind: Kind::Custom,
            work: None,
            gradient: Gradient::Unknown,
            saves: Saves::All,
            beside: 0,
            aside: 0,
            place: Place::Own,
            in_training: Work::default(),
            bias_outputs: 0,
            windows: Vec::new(),
            read: None,
        },
    }
}
