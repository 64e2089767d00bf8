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
    pub macs: u64,
    /// Floating-point multiplications, those of `macs` included.
    pub multiplications: u64,
    /// Floating-point additions and subtractions, those of `macs` included.
    pub additions: u64,
    /// Floating-point divisions.
    pub divisions: u64,
    /// Comparisons, selections and boolean logic: ReLU, max pooling, masks, sorting.
    pub comparisons: u64,
    /// Elementary functions: exponentials, logarithms, roots, trigonometry, rounding.
    pub elementary: u64,
    /// Integer arithmetic.
    pub integer: u64,
    /// Bytes read.
    pub read: u64,
    /// Bytes written.
    pub written: u64,
}

impl Work {
    /// Multiplications, additions and divisions: the floating-point operations by the
    /// definition that `a·b + c` is two and `a·b + c·d` is three.
    pub fn flops(&self) -> u64 {
        self.multiplications + self.additions + self.divisions
    }
}

impl AddAssign for Work {
    fn add_assign(&mut self, other: Self) {
        self.macs += other.macs;
        self.multiplications += other.multiplications;
        self.additions += other.additions;
        self.divisions += other.divisions;
        self.comparisons += other.comparisons;
        self.elementary += other.elementary;
        self.integer += other.integer;
        self.read += other.read;
        self.written += other.written;
    }
}

impl Add for Work {
    type Output = Self;

    fn add(mut self, other: Self) -> Self {
        self += other;
        self
    }
}

impl Mul<u64> for Work {
    type Output = Self;

    fn mul(self, times: u64) -> Self {
        Self {
            macs: self.macs * times,
            multiplications: self.multiplications * times,
            additions: self.additions * times,
            divisions: self.divisions * times,
            comparisons: self.comparisons * times,
            elementary: self.elementary * times,
            integer: self.integer * times,
            read: self.read * times,
            written: self.written * times,
        }
    }
}
