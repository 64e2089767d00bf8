//! The outputs of a recorded forward pass.

use std::fmt::Display;

use burn::tensor::{Bool, Int, Tensor};
use burn_ir::TensorId;

use crate::error::Error;
use crate::inputs::{bool_id, float_id, int_id};

/// What a forward pass may return: tensors, and tuples, arrays, vectors, options and results of
/// what it may return. A structure of your own goes in as a tuple of its tensors.
pub trait Outputs {
    /// Adds the identities of all tensors to `outputs`.
    ///
    /// # Errors
    /// [`Error::Rejected`] if the forward pass returned an error, [`Error::ForeignOutput`] if a
    /// tensor was not recorded.
    fn collect(&self, outputs: &mut Vec<OutputId>) -> Result<(), Error>;
}

/// The identity of an output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutputId(pub(crate) TensorId);

fn push(id: Option<TensorId>, outputs: &mut Vec<OutputId>) -> Result<(), Error> {
    let index = outputs.len();
    outputs.push(OutputId(id.ok_or(Error::ForeignOutput { index })?));
    Ok(())
}

impl<const D: usize> Outputs for Tensor<D> {
    fn collect(&self, outputs: &mut Vec<OutputId>) -> Result<(), Error> {
        push(float_id(self), outputs)
    }
}

impl<const D: usize> Outputs for Tensor<D, Int> {
    fn collect(&self, outputs: &mut Vec<OutputId>) -> Result<(), Error> {
        push(int_id(self), outputs)
    }
}

impl<const D: usize> Outputs for Tensor<D, Bool> {
    fn collect(&self, outputs: &mut Vec<OutputId>) -> Result<(), Error> {
        push(bool_id(self), outputs)
    }
}

impl Outputs for () {
    fn collect(&self, _: &mut Vec<OutputId>) -> Result<(), Error> {
        Ok(())
    }
}

impl<T: Outputs, E: Display> Outputs for Result<T, E> {
    fn collect(&self, outputs: &mut Vec<OutputId>) -> Result<(), Error> {
        match self {
            Ok(value) => value.collect(outputs),
            Err(error) => Err(Error::Rejected(error.to_string())),
        }
    }
}

impl<T: Outputs> Outputs for Option<T> {
    fn collect(&self, outputs: &mut Vec<OutputId>) -> Result<(), Error> {
        self.iter().try_for_each(|value| value.collect(outputs))
    }
}

impl<T: Outputs> Outputs for Vec<T> {
    fn collect(&self, outputs: &mut Vec<OutputId>) -> Result<(), Error> {
        self.iter().try_for_each(|value| value.collect(outputs))
    }
}

impl<T: Outputs, const N: usize> Outputs for [T; N] {
    fn collect(&self, outputs: &mut Vec<OutputId>) -> Result<(), Error> {
        self.iter().try_for_each(|value| value.collect(outputs))
    }
}

macro_rules! tuple {
    ($($name:ident: $index:tt),+) => {
        impl<$($name: Outputs),+> Outputs for ($($name,)+) {
            fn collect(&self, outputs: &mut Vec<OutputId>) -> Result<(), Error> {
                $(self.$index.collect(outputs)?;)+
                Ok(())
            }
        }
    };
}

tuple!(A: 0);
tuple!(A: 0, B: 1);
tuple!(A: 0, B: 1, C: 2);
tuple!(A: 0, B: 1, C: 2, D: 3);
tuple!(A: 0, B: 1, C: 2, D: 3, E: 4);
tuple!(A: 0, B: 1, C: 2, D: 3, E: 4, F: 5);
