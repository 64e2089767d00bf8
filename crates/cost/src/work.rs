//! What an operation does, counted.

use std::ops::{Add, AddAssign, Mul};

use serde::{Deserialize, Serialize};

/// Scalar operations and bytes of one or more tensor operations.
///
/// Each scalar operation is counted once, in one field: a multiply-accumulate is one
/// multiplication and one addition. [`Work::macs`] is a second view of some of them and stands
/// beside the others.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Work {
    /// Multiply-accumulates of convolutions and matrix products, of integers too.
    pub macs: u128,
    /// Floating-point multiplications, those of `macs` included.
    pub multiplications: u128,
    /// Floating-point additions and subtractions, those of `macs` included.
    pub additions: u128,
    /// Floating-point divisions.
    pub divisions: u128,
    /// Comparisons, selections and boolean logic: ReLU, max pooling, masks, sorting.
    pub comparisons: u128,
    /// Elementary functions: exponentials, logarithms, roots, trigonometry, rounding.
    pub elementary: u128,
    /// Integer arithmetic.
    pub integer: u128,
    /// Bytes read.
    pub read: u128,
    /// Bytes written.
    pub written: u128,
}

impl Work {
    /// Multiplications, additions and divisions: the floating-point operations by the
    /// definition that `a·b + c` is two and `a·b + c·d` is three.
    pub fn flops(&self) -> u128 {
        self.multiplications + self.additions + self.divisions
    }
}

impl AddAssign for Work {
    fn add_assign(&mut self, other: Self) {
        let add = |sum: &mut u128, count| *sum = sum.saturating_add(count);
        add(&mut self.macs, other.macs);
        add(&mut self.multiplications, other.multiplications);
        add(&mut self.additions, other.additions);
        add(&mut self.divisions, other.divisions);
        add(&mut self.comparisons, other.comparisons);
        add(&mut self.elementary, other.elementary);
        add(&mut self.integer, other.integer);
        add(&mut self.read, other.read);
        add(&mut self.written, other.written);
    }
}

impl Add for Work {
    type Output = Self;

    fn add(mut self, other: Self) -> Self {
        self += other;
        self
    }
}

impl Mul<u128> for Work {
    type Output = Self;

    fn mul(self, times: u128) -> Self {
        Self {
            macs: self.macs.saturating_mul(times),
            multiplications: self.multiplications.saturating_mul(times),
            additions: self.additions.saturating_mul(times),
            divisions: self.divisions.saturating_mul(times),
            comparisons: self.comparisons.saturating_mul(times),
            elementary: self.elementary.saturating_mul(times),
            integer: self.integer.saturating_mul(times),
            read: self.read.saturating_mul(times),
            written: self.written.saturating_mul(times),
        }
    }
}
