//! Optimizer steps.

// The tensors of a step that cannot be taken go back to the caller as they came.
#![allow(clippy::result_large_err)]

use burn::tensor::Tensor;

use super::kernels::{Gpu, Kernels};
use super::tensors::{Primitive, Source};
use crate::burn::steps::{AdamWStep, SgdStep};

/// Parameter, first and second moment after a step; gradient and moments back if they do not all lie on a GPU.
pub(in crate::burn) fn adamw<const D: usize>(
    step: &AdamWStep,
    parameter: &Tensor<D>,
    tensors: [Tensor<D>; 3],
) -> Result<[Tensor<D>; 3], [Tensor<D>; 3]> {
    let Some((old, [gradient, first, second])) = primitives(parameter, &tensors) else {
        return Err(tensors);
    };
    let new = Gpu::adamw(old, gradient, first, second, *step);
    Ok(<[_; 3]>::from(new).map(Tensor::from_primitive::<Gpu>))
}

/// Parameter and velocity after a step; gradient and velocity back if they do not all lie on a GPU.
pub(in crate::burn) fn sgd<const D: usize>(
    step: &SgdStep,
    parameter: &Tensor<D>,
    tensors: [Tensor<D>; 2],
) -> Result<[Tensor<D>; 2], [Tensor<D>; 2]> {
    let Some((old, [gradient, velocity])) = primitives(parameter, &tensors) else {
        return Err(tensors);
    };
    let new = Gpu::sgd(old, gradient, velocity, *step);
    Ok(<[_; 2]>::from(new).map(Tensor::from_primitive::<Gpu>))
}

/// Of one shape, and without automatic differentiation.
fn primitives<const D: usize, const N: usize>(
    parameter: &Tensor<D>,
    others: &[Tensor<D>; N],
) -> Option<(Primitive, [Primitive; N])> {
    let shape = parameter.dims();
    let primitive = |tensor: &Tensor<D>| {
        let source = Source::of(tensor)?;
        (tensor.dims() == shape && source.guard.is_none()).then_some(source.primitive)
    };
    let others: Option<Vec<_>> = others.iter().map(primitive).collect();
    Some((primitive(parameter)?, others?.try_into().ok()?))
}
