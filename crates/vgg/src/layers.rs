//! The parts that a VGG is put together from: a convolution with what follows it, a block, a
//! hidden linear layer.

use burn::module::{Initializer, Module};
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::pool::{MaxPool2d, MaxPool2dConfig};
use burn::nn::{
    BatchNorm, BatchNormConfig, Dropout, DropoutConfig, Linear, LinearConfig, PaddingConfig2d, Relu,
};
use burn::tensor::{Device, Tensor, module::batch_norm_train};

#[cfg(feature = "winograd")]
use winograd::burn::{ChainLayer, ChainNorm, chain, takes};

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
        }
    }

    /// `[batch, c_in, h, w]` → `[batch, c_out, h, w]`.
    pub fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        self.forward_with(input, Engine::default())
    }

    pub(crate) fn forward_with(&self, input: Tensor<4>, engine: Engine) -> Tensor<4> {
        let output = self.convolve(input, engine);
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

#[cfg(feature = "winograd")]
impl ConvLayer {
    pub(crate) fn convolve(&self, input: Tensor<4>, engine: Engine) -> Tensor<4> {
        if engine == Engine::Winograd
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
    fn step(&self, tracked: bool) -> Option<ChainLayer> {
        let norm = self.norm.as_ref().filter(|norm| learns(norm, tracked));
        let (weight, bias) = match norm {
            Some(_) => (self.conv.weight.val(), self.conv.bias.as_ref()?.val()),
            None => self.weights(),
        };
        Some(ChainLayer {
            weight,
            bias,
            norm: norm.map(|norm| ChainNorm {
                gamma: norm.gamma.val(),
                beta: norm.beta.val(),
                epsilon: norm.epsilon,
            }),
            relu: true,
        })
    }

    /// Weights `[c_out, c_in, 3, 3]` and bias with the batch normalisation folded in: w·s and
    /// b·s + t with s = γ / √(σ² + ε) and t = β − μ·s.
    pub(crate) fn weights(&self) -> (Tensor<4>, Tensor<1>) {
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

#[cfg(not(feature = "winograd"))]
impl ConvLayer {
    pub(crate) fn convolve(&self, input: Tensor<4>, _: Engine) -> Tensor<4> {
        self.conv.forward(input)
    }
}

/// Whether a norm takes the statistics of the batch, and learns from them: everywhere in Burn, if the
/// images lie on an autodiff device and the norm was not set to infer.
fn learns(norm: &BatchNorm, tracked: bool) -> bool {
    tracked && norm.training.is_enabled()
}

fn normalise(norm: &BatchNorm, input: Tensor<4>) -> Tensor<4> {
    if !learns(norm, input.device().is_autodiff()) {
        return norm.forward(input);
    }
    let [batch, _, height, width] = input.dims();
    let result = batch_norm_train(input, norm.gamma.val(), norm.beta.val(), norm.epsilon);
    learn(norm, result.mean, result.variance, batch * height * width);
    result.output
}

/// Moves the running statistics towards those of a batch with `count` values per channel, the way
/// PyTorch does.
///
/// Burn 0.22's own training pass moves `running_var` towards the *biased* batch variance
/// (divided by n), PyTorch's towards the unbiased one (divided by n − 1), where n is the number
/// of values per channel. Published weights were trained with the latter, so training here does
/// the same; what the layer puts out is equal in both.
fn learn(norm: &BatchNorm, mean: Tensor<1>, variance: Tensor<1>, count: usize) {
    let device = mean.device();
    let count = count as f64;
    let unbiased = if count > 1.0 {
        count / (count - 1.0)
    } else {
        1.0
    };
    let moved = |running: Tensor<1>, batch: Tensor<1>| {
        running
            .to_device(&device)
            .mul_scalar(1.0 - norm.momentum)
            .add(batch.detach().mul_scalar(norm.momentum))
            .detach()
    };
    norm.running_mean
        .update(moved(norm.running_mean.value_sync(), mean));
    norm.running_var.update(moved(
        norm.running_var.value_sync(),
        variance.mul_scalar(unbiased),
    ));
}

/// Convolutions of one resolution, then a 2×2 max pooling with stride 2.
#[derive(Module, Debug)]
pub struct Block {
    /// The convolutions, in order.
    pub layers: Vec<ConvLayer>,
    pool: MaxPool2d,
}

impl Block {
    pub(crate) fn new(layers: Vec<ConvLayer>) -> Self {
        Self {
            layers,
            pool: MaxPool2dConfig::new([2, 2]).with_strides([2, 2]).init(),
        }
    }

    /// `[batch, c_in, h, w]` → `[batch, c_out, h / 2, w / 2]`, rounded down.
    pub fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        self.forward_with(input, Engine::default())
    }

    pub(crate) fn forward_with(&self, input: Tensor<4>, engine: Engine) -> Tensor<4> {
        self.forward_part(input, &self.layers, true, engine)
    }

    /// Some of the block's layers, and its pooling if `pool` is set.
    pub(crate) fn forward_part(
        &self,
        input: Tensor<4>,
        layers: &[ConvLayer],
        pool: bool,
        engine: Engine,
    ) -> Tensor<4> {
        #[cfg(feature = "winograd")]
        if engine == Engine::Winograd
            && !layers.is_empty()
            && let Some(output) = chained(layers, &input, pool)
        {
            return output;
        }
        let output = layers
            .iter()
            .fold(input, |input, layer| layer.forward_with(input, engine));
        match pool {
            true => self.pool.forward(output),
            false => output,
        }
    }
}

/// All of the layers at once.
#[cfg(feature = "winograd")]
fn chained(layers: &[ConvLayer], input: &Tensor<4>, pool: bool) -> Option<Tensor<4>> {
    if !takes(input) {
        return None;
    }
    let tracked = input.device().is_autodiff();
    let steps: Option<Vec<_>> = layers.iter().map(|layer| layer.step(tracked)).collect();
    let chained = chain(input.clone(), &steps?, pool)?;
    let [batch, _, height, width] = input.dims();
    let norms = layers.iter().filter_map(|layer| layer.norm.as_ref());
    let learning = norms.filter(|norm| learns(norm, tracked));
    for (norm, statistics) in learning.zip(chained.statistics) {
        learn(
            norm,
            statistics.mean,
            statistics.variance,
            batch * height * width,
        );
    }
    Some(chained.output)
}

/// A linear layer with ReLU and dropout.
#[derive(Module, Debug)]
pub struct HiddenLayer {
    /// The linear layer, weights `[n_in, n_out]`.
    pub linear: Linear,
    relu: Relu,
    dropout: Dropout,
}

impl HiddenLayer {
    /// `dropout` lies in `[0, 1)`.
    pub(crate) fn new(sizes: [usize; 2], dropout: f64, device: &Device) -> Self {
        Self {
            linear: linear(sizes, device),
            relu: Relu::new(),
            dropout: DropoutConfig::new(dropout).init(),
        }
    }

    /// `[batch, n_in]` → `[batch, n_out]`.
    pub fn forward(&self, input: Tensor<2>) -> Tensor<2> {
        self.forward_with(input, Engine::default())
    }

    pub(crate) fn forward_with(&self, input: Tensor<2>, engine: Engine) -> Tensor<2> {
        let output = self.relu.forward(apply(&self.linear, input, engine));
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

fn small_normal() -> Initializer {
    Initializer::Normal {
        mean: 0.0,
        std: 0.01,
    }
}
