//! Optimizer steps in one pass over memory.
//!
//! An update of a parameter reads and writes few values and does little arithmetic; composed of tensor
//! operations it moves each value through memory a dozen times.

// The tensors of a step that cannot be taken go back to the caller as they came.
#![allow(clippy::result_large_err)]

use burn::tensor::{DType, Tensor};
use rayon::prelude::*;

use super::backend::{CpuBackend, Primitive, contiguous, with_backend};
use super::steps::{AdamWStep, SgdStep};

#[cfg(feature = "gpu")]
use super::gpu as elsewhere;

/// On a device that is no CPU.
#[cfg(not(feature = "gpu"))]
mod elsewhere {
    use super::{AdamWStep, SgdStep, Tensor};

    pub(super) fn adamw<const D: usize>(
        _: &AdamWStep,
        _: &Tensor<D>,
        tensors: [Tensor<D>; 3],
    ) -> Result<[Tensor<D>; 3], [Tensor<D>; 3]> {
        Err(tensors)
    }

    pub(super) fn sgd<const D: usize>(
        _: &SgdStep,
        _: &Tensor<D>,
        tensors: [Tensor<D>; 2],
    ) -> Result<[Tensor<D>; 2], [Tensor<D>; 2]> {
        Err(tensors)
    }
}

/// Values that one task updates.
const CHUNK: usize = 1 << 14;

/// Parameter, first and second moment after a step of AdamW:
///
/// m ← β₁·m + (1 − β₁)·g, v ← β₂·v + (1 − β₂)·g²,
/// θ ← (1 − η·λ)·θ − η·m / (1 − β₁ᵗ) / (√(v / (1 − β₂ᵗ)) + ε)
///
/// On a CPU the moments' memory is used again if nobody else holds it, and the gradient's becomes the parameter's.
///
/// # Errors
/// Gradient and moments back if the tensors are not 32-bit floating-point numbers of one shape on a CPU backend or a GPU.
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use winograd::burn::{AdamWStep, adamw};
///
/// let device = Device::flex();
/// let step = AdamWStep {
///     rate: 0.1,
///     beta_1: 0.9,
///     beta_2: 0.999,
///     epsilon: 1e-8,
///     weight_decay: 0.0,
///     time: 1,
/// };
/// let (parameter, gradient) = (Tensor::<1>::ones([4], &device), Tensor::ones([4], &device));
/// let moments = [Tensor::zeros([4], &device), Tensor::zeros([4], &device)];
/// let [parameter, _, _] = adamw(&step, &parameter, gradient, moments).expect("tensors on Flex");
/// // The first step is as long as the learning rate.
/// let value: f32 = parameter.mean().into_scalar();
/// assert!((value - 0.9).abs() < 1e-5);
/// ```
pub fn adamw<const D: usize>(
    step: &AdamWStep,
    parameter: &Tensor<D>,
    gradient: Tensor<D>,
    moments: [Tensor<D>; 2],
) -> Result<[Tensor<D>; 3], [Tensor<D>; 3]> {
    let [first, second] = moments;
    let tensors = [gradient, first, second];
    with_backend!(
        parameter,
        B => adamw_on::<B, D>(step, parameter, tensors),
        else elsewhere::adamw(step, parameter, tensors)
    )
}

fn adamw_on<B: CpuBackend, const D: usize>(
    step: &AdamWStep,
    parameter: &Tensor<D>,
    tensors: [Tensor<D>; 3],
) -> Result<[Tensor<D>; 3], [Tensor<D>; 3]> {
    let (old, mut owned) = primitives::<B, D, 3>(parameter, tensors)?;
    let [gradient, first, second] = slices::<B, 3>(&mut owned);
    let correction = [
        1.0 - step.beta_1.powi(step.time),
        1.0 - step.beta_2.powi(step.time),
    ];
    let (rate, keep) = (
        step.rate / correction[0],
        1.0 - step.rate * step.weight_decay,
    );
    gradient
        .par_chunks_mut(CHUNK)
        .zip(first.par_chunks_mut(CHUNK))
        .zip(second.par_chunks_mut(CHUNK))
        .zip(B::values(&old).unwrap_or_default().par_chunks(CHUNK))
        .for_each(|(((new, m), v), old)| {
            // Where the gradient was, the parameter will be.
            for (((new, m), v), old) in new.iter_mut().zip(m).zip(v).zip(old) {
                let gradient = *new;
                *m = step.beta_1 * *m + (1.0 - step.beta_1) * gradient;
                *v = step.beta_2 * *v + (1.0 - step.beta_2) * gradient * gradient;
                let root = (*v / correction[1]).sqrt() + step.epsilon;
                *new = keep * old - rate * *m / root;
            }
        });
    Ok(owned.map(B::from_untracked))
}

