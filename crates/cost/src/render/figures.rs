//! The figures of a line.

use std::ops::AddAssign;

use crate::bounds::Bound;
use crate::report::{Parameters, Report, Row};
use crate::work::Work;

/// What adds up from line to line.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Figures {
    /// Trainable and frozen ones.
    pub(crate) parameters: u128,
    /// Of the forward pass, in the report's convention.
    pub(crate) cost: u128,
    pub(crate) backward_cost: u128,
    /// Of the optimizer, in floating-point operations.
    pub(crate) update: u128,
    pub(crate) activation_bytes: u128,
    pub(crate) bound: Bound,
}

impl Figures {
    /// A module's own share.
    pub(crate) fn own(row: &Row) -> Self {
        Self {
            parameters: row.parameters.count(),
            cost: row.cost,
            backward_cost: row.backward_cost,
            update: row.update.flops(),
            activation_bytes: row.activation_bytes,
            bound: row.bound.unwrap_or_default(),
        }
    }

    /// The whole.
    pub(crate) fn total(report: &Report) -> Self {
        let total = &report.total;
        Self {
            parameters: total.parameters.count(),
            cost: total.cost,
            backward_cost: total.backward_cost,
            update: report
                .training
                .as_ref()
                .map_or(0, |step| step.update.flops()),
            activation_bytes: total.activation_bytes,
            bound: report.bounds.map(|bounds| bounds.sum).unwrap_or_default(),
        }
    }

    /// So many modules with these figures.
    pub(crate) fn times(self, times: u128) -> Self {
        Self {
            parameters: self.parameters.saturating_mul(times),
            cost: self.cost.saturating_mul(times),
            backward_cost: self.backward_cost.saturating_mul(times),
            update: self.update.saturating_mul(times),
            activation_bytes: self.activation_bytes.saturating_mul(times),
            bound: self.bound.times(times),
        }
    }
}

impl AddAssign for Figures {
    fn add_assign(&mut self, other: Self) {
        let add = |sum: &mut u128, figure| *sum = sum.saturating_add(figure);
        add(&mut self.parameters, other.parameters);
        add(&mut self.cost, other.cost);
        add(&mut self.backward_cost, other.backward_cost);
        add(&mut self.update, other.update);
        add(&mut self.activation_bytes, other.activation_bytes);
        self.bound += other.bound;
    }
}

/// Whether a module does or holds something itself, apart from the modules in it.
pub(crate) fn owns(row: &Row) -> bool {
    row.parameters != Parameters::default()
        || row.work != Work::default()
        || Figures::own(row) != Figures::default()
}
