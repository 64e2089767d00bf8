//! Optimizer steps: each value is read and written once.

use burn_cubecl::cubecl::client::Client;
use burn_cubecl::cubecl::{self, prelude::*};

use super::cubes::cubes_of_units;
use super::memory::Numbers;
use crate::burn::steps::{AdamWStep, SgdStep};

/// What AdamW's formula needs, worked out for a step.
#[derive(Clone, Copy, Debug, CubeType, CubeLaunch)]
struct AdamWNumbers {
    units: u32,
    beta_1: f32,
    beta_2: f32,
    /// 1 - β₁, 1 - β₂
    rest_1: f32,
    rest_2: f32,
    epsilon: f32,
    /// η / (1 - β₁ᵗ) and 1 - β₂ᵗ
    rate: f32,
    correction: f32,
    /// 1 - η·λ
    keep: f32,
}

#[cube(launch_unchecked)]
#[allow(clippy::too_many_arguments)]
fn adamw_kernel<V: Size>(
    parameter: &[Vector<f32, V>],
    gradient: &[Vector<f32, V>],
    first: &[Vector<f32, V>],
    second: &[Vector<f32, V>],
    new_parameter: &mut [Vector<f32, V>],
    new_first: &mut [Vector<f32, V>],
    new_second: &mut [Vector<f32, V>],
    numbers: AdamWNumbers,
    #[define(V)] _vector: usize,
) {
    let at = ABSOLUTE_POS;
    if at >= numbers.units as usize {
        terminate!();
    }
    let of_loss = gradient[at];
    let m = Vector::new(numbers.beta_1) * first[at] + Vector::new(numbers.rest_1) * of_loss;
    let v =
        Vector::new(numbers.beta_2) * second[at] + Vector::new(numbers.rest_2) * of_loss * of_loss;
    new_first[at] = m;
    new_second[at] = v;
    let root = (v / Vector::new(numbers.correction)).sqrt() + Vector::new(numbers.epsilon);
    new_parameter[at] =
        Vector::new(numbers.keep) * parameter[at] - Vector::new(numbers.rate) * m / root;
}

/// Parameter, first and second moment after a step.
pub(super) fn adamw(
    client: &Client,
    step: &AdamWStep,
    parameter: &Numbers,
    [gradient, first, second]: [&Numbers; 3],
) -> [Numbers; 3] {
    let (length, vector) = (parameter.length(), parameter.vector());
    let units = length / vector;
    let new: [Numbers; 3] = std::array::from_fn(|_| Numbers::new(client, length));
    let (count, dim) = cubes_of_units(client, units);
    // SAFETY: all have `length` numbers.
    unsafe {
        adamw_kernel::launch_unchecked(
            client,
            count,
            dim,
            parameter.argument(vector),
            gradient.argument(vector),
            first.argument(vector),
            second.argument(vector),
            new[0].argument(vector),
            new[1].argument(vector),
            new[2].argument(vector),
            AdamWNumbersLaunch::new(
                units as u32,
                step.beta_1,
                step.beta_2,
                1.0 - step.beta_1,
                1.0 - step.beta_2,
                step.epsilon,
                step.rate / (1.0 - step.beta_1.powi(step.time)),
                1.0 - step.beta_2.powi(step.time),
                1.0 - step.rate * step.weight_decay,
            ),
            vector,
        );
    }
    new
}

#[cube(launch_unchecked)]
#[allow(clippy::too_many_arguments)]
fn sgd_kernel<V: Size>(
    parameter: &[Vector<f32, V>],
    gradient: &[Vector<f32, V>],
    velocity: &[Vector<f32, V>],
    new_parameter: &mut [Vector<f32, V>],
    new_velocity: &mut [Vector<f32, V>],
    units: u32,
    rate: f32,
    momentum: f32,
    weight_decay: f32,
    #[define(V)] _vector: usize,
) {
    let at = ABSOLUTE_POS;
    if at >= units as usize {
        terminate!();
    }
    let old = parameter[at];
    let next =
        Vector::new(momentum) * velocity[at] + gradient[at] + Vector::new(weight_decay) * old;
    new_velocity[at] = next;
    new_parameter[at] = old - Vector::new(rate) * next;
}

/// Parameter and velocity after a step.
pub(super) fn sgd(
    client: &Client,
    step: &SgdStep,
    parameter: &Numbers,
    [gradient, velocity]: [&Numbers; 2],
) -> [Numbers; 2] {
    let (length, vector) = (parameter.length(), parameter.vector());
    let units = length / vector;
    let new: [Numbers; 2] = std::array::from_fn(|_| Numbers::new(client, length));
    let (count, dim) = cubes_of_units(client, units);
    // SAFETY: all have `length` numbers.
    unsafe {
        sgd_kernel::launch_unchecked(
            client,
            count,
            dim,
            parameter.argument(vector),
            gradient.argument(vector),
            velocity.argument(vector),
            new[0].argument(vector),
            new[1].argument(vector),
            units as u32,
            step.rate,
            step.momentum,
            step.weight_decay,
            vector,
        );
    }
    new
}
