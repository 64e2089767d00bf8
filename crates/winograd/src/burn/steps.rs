//! The settings of optimizer steps.

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
