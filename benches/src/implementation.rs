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
    /// The backend of prepared networks, and of the engine that is not Burn's.
    pub const HOME: &str = "flex";

    /// Whether it does `task` on the backend `backend`: a prepared network is not trained and runs on
    /// [`Self::HOME`].
    pub fn can(self, task: Task, backend: &str) -> bool {
        match self {
            Self::Prepared | Self::PreparedHalf => !task.trains() && is_home(backend),
            Self::Module | Self::Burn => true,
        }
    }

    /// Who does exactly the same there: away from [`Self::HOME`], a module runs Burn's operations already.
    pub fn twin(self, task: Task, backend: &str) -> Option<Self> {
        let same = self == Self::Burn && !task.trains() && !is_home(backend);
        same.then_some(Self::Module)
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
    fn prepared_networks_do_not_train_and_stay_at_home() {
        assert!(Implementation::Prepared.can(Task::Inference, "flex"));
        assert!(!Implementation::Prepared.can(Task::Sgd, "flex"));
        assert!(!Implementation::PreparedHalf.can(Task::Inference, "wgpu"));
    }

    #[test]
    fn a_module_runs_burns_operations_elsewhere() {
        let twin = |task, backend| Implementation::Burn.twin(task, backend);
        assert_eq!(
            twin(Task::Inference, "ndarray"),
            Some(Implementation::Module)
        );
        assert_eq!(twin(Task::Inference, "flex:0"), None);
        assert_eq!(twin(Task::Adam, "ndarray"), None);
        assert_eq!(
            Implementation::Module.twin(Task::Inference, "ndarray"),
            None
        );
    }
}
