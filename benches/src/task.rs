//! What is done with a batch.

use std::fmt::{self, Display};

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

/// What a call does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Task {
    /// A forward pass.
    Inference,
    /// A training step with stochastic gradient descent and momentum.
    Sgd,
    /// A training step with Adam.
    Adam,
}

impl Task {
    /// Whether a call changes the weights.
    pub fn trains(self) -> bool {
        self != Self::Inference
    }
}

impl Display for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Inference => "inference",
            Self::Sgd => "training step, SGD",
            Self::Adam => "training step, Adam",
        })
    }
}
