//! A convolution with what follows it.

use burn::module::{Initializer, Module, Param};
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::{BatchNorm, BatchNormConfig, PaddingConfig2d, Relu};
use burn::tensor::{Device, Tensor};

#[cfg(feature = "winograd")]
use std::sync::Arc;
#[cfg(feature = "winograd")]
use winograd::{
    SumAcross,
    burn::{ChainLayer, ChainNorm, chain},
};

#[cfg(any(feature = "winograd", feature = "train"))]
use super::batch_norm::learns;
use super::batch_norm::normalise;
use super::linear::small_normal;
use crate::config::WeightInit;
use crate::engine::Engine;

/// A 3×3 convolution with padding 1, batch normalisation where the network has it, and ReLU.
#[derive(Module, Debug)]
pub struct ConvLayer {
    /// The convolution, weights `[c_out, c_in, 3, 3]`.
    pub conv: Conv2d,
    /// Batch normalisation over the convolution's output channels.
    pub norm: Option<BatchNorm>,
    relu: Relu,
    #[module(skip)]
    engine: Engine,
    /// The workers over whose parts of a batch the normalisation takes its statistics.
    #[cfg(feature = "winograd")]
    #[module(skip)]
    across: Option<Arc<dyn SumAcross>>,
}

impl ConvLayer {
    pub(crate) fn new(
        channels: [usize; 2],
        batch_norm: bool,
        init: &WeightInit,
        device: &Device,
    ) -> Self {
        let [inputs, outputs] = channels;
        let mut conv = Conv2dConfig::new(channels, [3, 3])
            .with_padding(PaddingConfig2d::Explicit(1, 1, 1, 1))
            .init(device);
        // Burn's config has one initializer for weight and bias; a VGG draws only the weight.
        conv.weight = match init {
            WeightInit::Kaiming => Initializer::KaimingNormal {
                gain: 2f64.sqrt(),
                fan_out_only: true,
            },
            WeightInit::Paper => small_normal(),
        }
        .init_with(
            [outputs, inputs, 3, 3],
            Some(inputs * 9),
            Some(outputs * 9),
            device,
        );
        conv.bias = Some(Initializer::Zeros.init([outputs], device));
        Self {
            conv,
            norm: batch_norm.then(|| BatchNormConfig::new(outputs).init(device)),
            relu: Relu::new(),
            engine: Engine::default(),
            #[cfg(feature = "winograd")]
            across: None,
        }
    }

    /// The layer with another engine.
    #[must_use]
    pub fn with_engine(self, engine: Engine) -> Self {
        Self { engine, ..self }
    }

    /// `[batch, c_in, h, w]` → `[batch, c_out, h, w]`.
    pub fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        let output = self.convolve(input);
        self.activate(self.normalised(output))
    }

    /// Batch normalisation, where the layer has it.
    pub(crate) fn normalised(&self, input: Tensor<4>) -> Tensor<4> {
        match &self.norm {
            Some(norm) => normalise(norm, input),
            None => input,
        }
    }

    pub(crate) fn activate(&self, input: Tensor<4>) -> Tensor<4> {
        self.relu.forward(input)
    }
}

impl ConvLayer {
    /// Channels of the layer's normalisation, if it has one that takes the statistics of what it is trained on.
    #[cfg(feature = "train")]
    pub(crate) fn learning_norm_channels(&self) -> Option<usize> {
        let norm = self.norm.as_ref().filter(|norm| learns(norm, true))?;
        Some(norm.gamma.lazy_shape().num_elements())
    }

    /// The layer for inference, its batch normalisation folded into weights and bias.
    pub(crate) fn folded(&self) -> Self {
        if self.norm.is_none() {
            return self.clone();
        }
        let (weight, bias) = self.folded_weights();
        let mut layer = self.clone();
        layer.conv.weight = Param::from_tensor(weight);
        layer.conv.bias = Some(Param::from_tensor(bias));
        layer.norm = None;
        layer
    }

    /// Weights `[c_out, c_in, 3, 3]` and bias with the batch normalisation folded in: w·s and
    /// b·s + t with s = γ / √(σ² + ε) and t = β − μ·s.
    pub(crate) fn folded_weights(&self) -> (Tensor<4>, Tensor<1>) {
        let weight = self.conv.weight.val();
        let channels = weight.dims()[0];
        let bias = match &self.conv.bias {
            Some(bias) => bias.val(),
            None => Tensor::zeros([channels], &weight.device()),
        };
        let Some(norm) = &self.norm else {
            return (weight, bias);
        };
        let device = weight.device();
        let variance = norm.running_var.value_sync().to_device(&device);
        let deviation = variance.add_scalar(norm.epsilon).sqrt();
        let scale = norm.gamma.val().div(deviation);
        let mean = norm.running_mean.value_sync().to_device(&device);
        let shift = norm.beta.val() - mean * scale.clone();
        let weight = weight * scale.clone().reshape([channels, 1, 1, 1]);
        (weight, bias * scale + shift)
    }
}

#[cfg(feature = "winograd")]
impl ConvLayer {
    /// The layer whose normalisation takes its statistics over the parts of all these workers, in training.
    #[cfg(feature = "train")]
    pub(crate) fn with_statistics_across(self, across: Option<Arc<dyn SumAcross>>) -> Self {
        Self { across, ..self }
    }

    pub(crate) fn convolve(&self, input: Tensor<4>) -> Tensor<4> {
        if self.engine == Engine::Winograd
            && let Some(bias) = &self.conv.bias
        {
            let layer = ChainLayer {
                weight: self.conv.weight.val(),
                bias: bias.val(),
                norm: None,
                relu: false,
            };
            if let Some(chained) = chain(input.clone(), &[layer], false) {
                return chained.output;
            }
        }
        self.conv.forward(input)
    }

    /// The layer as one step of a chain on images that lie on an autodiff device or not, as `tracked`
    /// says.
    pub(super) fn step(&self, tracked: bool) -> Option<ChainLayer> {
        let norm = self.norm.as_ref().filter(|norm| learns(norm, tracked));
        let (weight, bias) = match norm {
            Some(_) => (self.conv.weight.val(), self.conv.bias.as_ref()?.val()),
            None => self.folded_weights(),
        };
        Some(ChainLayer {
            weight,
            bias,
            norm: norm.map(|norm| ChainNorm {
                gamma: norm.gamma.val(),
                beta: norm.beta.val(),
                epsilon: norm.epsilon,
                across: self.across.clone(),
            }),
            relu: true,
        })
    }
}

#[cfg(not(feature = "winograd"))]
impl ConvLayer {
    pub(crate) fn convolve(&self, input: Tensor<4>) -> Tensor<4> {
        self.conv.forward(input)
    }
}
