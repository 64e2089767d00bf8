//! Optimizers: what an update takes and what they keep.

use std::fmt::{self, Display};
use std::str::FromStr;

use thiserror::Error;

use crate::work::Work;

/// An optimizer, for the cost and the memory of a training step.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Optimizer {
    /// θ ← θ − η·g. Keeps nothing.
    #[default]
    Sgd,
    /// v ← μ·v + g, θ ← θ − η·v. Keeps v.
    Momentum,
    /// m ← β₁·m + (1 − β₁)·g, v ← β₂·v + (1 − β₂)·g², θ ← θ − η·m̂ / (√v̂ + ε).
    /// Keeps m and v.
    Adam,
}

/// A name that is no optimizer.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("there is no optimizer `{0}`; there are `sgd`, `momentum` and `adam`")]
pub struct UnknownOptimizer(String);

impl FromStr for Optimizer {
    type Err = UnknownOptimizer;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        match name {
            "sgd" => Ok(Self::Sgd),
            "momentum" => Ok(Self::Momentum),
            "adam" => Ok(Self::Adam),
            _ => Err(UnknownOptimizer(name.into())),
        }
    }
}

impl Display for Optimizer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sgd => "sgd",
            Self::Momentum => "momentum",
            Self::Adam => "adam",
        })
    }
}

impl Optimizer {
    /// Values kept for each trained parameter.
    pub fn state_values(self) -> u128 {
        match self {
            Self::Sgd => 0,
            Self::Momentum => 1,
            Self::Adam => 2,
        }
    }

    /// The work of updating `parameters` values of `size` bytes each.
    pub fn update(self, parameters: u128, size: u128) -> Work {
        let (multiplications, additions, divisions, elementary) = match self {
            Self::Sgd => (1, 1, 0, 0),
            Self::Momentum => (2, 2, 0, 0),
            // Two averages (2 products and a sum each, and g²), two bias corrections, a root.
            Self::Adam => (6, 4, 3, 1),
        };
        let kept = self.state_values();
        Work {
            multiplications,
            additions,
            divisions,
            elementary,
            read: (2 + kept) * size,
            written: (1 + kept) * size,
            ..Work::default()
        } * parameters
    }
}
