//! Linear layers.

use burn::module::{Initializer, Module};
use burn::nn::{Dropout, DropoutConfig, Linear, LinearConfig, Relu};
use burn::tensor::{Device, Tensor};

use crate::engine::Engine;

/// A linear layer with ReLU and dropout.
#[derive(Module, Debug)]
pub struct HiddenLayer {
    /// The linear layer, weights `[n_in, n_out]`.
    pub linear: Linear,
    relu: Relu,
    dropout: Dropout,
    #[module(skip)]
    engine: Engine,
}

impl HiddenLayer {
    /// `dropout` lies in `[0, 1)`.
    pub(crate) fn new(sizes: [usize; 2], dropout: f64, device: &Device) -> Self {
        Self {
            linear: linear(sizes, device),
            relu: Relu::new(),
            dropout: DropoutConfig::new(dropout).init(),
            engine: Engine::default(),
        }
    }

    /// The layer with another engine.
    #[must_use]
    pub fn with_engine(self, engine: Engine) -> Self {
        Self { engine, ..self }
    }

    /// `[batch, n_in]` → `[batch, n_out]`.
    pub fn forward(&self, input: Tensor<2>) -> Tensor<2> {
        let output = self.relu.forward(apply(&self.linear, input, self.engine));
        self.dropout.forward(output)
    }
}

/// A linear layer `[batch, n_in]` → `[batch, n_out]`.
pub(crate) fn apply(linear: &Linear, input: Tensor<2>, engine: Engine) -> Tensor<2> {
    #[cfg(feature = "winograd")]
    if engine == Engine::Winograd
        && let Some(bias) = &linear.bias
        && let Some(output) = winograd::burn::linear(&input, &linear.weight.val(), &bias.val())
    {
        return output;
    }
    #[cfg(not(feature = "winograd"))]
    let _ = engine;
    linear.forward(input)
}

/// A linear layer with weights from N(0, 0.01) and zero biases.
pub(crate) fn linear([inputs, outputs]: [usize; 2], device: &Device) -> Linear {
    let mut linear = LinearConfig::new(inputs, outputs).init(device);
    linear.weight = small_normal().init([inputs, outputs], device);
    linear.bias = Some(Initializer::Zeros.init([outputs], device));
    linear
}

pub(super) fn small_normal() -> Initializer {
    Initializer::Normal {
        mean: 0.0,
        std: 0.01,
    }
}
