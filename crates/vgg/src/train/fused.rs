//! Burn's optimizers with a step that goes over memory once, with [`Engine::Winograd`].
//! The formulas and the saved states are Burn's.

use burn::optim::{AdamW, AdamWState, AdaptiveMomentumState, LearningRate, Optimizer, RecordState};
use burn::optim::{StateSink, StateSource};
use burn::tensor::{Device, Tensor};
use winograd::burn::{AdamWStep, SgdStep, adamw, sgd};

use crate::device::is_processor;
use crate::engine::Engine;

/// AdamW.
#[derive(Clone)]
pub(super) struct FusedAdamW {
    pub(super) beta_1: f32,
    pub(super) beta_2: f32,
    pub(super) epsilon: f32,
    pub(super) weight_decay: f32,
    pub(super) engine: Engine,
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
        let state = match (state, self.engine) {
            (Some(state), Engine::Winograd) => state,
            // On a GPU the first step is as the others: no kernels are compiled for it alone.
            (None, Engine::Winograd) if !is_processor(&parameter.device()) => {
                let [first, second] = [parameter.zeros_like(), parameter.zeros_like()];
                AdamWState::new(AdaptiveMomentumState::new(0, first, second))
            }
            (state, _) => return self.plain.step(rate, parameter, gradient, state),
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
        let mut momentum = state.momentum;
        let moments = [momentum.moment_1, momentum.moment_2];
        match adamw(&step, &parameter, gradient, moments) {
            Ok([parameter, first, second]) => {
                let momentum = AdaptiveMomentumState::new(time, first, second);
                (parameter, Some(AdamWState::new(momentum)))
            }
            Err([gradient, first, second]) => {
                (momentum.moment_1, momentum.moment_2) = (first, second);
                let state = Some(AdamWState::new(momentum));
                self.plain.step(rate, parameter, gradient, state)
            }
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
    pub(super) engine: Engine,
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
        mut state: Option<Velocity<D>>,
    ) -> (Tensor<D>, Option<Velocity<D>>) {
        if self.engine == Engine::Winograd && !is_processor(&parameter.device()) {
            // On a GPU the first step is as the others: no kernels are compiled for it alone.
            state.get_or_insert_with(|| Velocity {
                velocity: parameter.zeros_like(),
            });
        }
        if self.engine == Engine::Winograd
            && let Some(before) = state.take()
        {
            let step = SgdStep {
                rate: rate as f32,
                momentum: self.momentum,
                weight_decay: self.weight_decay,
            };
            match sgd(&step, &parameter, gradient, before.velocity) {
                Ok([parameter, velocity]) => return (parameter, Some(Velocity { velocity })),
                Err([back, velocity]) => {
                    gradient = back;
                    state = Some(Velocity { velocity });
                }
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

#[cfg(test)]
mod tests {
    use burn::optim::decay::WeightDecayConfig;
    use burn::optim::momentum::MomentumConfig;
    use burn::optim::{AdamWConfig, SgdConfig};
    use burn::tensor::Tolerance;

    use super::*;

    fn wave(scale: f32, device: &Device) -> Tensor<2> {
        let values: Vec<f32> = (0..600).map(|i| (i as f32 * scale).sin()).collect();
        Tensor::<1>::from_floats(values.as_slice(), device).reshape([20, 30])
    }

    /// Five steps of two optimizers on the same gradients.
    fn agree(fused: impl Optimizer, plain: impl Optimizer) {
        let device = Device::flex();
        let run = |step: &dyn Fn(Tensor<2>, Tensor<2>) -> Tensor<2>| {
            (0..5).fold(wave(0.3, &device), |parameter, index| {
                step(parameter, wave(0.1 + index as f32, &device))
            })
        };
        let state = std::cell::RefCell::new(None);
        let expected = run(&|parameter, gradient| {
            let (parameter, next) = plain.step(0.01, parameter, gradient, state.take());
            *state.borrow_mut() = next;
            parameter
        });
        let state = std::cell::RefCell::new(None);
        let found = run(&|parameter, gradient| {
            let (parameter, next) = fused.step(0.01, parameter, gradient, state.take());
            *state.borrow_mut() = next;
            parameter
        });
        let tolerance = Tolerance::absolute(1e-6);
        found
            .into_data()
            .assert_approx_eq::<f32>(&expected.into_data(), tolerance);
    }

    #[test]
    fn adamw_is_burns() {
        let plain = AdamWConfig::new()
            .with_weight_decay(0.1)
            .with_epsilon(1e-8)
            .build();
        for engine in [Engine::Winograd, Engine::Burn] {
            let fused = FusedAdamW {
                beta_1: 0.9,
                beta_2: 0.999,
                epsilon: 1e-8,
                weight_decay: 0.1,
                engine,
                plain: plain.clone(),
            };
            agree(fused, plain.clone());
        }
    }

    #[test]
    fn sgd_is_burns() {
        let momentum = MomentumConfig::new().with_momentum(0.9).with_dampening(0.0);
        let plain = SgdConfig::new()
            .with_momentum(Some(momentum))
            .with_weight_decay(Some(WeightDecayConfig::new(0.1)));
        for engine in [Engine::Winograd, Engine::Burn] {
            let fused = FusedSgd {
                momentum: 0.9,
                weight_decay: 0.1,
                engine,
            };
            agree(fused, plain.clone().build());
        }
    }
}
