//! Convolutions of one resolution.

use burn::module::Module;
use burn::nn::pool::{MaxPool2d, MaxPool2dConfig};
use burn::tensor::Tensor;

#[cfg(feature = "winograd")]
use winograd::burn::{chain, takes};

#[cfg(feature = "winograd")]
use super::batch_norm::{learn, learns};
use super::conv::ConvLayer;
use crate::engine::Engine;

/// Convolutions of one resolution, then a 2×2 max pooling with stride 2.
#[derive(Module, Debug)]
pub struct Block {
    /// The convolutions, in order.
    pub layers: Vec<ConvLayer>,
    pool: MaxPool2d,
    #[module(skip)]
    engine: Engine,
}

impl Block {
    pub(crate) fn new(layers: Vec<ConvLayer>) -> Self {
        Self {
            layers,
            pool: MaxPool2dConfig::new([2, 2]).with_strides([2, 2]).init(),
            engine: Engine::default(),
        }
    }

    /// The block with another engine for its layers.
    #[must_use]
    pub fn with_engine(self, engine: Engine) -> Self {
        let layers = self.layers.into_iter();
        Self {
            layers: layers.map(|layer| layer.with_engine(engine)).collect(),
            engine,
            ..self
        }
    }

    /// The block for inference, batch normalisations folded into the convolutions.
    pub(crate) fn folded(&self) -> Self {
        Self {
            layers: self.layers.iter().map(ConvLayer::folded).collect(),
            pool: self.pool.clone(),
            engine: self.engine,
        }
    }

    /// `[batch, c_in, h, w]` → `[batch, c_out, h / 2, w / 2]`, rounded down.
    pub fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        self.forward_part(input, &self.layers, true)
    }

    /// Some of the block's layers, and its pooling if `pool` is set.
    pub(crate) fn forward_part(
        &self,
        input: Tensor<4>,
        layers: &[ConvLayer],
        pool: bool,
    ) -> Tensor<4> {
        #[cfg(feature = "winograd")]
        if self.engine == Engine::Winograd
            && !layers.is_empty()
            && let Some(output) = chained(layers, &input, pool)
        {
            return output;
        }
        let output = layers
            .iter()
            .fold(input, |input, layer| layer.forward(input));
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
    let norms = layers.iter().filter_map(|layer| layer.norm.as_ref());
    let learning = norms.filter(|norm| learns(norm, tracked));
    for (norm, statistics) in learning.zip(chained.statistics) {
        learn(
            norm,
            statistics.mean,
            statistics.variance,
            statistics.pixels,
        );
    }
    Some(chained.output)
}
