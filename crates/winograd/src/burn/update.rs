//! Optimizer steps in one pass over memory.
//!
//! An update of a parameter reads and writes few values and does little arithmetic; composed of tensor
//! operations it moves each value through memory a dozen times.

use burn::tensor::{Tensor, TensorData};
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
/// # Errors
/// The gradient back if the tensors are not 32-bit floating-point numbers of one size on Flex.
pub fn adamw<const D: usize>(
    step: &AdamWStep,
    parameter: &Tensor<D>,
    gradient: Tensor<D>,
    moments: [&Tensor<D>; 2],
) -> Result<[Tensor<D>; 3], Tensor<D>> {
    let [first, second] = moments;
    let Some([old, first, second]) = alike([parameter, first, second], &gradient) else {
        return Err(gradient);
    };
    let mut next = owned(gradient)?;
    let (shape, length) = (parameter.dims(), parameter.shape().num_elements());
    let [old, first, second] = [&old, &first, &second].map(slice);
    let mut moments = [vec![0.0; length], vec![0.0; length]];
    let [m, v] = &mut moments;
    // The gradient is read once, so the new parameter can take its place.
    let place = next.storage_mut::<f32>();
    let correction = [
        1.0 - step.beta_1.powi(step.time),
        1.0 - step.beta_2.powi(step.time),
    ];
    let (rate, keep) = (
        step.rate / correction[0],
        1.0 - step.rate * step.weight_decay,
    );
    place
        .par_chunks_mut(CHUNK)
        .zip(m.par_chunks_mut(CHUNK))
        .zip(v.par_chunks_mut(CHUNK))
        .zip(old.par_chunks(CHUNK))
        .zip(first.par_chunks(CHUNK))
        .zip(second.par_chunks(CHUNK))
        .for_each(|(((((place, m), v), old), first), second)| {
            let olds = old.iter().zip(first).zip(second);
            let news = place.iter_mut().zip(m).zip(v);
            for (((place, m), v), ((old, first), second)) in news.zip(olds) {
                let gradient = *place;
                *m = step.beta_1 * first + (1.0 - step.beta_1) * gradient;
                *v = step.beta_2 * second + (1.0 - step.beta_2) * gradient * gradient;
                let root = (*v / correction[1]).sqrt() + step.epsilon;
                *place = keep * old - rate * *m / root;
            }
        });
    let [m, v] = moments.map(|moment| new(moment, shape));
    Ok([Tensor::from_primitive::<Flex>(next), m, v])
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
/// # Errors
/// The gradient back if the tensors are not 32-bit floating-point numbers of one size on Flex.
pub fn sgd<const D: usize>(
    step: &SgdStep,
    parameter: &Tensor<D>,
    gradient: Tensor<D>,
    velocity: &Tensor<D>,
) -> Result<[Tensor<D>; 2], Tensor<D>> {
    let Some([old, before]) = alike([parameter, velocity], &gradient) else {
        return Err(gradient);
    };
    let mut next = owned(gradient)?;
    let (shape, length) = (parameter.dims(), parameter.shape().num_elements());
    let [old, before] = [&old, &before].map(slice);
    let mut moved = vec![0.0; length];
    let place = next.storage_mut::<f32>();
    place
        .par_chunks_mut(CHUNK)
        .zip(moved.par_chunks_mut(CHUNK))
        .zip(old.par_chunks(CHUNK))
        .zip(before.par_chunks(CHUNK))
        .for_each(|(((place, moved), old), before)| {
            let olds = old.iter().zip(before);
            for ((place, moved), (old, before)) in place.iter_mut().zip(moved).zip(olds) {
                *moved = step.momentum * before + *place + step.weight_decay * old;
                *place = old - step.rate * *moved;
            }
        });
    Ok([Tensor::from_primitive::<Flex>(next), new(moved, shape)])
}

/// The tensors as Flex has them, if the gradient is there too and all have one shape.
fn alike<const D: usize, const N: usize>(
    tensors: [&Tensor<D>; N],
    gradient: &Tensor<D>,
) -> Option<[FlexTensor; N]> {
    let shape = gradient.dims();
    if tensors.iter().any(|tensor| tensor.dims() != shape) || plain(gradient).is_none() {
        return None;
    }
    let found: Option<Vec<_>> = tensors.into_iter().map(plain).collect();
    found?.try_into().ok()
}

/// The gradient itself, its memory shared with nobody if nobody else holds it.
fn owned<const D: usize>(gradient: Tensor<D>) -> Result<FlexTensor, Tensor<D>> {
    let spare = gradient.clone();
    match gradient
        .try_into_primitive::<Flex>()
        .ok()
        .and_then(contiguous)
    {
        Some(primitive) => {
            drop(spare);
            Ok(primitive)
        }
        None => Err(spare),
    }
}

fn slice(tensor: &FlexTensor) -> &[f32] {
    values(tensor).unwrap_or_default()
}

fn new<const D: usize>(values: Vec<f32>, shape: [usize; D]) -> Tensor<D> {
    let tensor = FlexTensor::from_data(TensorData::new(values, shape));
    Tensor::from_primitive::<Flex>(tensor)
}
