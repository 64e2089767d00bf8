//! Limits that a report must keep, for a check in continuous integration.

mod amount;

pub use amount::{AmountError, parse_amount};

use std::fmt;

use crate::render::units::grouped;
use crate::report::Report;

/// The most that a model may need; what is `None` is not checked.
///
/// Operations that no rule covers ([`Report::uncounted`]) count as nothing here, so whoever
/// relies on a limit should look at them too.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Limits {
    /// Multiply-accumulates of the forward pass, whatever the report's convention.
    pub max_macs: Option<u128>,
    /// Floating-point operations of the forward pass ([`Work::flops`](crate::work::Work::flops)),
    /// whatever the report's convention.
    pub max_flops: Option<u128>,
    /// Cost of the forward pass in the report's convention.
    pub max_cost: Option<u128>,
    /// Parameters, trainable and frozen, without buffers.
    pub max_parameters: Option<u128>,
    /// Bytes at the peak: of the training step if the report has one, else of inference.
    pub max_peak_memory: Option<u128>,
}

/// A limit that a report does not keep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exceeded {
    /// What is limited, such as `parameters`.
    pub what: String,
    /// The most that is allowed.
    pub limit: u128,
    /// What the report has.
    pub found: u128,
}

impl fmt::Display for Exceeded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: {} is more than the limit of {}",
            self.what,
            grouped(self.found),
            grouped(self.limit)
        )
    }
}

impl Limits {
    /// The limits that the report does not keep; none if all is well. A figure that equals its
    /// limit keeps it.
    pub fn check(&self, report: &Report) -> Vec<Exceeded> {
        let total = &report.total;
        let (memory, peak) = match &report.training {
            Some(training) => ("bytes at the peak of training", training.memory.peak),
            None => ("bytes at the peak of inference", report.inference.peak),
        };
        let cost = format!(
            "cost ({}, {})",
            report.convention.unit, report.convention.name
        );
        [
            ("multiply-accumulates", self.max_macs, total.work.macs),
            (
                "floating-point operations",
                self.max_flops,
                total.work.flops(),
            ),
            (cost.as_str(), self.max_cost, total.cost),
            ("parameters", self.max_parameters, total.parameters.count()),
            (memory, self.max_peak_memory, peak),
        ]
        .into_iter()
        .filter_map(|(what, limit, found)| {
            let limit = limit.filter(|limit| found > *limit)?;
            Some(Exceeded {
                what: what.to_owned(),
                limit,
                found,
            })
        })
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::sample;

    #[test]
    fn no_limits_are_always_kept() {
        assert_eq!(Limits::default().check(&sample::report()), []);
    }

    #[test]
    fn a_limit_may_be_reached_but_not_passed() {
        let report = sample::report();
        let found = report.total.parameters.count();
        let limits = |limit| Limits {
            max_parameters: Some(limit),
            ..Limits::default()
        };
        assert_eq!(limits(found).check(&report), []);
        let exceeded = limits(found - 1).check(&report);
        assert_eq!(
            exceeded.first().map(ToString::to_string).as_deref(),
            Some("parameters: 650 is more than the limit of 649")
        );
    }

    #[test]
    fn every_limit_looks_at_its_own_figure() {
        let mut report = sample::report();
        report.total.cost = 42;
        let none = Limits {
            max_macs: Some(0),
            max_flops: Some(0),
            max_cost: Some(0),
            max_parameters: Some(0),
            max_peak_memory: Some(0),
        };
        let found = |report: &Report| -> Vec<u128> {
            none.check(report).iter().map(|one| one.found).collect()
        };
        assert_eq!(found(&report), [1_234_568, 2_469_136, 42, 650, 5_000_000]);
        report.training = None;
        assert_eq!(found(&report).last(), Some(&2_000_000));
    }
}
