//! Bounds beside counts: the least time that a machine with given peaks takes.
//!
//! This is the roofline model of S. Williams, A. Waterman and D. Patterson, "Roofline: An
//! Insightful Visual Performance Model for Multicore Architectures", Communications of the ACM
//! 52(4), 2009, pages 65–76. A module that does F floating-point operations and moves B bytes
//! takes, on a machine that does at most P operations and moves at most W bytes in a second,
//!
//! > t ≥ max(F / P, B / W),
//!
//! even if it computes and moves at the same time. Where F / P is greater, arithmetic binds it;
//! where B / W is greater, memory does. Modules run one after another, so the whole takes at
//! least the sum.
//!
//! # What it is a bound of
//!
//! Of a program that does this arithmetic and moves these bytes: F is
//! [`Work::flops`](crate::Work::flops), B is [`Work::read`](crate::Work::read) and
//! [`Work::written`](crate::Work::written) of the forward pass, every tensor read from memory and
//! written back, operation by operation. A program can be faster by doing less of either: a fused
//! ReLU, or a tensor that stays in a cache, moves fewer bytes; Winograd's convolution multiplies
//! less. [`Bounds::arithmetic_alone`] holds however well tensors are kept in caches.

mod of_report;
mod rate;

pub use rate::{RateError, parse_bandwidth, parse_peak};

use std::fmt;
use std::ops::AddAssign;

use serde::{Deserialize, Serialize};

use crate::work::Work;

/// The most that a machine does in a second. What is below 1 or not finite is not known, and binds
/// nothing.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Peaks {
    /// Floating-point operations in a second; a fused multiplication and addition is two.
    pub flops_per_second: f64,
    /// Bytes of memory, read or written, in a second.
    pub bytes_per_second: f64,
}

/// What binds a module: one of the two parts of a roofline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Roof {
    /// The arithmetic takes longer.
    Arithmetic,
    /// The memory takes longer.
    Memory,
}

impl Roof {
    /// `arithmetic` or `memory`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Arithmetic => "arithmetic",
            Self::Memory => "memory",
        }
    }
}

impl fmt::Display for Roof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// The least time of one or more modules, apart by what binds them. Bounds add up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Bound {
    /// Seconds of the modules that arithmetic binds.
    pub arithmetic_seconds: f64,
    /// Seconds of the modules that memory binds.
    pub memory_seconds: f64,
}

impl Bound {
    /// The least time of this work, done as one piece.
    pub fn of(work: &Work, peaks: &Peaks) -> Self {
        let (arithmetic, memory) = (peaks.arithmetic(work), peaks.memory(work));
        match arithmetic < memory {
            true => Self {
                memory_seconds: memory,
                ..Self::default()
            },
            false => Self {
                arithmetic_seconds: arithmetic,
                ..Self::default()
            },
        }
    }

    /// All seconds.
    pub fn seconds(&self) -> f64 {
        self.arithmetic_seconds + self.memory_seconds
    }

    /// What binds the greater part of the time; `None` where there is nothing to do.
    pub fn roof(&self) -> Option<Roof> {
        if self.seconds() <= 0.0 {
            return None;
        }
        Some(match self.arithmetic_seconds < self.memory_seconds {
            true => Roof::Memory,
            false => Roof::Arithmetic,
        })
    }

    /// So many times as long.
    pub(crate) fn times(self, times: u128) -> Self {
        Self {
            arithmetic_seconds: self.arithmetic_seconds * times as f64,
            memory_seconds: self.memory_seconds * times as f64,
        }
    }
}

impl AddAssign for Bound {
    fn add_assign(&mut self, other: Self) {
        self.arithmetic_seconds += other.arithmetic_seconds;
        self.memory_seconds += other.memory_seconds;
    }
}

/// The least time of a report's forward pass.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Bounds {
    /// The machine.
    pub peaks: Peaks,
    /// The sum of the rows' bounds, up to the rounding of floating-point numbers: modules run one
    /// after another.
    pub sum: Bound,
    /// Seconds that all floating-point operations take, whatever the memory does.
    pub arithmetic_alone: f64,
    /// Seconds that all bytes take, whatever the arithmetic does.
    pub memory_alone: f64,
}

impl Peaks {
    /// Seconds of the floating-point operations.
    fn arithmetic(&self, work: &Work) -> f64 {
        seconds(work.flops(), self.flops_per_second)
    }

    /// Seconds of the bytes.
    fn memory(&self, work: &Work) -> f64 {
        seconds(
            work.read.saturating_add(work.written),
            self.bytes_per_second,
        )
    }
}

fn seconds(amount: u128, per_second: f64) -> f64 {
    match per_second.is_finite() && per_second >= 1.0 {
        true => amount as f64 / per_second,
        false => 0.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::sample;

    const PEAKS: Peaks = Peaks {
        flops_per_second: 1e9,
        bytes_per_second: 1e6,
    };

    fn work(macs: u128, read: u128, written: u128) -> Work {
        Work {
            macs,
            multiplications: macs,
            additions: macs,
            read,
            written,
            ..Work::default()
        }
    }

    #[test]
    fn the_slower_of_the_two_binds() {
        let cases = [
            (work(500_000, 10, 10), 1e-3, Some(Roof::Arithmetic)),
            (work(500_000, 1500, 500), 2e-3, Some(Roof::Memory)),
            (work(0, 0, 1), 1e-6, Some(Roof::Memory)),
            (work(0, 0, 0), 0.0, None),
        ];
        for (work, seconds, roof) in cases {
            let bound = Bound::of(&work, &PEAKS);
            assert_eq!((bound.seconds(), bound.roof()), (seconds, roof), "{work:?}");
        }
    }

    #[test]
    fn a_peak_that_is_not_known_binds_nothing() {
        for unknown in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            let peaks = Peaks {
                bytes_per_second: unknown,
                ..PEAKS
            };
            let bound = Bound::of(&work(500_000, u128::MAX, u128::MAX), &peaks);
            assert_eq!((bound.seconds(), bound.memory_seconds), (1e-3, 0.0));
        }
    }

    #[test]
    fn the_sum_is_the_same_at_any_depth_and_above_each_roof_alone() {
        for report in [sample::report(), sample::deep(40), sample::extreme()] {
            let report = report.with_bounds(PEAKS);
            let bounds = report.bounds.unwrap();
            let close = |a: f64, b: f64| (a - b).abs() <= 1e-9 * a.abs().max(b.abs());
            for depth in 0..6 {
                let mut sum = Bound::default();
                for row in &report.folded(depth).rows {
                    sum += row.bound.unwrap();
                }
                assert!(close(sum.seconds(), bounds.sum.seconds()), "{depth}");
                assert!(
                    close(sum.memory_seconds, bounds.sum.memory_seconds),
                    "{depth}"
                );
            }
            for alone in [bounds.arithmetic_alone, bounds.memory_alone] {
                assert!(bounds.sum.seconds() >= alone * (1.0 - 1e-9));
            }
        }
    }
}
