//! Burn's optimizers with a step that goes over memory once, where the parameters are on Flex.
//! The formulas and the saved states are Burn's.

use burn::optim::{AdamW, AdamWState, AdaptiveMomentumState, LearningRate, Optimizer, RecordState};
use burn::optim::{StateSink, StateSource};
use burn::tensor::{Device, Tensor};
use winograd::burn::{AdamWStep, SgdStep, adamw, sgd};

/// AdamW.
#[derive(Clone)]
pub(super) struct FusedAdamW {
    pub(super) beta_1: f32,
    pub(super) beta_2: f32,
    pub(super) epsilon: f32,
    pub(super) weight_decay: f32,
    /// Burn's own with the same settings, for the first step and for other backends.
    pub(super) plain: AdamW,
}

impl Optimizer for FusedAdamW {
    type State<const D: usize> = AdamWState<D>;

    fn step<const D: usize>(
        &self,
        rate: LearningRate,
        parameter: Tensor<D>,
        gradient: Tensor<D>,
        state: Option<AdamWState<D>>,
    ) -> (Tensor<D>, Option<AdamWState<D>>) {
        let Some(state) = state else {
            return self.plain.step(rate, parameter, gradient, None);
        };
        let time = state.momentum.time + 1;
        let step = AdamWStep {
            rate: rate as f32,
            beta_1: self.beta_1,
            beta_2: self.beta_2,
            epsilon: self.epsilon,
            weight_decay: self.weight_decay,
            time: i32::try_from(time).unwrap_or(i32::MAX),
        };
        let moments = [&state.momentum.moment_1, &state.momentum.moment_2];
        match adamw(&step, &parameter, gradient, moments) {
            Ok([parameter, first, second]) => {
                let momentum = AdaptiveMomentumState::new(time, first, second);
                (parameter, Some(AdamWState::new(momentum)))
            }
            Err(gradient) => self.plain.step(rate, parameter, gradient, Some(state)),
        }
    }

    fn to_device<const D: usize>(state: AdamWState<D>, device: &Device) -> AdamWState<D> {
        AdamW::to_device(state, device)
    }
}

/// SGD with momentum.
#[derive(Clone)]
pub(super) struct FusedSgd {
    pub(super) momentum: f32,
    pub(super) weight_decay: f32,
}

const VELOCITY: &str = "velocity";

/// What [`FusedSgd`] keeps for a parameter.
#[derive(Clone)]
pub(super) struct Velocity<const D: usize> {
    velocity: Tensor<D>,
}

impl<const D: usize> RecordState for Velocity<D> {
    fn state_flatten(&self, prefix: &str, out: &mut StateSink) {
        out.push_tensor(prefix, VELOCITY, self.velocity.to_data());
    }

    fn state_unflatten(prefix: &str, src: &mut StateSource, device: &Device) -> Option<Self> {
        let data = src.take_tensor(prefix, VELOCITY)?;
        (data.shape().len() == D).then(|| Self {
            velocity: Tensor::from_data(data, device),
        })
    }
}

impl Optimizer for FusedSgd {
    type State<const D: usize> = Velocity<D>;

    fn step<const D: usize>(
        &self,
        rate: LearningRate,
        parameter: Tensor<D>,
        mut gradient: Tensor<D>,
        state: Option<Velocity<D>>,
    ) -> (Tensor<D>, Option<Velocity<D>>) {
        if let Some(state) = &state {
            let step = SgdStep {
                rate: rate as f32,
                momentum: self.momentum,
                weight_decay: self.weight_decay,
            };
            match sgd(&step, &parameter, gradient, &state.velocity) {
                Ok([parameter, velocity]) => return (parameter, Some(Velocity { velocity })),
                Err(back) => gradient = back,
            }
        }
        let gradient = gradient + parameter.clone().mul_scalar(self.weight_decay);
        let velocity = match state {
            Some(state) => state.velocity.mul_scalar(self.momentum) + gradient,
            None => gradient,
        };
        let parameter = parameter - velocity.clone().mul_scalar(rate);
        (parameter, Some(Velocity { velocity }))
    }

    fn to_device<const D: usize>(state: Velocity<D>, device: &Device) -> Velocity<D> {
        Velocity {
            velocity: state.velocity.to_device(device),
        }
    }
}
