//! Optimizer steps in one pass over memory.
//!
//! An update of a parameter reads and writes few values and does little arithmetic; composed of tensor
//! operations it moves each value through memory a dozen times.

// The tensors of a step that cannot be taken go back to the caller as they came.
#![allow(clippy::result_large_err)]

use burn::tensor::Tensor;
use burn_flex::{Flex, FlexTensor};
use rayon::prelude::*;

use super::forward::values;
use super::{contiguous, plain};

/// Values that one task updates.
const CHUNK: usize = 1 << 14;

/// The settings of a step of AdamW, decay decoupled from the gradient.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AdamWStep {
    /// Learning rate.
    pub rate: f32,
    /// Decay of the mean of gradients.
    pub beta_1: f32,
    /// Decay of the mean of squared gradients.
    pub beta_2: f32,
    /// Added to the root in the denominator.
    pub epsilon: f32,
    /// Decay of the parameter itself, times the learning rate.
    pub weight_decay: f32,
    /// The number of this step, from 1.
    pub time: i32,
}

/// Parameter, first and second moment after a step of AdamW:
///
/// m ← β₁·m + (1 − β₁)·g, v ← β₂·v + (1 − β₂)·g²,
/// θ ← (1 − η·λ)·θ − η·m / (1 − β₁ᵗ) / (√(v / (1 − β₂ᵗ)) + ε)
///
/// The moments' memory is used again if nobody else holds it, and the gradient's becomes the parameter's.
///
/// # Errors
/// Gradient and moments back if the tensors are not 32-bit floating-point numbers of one size on Flex.
pub fn adamw<const D: usize>(
    step: &AdamWStep,
    parameter: &Tensor<D>,
    gradient: Tensor<D>,
    moments: [Tensor<D>; 2],
) -> Result<[Tensor<D>; 3], [Tensor<D>; 3]> {
    let [first, second] = moments;
    let Some(old) = alike(parameter, [&gradient, &first, &second]) else {
        return Err([gradient, first, second]);
    };
    let [mut place, mut m, mut v] = owned([gradient, first, second])?;
    let correction = [
        1.0 - step.beta_1.powi(step.time),
        1.0 - step.beta_2.powi(step.time),
    ];
    let (rate, keep) = (
        step.rate / correction[0],
        1.0 - step.rate * step.weight_decay,
    );
    place
        .storage_mut::<f32>()
        .par_chunks_mut(CHUNK)
        .zip(m.storage_mut::<f32>().par_chunks_mut(CHUNK))
        .zip(v.storage_mut::<f32>().par_chunks_mut(CHUNK))
        .zip(slice(&old).par_chunks(CHUNK))
        .for_each(|(((place, m), v), old)| {
            for (((place, m), v), old) in place.iter_mut().zip(m).zip(v).zip(old) {
                let gradient = *place;
                *m = step.beta_1 * *m + (1.0 - step.beta_1) * gradient;
                *v = step.beta_2 * *v + (1.0 - step.beta_2) * gradient * gradient;
                let root = (*v / correction[1]).sqrt() + step.epsilon;
                *place = keep * old - rate * *m / root;
            }
        });
    Ok([place, m, v].map(Tensor::from_primitive::<Flex>))
}

/// The settings of a step of SGD with momentum.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SgdStep {
    /// Learning rate.
    pub rate: f32,
    /// Part of the velocity that is kept.
    pub momentum: f32,
    /// Decay of the parameter, added to the gradient.
    pub weight_decay: f32,
}

/// Parameter and velocity after a step of SGD with momentum:
///
/// v ← μ·v + g + λ·θ, θ ← θ − η·v
///
/// The velocity's memory is used again if nobody else holds it, and the gradient's becomes the parameter's.
///
/// # Errors
/// Gradient and velocity back if the tensors are not 32-bit floating-point numbers of one size on Flex.
pub fn sgd<const D: usize>(
    step: &SgdStep,
    parameter: &Tensor<D>,
    gradient: Tensor<D>,
    velocity: Tensor<D>,
) -> Result<[Tensor<D>; 2], [Tensor<D>; 2]> {
    let Some(old) = alike(parameter, [&gradient, &velocity]) else {
        return Err([gradient, velocity]);
    };
    let [mut place, mut velocity] = owned([gradient, velocity])?;
    place
        .storage_mut::<f32>()
        .par_chunks_mut(CHUNK)
        .zip(velocity.storage_mut::<f32>().par_chunks_mut(CHUNK))
        .zip(slice(&old).par_chunks(CHUNK))
        .for_each(|((place, velocity), old)| {
            for ((place, velocity), old) in place.iter_mut().zip(velocity).zip(old) {
                *velocity = step.momentum * *velocity + *place + step.weight_decay * old;
                *place = old - step.rate * *velocity;
            }
        });
    Ok([place, velocity].map(Tensor::from_primitive::<Flex>))
}

/// The parameter as Flex has it, if the others are there too and all have one shape.
fn alike<const D: usize, const N: usize>(
    parameter: &Tensor<D>,
    others: [&Tensor<D>; N],
) -> Option<FlexTensor> {
    let shape = parameter.dims();
    let fits = |other: &&Tensor<D>| other.dims() == shape && plain(other).is_some();
    match others.iter().all(fits) {
        true => plain(parameter),
        false => None,
    }
}

/// The tensors themselves, their memory shared with nobody if nobody else holds them. They are on Flex,
/// as [`alike`] has seen.
fn owned<const D: usize, const N: usize>(
    tensors: [Tensor<D>; N],
) -> Result<[FlexTensor; N], [Tensor<D>; N]> {
    let handles = tensors.clone();
    let taken: Vec<_> = tensors
        .into_iter()
        .filter_map(|tensor| tensor.try_into_primitive::<Flex>().ok())
        .filter_map(contiguous)
        .collect();
    let taken: Result<[FlexTensor; N], _> = taken.try_into();
    taken.map_err(|_| handles)
}

fn slice(tensor: &FlexTensor) -> &[f32] {
    values(tensor).unwrap_or_default()
}
