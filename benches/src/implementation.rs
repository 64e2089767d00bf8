//! Who of this project computes.

use std::fmt::{self, Display};

use clap::ValueEnum;
use vgg::Engine;

use crate::Task;

/// A way to compute a network with this project.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Implementation {
    /// `Vgg::prepare`: what the library's `Classifier` runs.
    Prepared,
    /// `Vgg::prepare_half`: the linear layers' weights are stored in half precision.
    #[value(name = "prepared-f16")]
    PreparedHalf,
    /// `Vgg::forward` with the default engine, and this project's optimizers.
    Module,
    /// `Vgg::forward` with `Engine::Burn`, and Burn's optimizers.
    Burn,
}

impl Implementation {
    /// The backend of weights in half precision, and the one that need not be named.
    pub const HOME: &str = "flex";

    /// Whether it does `task` on the backend `backend`: a prepared network is not trained, and has weights in half
    /// precision only on [`Self::HOME`].
    pub fn can(self, task: Task, backend: &str) -> bool {
        match self {
            Self::Prepared => !task.trains(),
            Self::PreparedHalf => !task.trains() && is_home(backend),
            Self::Module | Self::Burn => true,
        }
    }

    /// What computes the layers of a module.
    pub fn engine(self) -> Engine {
        match self {
            Self::Burn => Engine::Burn,
            _ => Engine::default(),
        }
    }
}

/// Whether `backend`, with the number of a device or without, is [`Implementation::HOME`].
fn is_home(backend: &str) -> bool {
    backend.split(':').next() == Some(Implementation::HOME)
}

impl Display for Implementation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Prepared => "prepared",
            Self::PreparedHalf => "prepared-f16",
            Self::Module => "module",
            Self::Burn => "burn",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_option() {
        for implementation in Implementation::value_variants() {
            let value = implementation.to_possible_value().expect("a name");
            assert_eq!(value.get_name(), implementation.to_string());
        }
    }

    #[test]
    fn prepared_networks_do_not_train_and_halves_stay_at_home() {
        assert!(Implementation::Prepared.can(Task::Inference, "flex"));
        assert!(Implementation::Prepared.can(Task::Inference, "wgpu:1"));
        assert!(!Implementation::Prepared.can(Task::Sgd, "flex"));
        assert!(Implementation::PreparedHalf.can(Task::Inference, "flex:0"));
        assert!(!Implementation::PreparedHalf.can(Task::Inference, "wgpu"));
    }
}
