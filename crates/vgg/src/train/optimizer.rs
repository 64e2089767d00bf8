//! The optimizer and the course of the learning rate.

use burn::module::ParamGroup;
use burn::optim::lr_scheduler::cosine::CosineAnnealingLrSchedulerConfig;
use burn::optim::lr_scheduler::linear::LinearLrSchedulerConfig;
use burn::optim::lr_scheduler::module_lr_scheduler::ModuleLrScheduler;
use burn::optim::lr_scheduler::sequential::SequentialLrSchedulerConfig;
use burn::optim::{AdamWConfig, ModuleOptimizer};
#[cfg(not(feature = "winograd"))]
use burn::optim::{SgdConfig, decay::WeightDecayConfig, momentum::MomentumConfig};

use super::config::{OptimizerKind, TrainConfig};
use super::error::TrainError;
#[cfg(feature = "winograd")]
use super::fused::{FusedAdamW, FusedSgd};
use crate::engine::Engine;

/// What AdamW keeps of the means of gradients and of their squares.
const BETAS: [f32; 2] = [0.9, 0.999];

/// The part of the velocity that SGD keeps.
const MOMENTUM: f32 = 0.9;

/// PyTorch's default; Burn's is 1e-5.
const ADAM_EPSILON: f32 = 1e-8;

/// The optimizer that `config` asks for, with PyTorch's semantics. Weight decay acts on the
/// weights of convolutions and linear layers, not on biases and norms. Its steps are computed by `engine`.
///
/// # Errors
/// None with a valid configuration.
pub fn optimizer(config: &TrainConfig, engine: Engine) -> Result<ModuleOptimizer, TrainError> {
    let decay = config.weight_decay as f32;
    let weights = ParamGroup::from_regex(r"(^|\.)weight$")
        .map_err(|error| TrainError::Stopped(format!("{error:?}")))?;
    let build = match config.optimizer {
        OptimizerKind::Sgd => sgd,
        OptimizerKind::AdamW => adamw,
    };
    Ok(build(decay, weights, engine))
}

#[cfg(feature = "winograd")]
fn sgd(decay: f32, weights: ParamGroup, engine: Engine) -> ModuleOptimizer {
    let plain = FusedSgd {
        momentum: MOMENTUM,
        weight_decay: 0.0,
        engine,
    };
    let decaying = FusedSgd {
        weight_decay: decay,
        ..plain
    };
    ModuleOptimizer::from(plain).with_group(weights, decaying, None)
}

#[cfg(not(feature = "winograd"))]
fn sgd(decay: f32, weights: ParamGroup, _: Engine) -> ModuleOptimizer {
    let momentum = MomentumConfig::new()
        .with_momentum(f64::from(MOMENTUM))
        .with_dampening(0.0);
    let plain = SgdConfig::new().with_momentum(Some(momentum));
    let decaying = plain
        .clone()
        .with_weight_decay(Some(WeightDecayConfig::new(decay)));
    ModuleOptimizer::from(plain.build()).with_group(weights, decaying.build(), None)
}

#[cfg(feature = "winograd")]
fn adamw(decay: f32, weights: ParamGroup, engine: Engine) -> ModuleOptimizer {
    let fused = |weight_decay| FusedAdamW {
        beta_1: BETAS[0],
        beta_2: BETAS[1],
        epsilon: ADAM_EPSILON,
        weight_decay,
        engine,
        plain: plain_adamw(weight_decay).build(),
    };
    ModuleOptimizer::from(fused(0.0)).with_group(weights, fused(decay), None)
}

#[cfg(not(feature = "winograd"))]
fn adamw(decay: f32, weights: ParamGroup, _: Engine) -> ModuleOptimizer {
    let plain = plain_adamw(0.0).build();
    ModuleOptimizer::from(plain).with_group(weights, plain_adamw(decay).build(), None)
}

fn plain_adamw(weight_decay: f32) -> AdamWConfig {
    AdamWConfig::new()
        .with_beta_1(BETAS[0])
        .with_beta_2(BETAS[1])
        .with_epsilon(ADAM_EPSILON)
        .with_weight_decay(weight_decay)
}

/// Linear warm-up, then half a cosine down to zero, step by step, for `images` training images.
pub(super) fn schedule(
    config: &TrainConfig,
    images: usize,
) -> Result<ModuleLrScheduler, TrainError> {
    let total = config.steps(images);
    let warmup = ((total as f64 * config.warmup) as usize).min(total.saturating_sub(1));
    let top = config.learning_rate;
    let cosine = CosineAnnealingLrSchedulerConfig::new(top, total - warmup);
    match warmup {
        0 => cosine.init(),
        _ => {
            let first = top / (warmup + 1) as f64;
            let linear = LinearLrSchedulerConfig::new(first, top, warmup);
            SequentialLrSchedulerConfig::new(vec![linear.into(), cosine.into()], vec![warmup])
                .init()
        }
    }
    .map_err(TrainError::Stopped)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_rises_to_its_top_and_falls_to_nothing() {
        let config = TrainConfig::new(OptimizerKind::Sgd, 0.5)
            .with_epochs(10)
            .with_batch_size(10)
            .with_warmup(0.1);
        let mut schedule = schedule(&config, 95).expect("valid");
        let rates: Vec<_> = (0..100).map(|_| schedule.step().base()).collect();
        assert!(
            rates[..11].windows(2).all(|pair| pair[0] < pair[1]),
            "{:?}",
            &rates[..11]
        );
        assert!(rates[10..].windows(2).all(|pair| pair[0] > pair[1]));
        assert!(
            rates[0] > 0.0 && rates[10] == 0.5 && rates[99] < 0.001,
            "{rates:?}"
        );
    }

    #[test]
    fn a_single_step_is_enough() {
        let config = TrainConfig::new(OptimizerKind::Sgd, 0.5)
            .with_epochs(1)
            .with_warmup(0.9);
        assert_eq!(schedule(&config, 3).expect("valid").step().base(), 0.5);
    }
}
