//! How the gradients of an operation's inputs are computed.
//!
//! With y = f(a, b, …) and the gradient g of y, the gradient of an input is g times the
//! derivative of y by it. Where an input was repeated along a dimension to fit, the gradient is
//! added up along it: n repetitions take n − 1 additions.

use burn_ir::TensorIr;

use super::shape::elements;
use super::unit::{ADDITION, NOTHING};
use crate::work::Work;

/// The work of the gradients of an operation's inputs.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Gradient {
    /// None flows: results are whole numbers, truth values or made of nothing.
    Never,
    /// Burn has none, so it cannot be counted.
    Unknown,
    /// Copied or handed on as it is.
    Free,
    /// Handed on as it is; what was repeated is added up.
    Passed,
    /// For each element of the output, the same for every input; what was repeated is added up.
    Each(Work),
    /// Like [`Each`](Self::Each), for the first input and for the second.
    Both(Work, Work),
    /// For each element of the input.
    EachInput(Work),
    /// In all, input by input. Inputs that are not listed have none.
    Whole(Vec<Work>),
}

impl Gradient {
    /// The work of each input's gradient, `out` being the first output; `None` where it is not
    /// known.
    pub(super) fn works<'a>(
        &self,
        inputs: impl Iterator<Item = &'a TensorIr>,
        out: u128,
    ) -> Vec<Option<Work>> {
        let repeated = |work: Work, input: &TensorIr| {
            work * out + ADDITION * out.saturating_sub(elements(input))
        };
        let work = |(position, input): (usize, &TensorIr)| match self {
            Self::Unknown => None,
            Self::Never | Self::Free => Some(NOTHING),
            Self::Passed => Some(repeated(NOTHING, input)),
            Self::Each(work) => Some(repeated(*work, input)),
            Self::Both(first, second) => {
                let work = if position == 0 { first } else { second };
                Some(repeated(*work, input))
            }
            Self::EachInput(work) => Some(*work * elements(input)),
            Self::Whole(works) => Some(works.get(position).copied().unwrap_or(NOTHING)),
        };
        inputs.enumerate().map(work).collect()
    }
}
