//! What computes the convolutions and linear layers.

use std::fmt::{self, Display};
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// What computes a network's layers and the steps of its training. The results are the same up to rounding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Engine {
    /// Burn's own operations, on any backend.
    Burn,
    /// The crate `winograd` where it can: on a CPU, and on a GPU with the feature `wgpu` or another one, with 32-bit
    /// numbers. Burn's operations elsewhere.
    #[cfg(feature = "winograd")]
    Winograd,
}

impl Default for Engine {
    /// The fastest that is compiled in.
    fn default() -> Self {
        #[cfg(feature = "winograd")]
        return Self::Winograd;
        #[cfg(not(feature = "winograd"))]
        return Self::Burn;
    }
}

/// A name that is no engine, or one that is not compiled in.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "there is no engine \"{name}\"; there are burn{}",
    if cfg!(feature = "winograd") { " and winograd" } else { "; feature `winograd` adds winograd" }
)]
pub struct UnknownEngine {
    name: String,
}

impl FromStr for Engine {
    type Err = UnknownEngine;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        match name {
            "burn" => Ok(Self::Burn),
            #[cfg(feature = "winograd")]
            "winograd" => Ok(Self::Winograd),
            _ => Err(UnknownEngine { name: name.into() }),
        }
    }
}

impl TryFrom<String> for Engine {
    type Error = UnknownEngine;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        name.parse()
    }
}

impl From<Engine> for String {
    fn from(engine: Engine) -> Self {
        engine.to_string()
    }
}

impl Display for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Burn => "burn",
            #[cfg(feature = "winograd")]
            Self::Winograd => "winograd",
        })
    }
}
