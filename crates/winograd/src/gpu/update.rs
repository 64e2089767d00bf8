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
fn adamw_kernel(
    parameter: &[f32],
    gradient: &[f32],
    first: &[f32],
    second: &[f32],
    new_parameter: &mut [f32],
    new_first: &mut [f32],
    new_second: &mut [f32],
    numbers: AdamWNumbers,
) {
    let at = ABSOLUTE_POS;
    if at >= numbers.units as usize {
        terminate!();
    }
    let of_loss = gradient[at];
    let m = numbers.beta_1 * first[at] + numbers.rest_1 * of_loss;
    let v = numbers.beta_2 * second[at] + numbers.rest_2 * of_loss * of_loss;
    new_first[at] = m;
    new_second[at] = v;
    let root = (v / numbers.correction).sqrt() + numbers.epsilon;
    new_parameter[at] = numbers.keep * parameter[at] - numbers.rate * m / root;
}

/// Parameter, first and second moment after a step.
pub(super) fn adamw(
    client: &Client,
    step: &AdamWStep,
    parameter: &Numbers,
    [gradient, first, second]: [&Numbers; 3],
) -> [Numbers; 3] {
    let length = parameter.length();
    let new: [Numbers; 3] = std::array::from_fn(|_| Numbers::new(client, length));
    let (count, dim) = cubes_of_units(client, length);
    // SAFETY: all have `length` numbers.
    unsafe {
        adamw_kernel::launch_unchecked(
            client,
            count,
            dim,
            parameter.argument(1),
            gradient.argument(1),
            first.argument(1),
            second.argument(1),
            new[0].argument(1),
            new[1].argument(1),
            new[2].argument(1),
            AdamWNumbersLaunch::new(
                length as u32,
                step.beta_1,
                step.beta_2,
                1.0 - step.beta_1,
                1.0 - step.beta_2,
                step.epsilon,
                step.rate / (1.0 - step.beta_1.powi(step.time)),
                1.0 - step.beta_2.powi(step.time),
                1.0 - step.rate * step.weight_decay,
            ),
        );
    }
    new
}

#[cube(launch_unchecked)]
#[allow(clippy::too_many_arguments)]
fn sgd_kernel(
    parameter: &[f32],
    gradient: &[f32],
    velocity: &[f32],
    new_parameter: &mut [f32],
    new_velocity: &mut [f32],
    units: u32,
    rate: f32,
    momentum: f32,
    weight_decay: f32,
) {
    let at = ABSOLUTE_POS;
    if at >= units as usize {
        terminate!();
    }
    let old = parameter[at];
    let next = momentum * velocity[at] + gradient[at] + weight_decay * old;
    new_velocity[at] = next;
    new_parameter[at] = old - rate * next;
}

/// Parameter and velocity after a step.
pub(super) fn sgd(
    client: &Client,
    step: &SgdStep,
    parameter: &Numbers,
    [gradient, velocity]: [&Numbers; 2],
) -> [Numbers; 2] {
    let length = parameter.length();
    let new: [Numbers; 2] = std::array::from_fn(|_| Numbers::new(client, length));
    let (count, dim) = cubes_of_units(client, length);
    // SAFETY: all have `length` numbers.
    unsafe {
        sgd_kernel::launch_unchecked(
            client,
            count,
            dim,
            parameter.argument(1),
            gradient.argument(1),
            velocity.argument(1),
            new[0].argument(1),
            new[1].argument(1),
            length as u32,
            step.rate,
            step.momentum,
            step.weight_decay,
        );
    }
    new
}
