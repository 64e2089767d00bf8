//! Conventions: what each kind of operation weighs.
//!
//! A convention is a list of lines; a line says which operations it is about, which quantity of
//! theirs counts, and how often. All conventions read the same record, so they differ in nothing
//! but these lines.

mod calflops;
mod fvcore;
mod ours;
mod ptflops;
mod quantity;
mod thop;
mod torch;
mod torchinfo;
mod which;
mod xla;

use std::str::FromStr;

use thiserror::Error;

pub use calflops::CALFLOPS;
pub use fvcore::{FVCORE, FVCORE_ACTIVATIONS};
pub use ours::{FLOPS, MACS, PAPER};
pub use ptflops::{PTFLOPS_ATEN, PTFLOPS_PYTORCH};
use quantity::Quantity;
pub use thop::{THOP, ULTRALYTICS_THOP};
pub use torch::TORCH;
pub use torchinfo::TORCHINFO;
use which::{Line, Which};
pub use xla::XLA;

use crate::record::{Operation, Record};
use crate::work::Work;

/// A way to count.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Convention {
    /// Its name, such as `macs`.
    pub name: &'static str,
    /// What one unit of it is: `MAC` or `FLOP`.
    pub unit: &'static str,
    /// One line that defines it.
    pub definition: &'static str,
    lines: &'static [Line],
    /// Lines whose sum is divided by the batch size.
    per_sample: &'static [Line],
}

/// All conventions, ours first.
pub const ALL: &[Convention] = &[
    MACS,
    FLOPS,
    PAPER,
    TORCHINFO,
    FVCORE,
    FVCORE_ACTIVATIONS,
    THOP,
    ULTRALYTICS_THOP,
    PTFLOPS_ATEN,
    PTFLOPS_PYTORCH,
    CALFLOPS,
    TORCH,
    XLA,
];

/// A name that is no convention.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("there is no convention `{name}`; there are {}", names())]
pub struct UnknownConvention {
    name: String,
}

fn names() -> String {
    let names: Vec<_> = ALL.iter().map(|convention| convention.name).collect();
    names.join(", ")
}

impl FromStr for Convention {
    type Err = UnknownConvention;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        ALL.iter()
            .find(|convention| convention.name == name)
            .copied()
            .ok_or_else(|| UnknownConvention { name: name.into() })
    }
}

impl Convention {
    /// What an operation costs, `work` being its own.
    pub(crate) fn cost(&self, record: &Record, operation: &Operation, work: &Work) -> u128 {
        let sum = |lines| sum(lines, |_| true, record, operation, work);
        let per_sample = match self.per_sample {
            [] => 0,
            lines => sum(lines) / record.batch().max(1),
        };
        sum(self.lines) + per_sample
    }

    /// What one of an operation's gradients costs, `work` being the gradient's. Lines that count
    /// something else than arithmetic say nothing of gradients.
    pub(crate) fn backward_cost(
        &self,
        record: &Record,
        operation: &Operation,
        work: &Work,
    ) -> u128 {
        [self.lines, self.per_sample]
            .map(|lines| sum(lines, Quantity::is_arithmetic, record, operation, work))
            .iter()
            .sum()
    }
}

fn sum(
    lines: &[Line],
    counts: impl Fn(Quantity) -> bool,
    record: &Record,
    operation: &Operation,
    work: &Work,
) -> u128 {
    lines
        .iter()
        .filter(|(which, quantity, _)| counts(*quantity) && which.matches(lines, record, operation))
        .map(|(_, quantity, times)| times * quantity.of(record, operation, work))
        .sum()
}
