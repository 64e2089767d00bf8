//! Noticing when a training has come to nothing: a loss or weights that are NaN or infinite.

use std::sync::{Arc, Mutex, PoisonError};

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::Tensor;
use burn::train::Interrupter;

use crate::device::failure;
use crate::model::Vgg;

use super::error::TrainError;

/// Stops a training at its first loss that is not finite. Copies watch the same training.
#[derive(Clone)]
pub(super) struct LossWatch {
    interrupter: Interrupter,
    first: Arc<Mutex<Option<Lost>>>,
}

/// A loss that is not finite.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lost {
    pub(super) what: &'static str,
    pub(super) found: f64,
    pub(super) epoch: usize,
}

impl LossWatch {
    pub(super) fn new(interrupter: Interrupter) -> Self {
        Self {
            interrupter,
            first: Arc::default(),
        }
    }

    /// Takes note of a loss.
    pub(super) fn see(&self, loss: Lost) {
        if loss.found.is_finite() {
            return;
        }
        let mut first = self.first.lock().unwrap_or_else(PoisonError::into_inner);
        first.get_or_insert(loss);
        self.interrupter.stop(None);
    }

    /// The first loss that was not finite.
    pub(super) fn lost(&self) -> Option<Lost> {
        *self.first.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether every weight of `network` is a number.
pub(super) fn is_finite(network: &Vgg) -> Result<bool, TrainError> {
    let mut visitor = Finite(Ok(true));
    network.visit(&mut visitor);
    visitor.0
}

struct Finite(Result<bool, TrainError>);

impl ModuleVisitor for Finite {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if !matches!(self.0, Ok(true)) {
            return;
        }
        let values = param.val().try_into_vec_as::<f32>();
        self.0 = values
            .map(|values| values.iter().all(|value| value.is_finite()))
            .map_err(|error| TrainError::Device(failure(error)));
    }
}