/// Parameter and velocity after a step of SGD with momentum:
///
/// v ← μ·v + g + λ·θ, θ ← θ − η·v
///
/// On a CPU the velocity's memory is used again if nobody else holds it, and the gradient's becomes the parameter's.
///
/// # Errors
/// Gradient and velocity back if the tensors are not 32-bit floating-point numbers of one shape on a CPU backend or a GPU.
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use winograd::burn::{SgdStep, sgd};
///
/// let device = Device::flex();
/// let step = SgdStep {
///     rate: 0.1,
///     momentum: 0.9,
///     weight_decay: 0.0,
/// };
/// let (parameter, gradient) = (Tensor::<1>::ones([4], &device), Tensor::ones([4], &device));
/// let velocity = Tensor::zeros([4], &device);
/// let [parameter, _] = sgd(&step, &parameter, gradient, velocity).expect("tensors on Flex");
/// let value: f32 = parameter.mean().into_scalar();
/// assert!((value - 0.9).abs() < 1e-6);
/// ```
pub fn sgd<const D: usize>(
    step: &SgdStep,
    parameter: &Tensor<D>,
    gradient: Tensor<D>,
    velocity: Tensor<D>,
) -> Result<[Tensor<D>; 2], [Tensor<D>; 2]> {
    let tensors = [gradient, velocity];
    with_backend!(
        parameter,
        B => sgd_on::<B, D>(step, parameter, tensors),
        else elsewhere::sgd(step, parameter, tensors)
    )
}

fn sgd_on<B: CpuBackend, const D: usize>(
    step: &SgdStep,
    parameter: &Tensor<D>,
    tensors: [Tensor<D>; 2],
) -> Result<[Tensor<D>; 2], [Tensor<D>; 2]> {
    let (old, mut owned) = primitives::<B, D, 2>(parameter, tensors)?;
    let [gradient, velocity] = slices::<B, 2>(&mut owned);
    gradient
        .par_chunks_mut(CHUNK)
        .zip(velocity.par_chunks_mut(CHUNK))
        .zip(B::values(&old).unwrap_or_default().par_chunks(CHUNK))
        .for_each(|((new, velocity), old)| {
            for ((new, velocity), old) in new.iter_mut().zip(velocity).zip(old) {
                *velocity = step.momentum * *velocity + *new + step.weight_decay * old;
                *new = old - step.rate * *velocity;
            }
        });
    Ok(owned.map(B::from_untracked))
}

/// Parameter and other tensors as the backend has them, contiguous; the others back if they are not all there
/// or have not all one shape. Those are held by nobody else if nobody else did before.
#[allow(clippy::type_complexity)]
fn primitives<B: CpuBackend, const D: usize, const N: usize>(
    parameter: &Tensor<D>,
    others: [Tensor<D>; N],
) -> Result<(Primitive<B>, [Primitive<B>; N]), [Tensor<D>; N]> {
    let shape = parameter.dims();
    let fits = |other: &Tensor<D>| {
        let f32 = other.dtype() == DType::F32;
        f32 && other.dims() == shape && B::untracked(other.clone()).is_some()
    };
    let old = B::untracked(parameter.clone()).and_then(contiguous::<B>);
    let Some(old) = old.filter(|_| others.iter().all(fits)) else {
        return Err(others);
    };
    let handles = others.clone();
    let owned: Vec<_> = others
        .into_iter()
        .filter_map(|other| contiguous::<B>(B::untracked(other)?))
        .collect();
    match owned.try_into() {
        Ok(owned) => Ok((old, owned)),
        Err(_) => Err(handles),
    }
}

/// The values of tensors that were made contiguous, to be changed.
fn slices<B: CpuBackend, const N: usize>(tensors: &mut [Primitive<B>; N]) -> [&mut [f32]; N] {
    tensors
        .each_mut()
        .map(|tensor| B::values_mut(tensor).unwrap_or_default())
}
