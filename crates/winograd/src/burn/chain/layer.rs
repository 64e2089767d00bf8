//! A layer of a chain, as tensors of Burn and as those of a backend.

use std::sync::Arc;

use burn::tensor::Tensor;

use super::types::{ChainLayer, ChainNorm};
use crate::burn::backend::{CpuBackend, Primitive};
use crate::burn::tensors::{TensorSource, values};
use crate::{BatchNormLayer, Error, SumAcross};

/// A 3x3 convolution with stride 1, and what follows it.
pub(in crate::burn) struct Convolution<'a> {
    /// `[out_channels, in_channels, 3, 3]`
    pub(in crate::burn) weight: &'a Tensor<4>,
    /// `[out_channels]`
    pub(in crate::burn) bias: Option<&'a Tensor<1>>,
    /// Rows and columns of zeros on each side: 0, 1 or 2.
    pub(in crate::burn) padding: usize,
    pub(in crate::burn) norm: Option<&'a ChainNorm>,
    pub(in crate::burn) relu: bool,
}

impl<'a> Convolution<'a> {
    pub(super) fn of_layer(layer: &'a ChainLayer) -> Self {
        Self {
            weight: &layer.weight,
            bias: Some(&layer.bias),
            padding: 1,
            norm: layer.norm.as_ref(),
            relu: layer.relu,
        }
    }
}

/// A layer's tensors, contiguous.
pub(super) struct LayerTensors<B: CpuBackend> {
    pub(super) weight: Primitive<B>,
    pub(super) bias: Option<Primitive<B>>,
    pub(super) padding: usize,
    pub(super) norm: Option<NormTensors<B>>,
    pub(super) relu: bool,
}

pub(super) struct NormTensors<B: CpuBackend> {
    gamma: Primitive<B>,
    beta: Primitive<B>,
    epsilon: f64,
    across: Option<Arc<dyn SumAcross>>,
}

impl<B: CpuBackend> LayerTensors<B> {
    /// The tensors of each layer: weight, bias where it has one, and gamma and beta where it has a norm.
    pub(super) fn all(
        layers: &[Convolution],
        source: &mut impl TensorSource<B>,
    ) -> Option<Vec<Self>> {
        let mut tensors = Vec::with_capacity(layers.len());
        for layer in layers {
            tensors.push(Self {
                weight: source.contiguous(layer.weight)?,
                bias: match layer.bias {
                    Some(bias) => Some(source.contiguous(bias)?),
                    None => None,
                },
                padding: layer.padding,
                norm: match layer.norm {
                    Some(norm) => Some(NormTensors {
                        gamma: source.contiguous(&norm.gamma)?,
                        beta: source.contiguous(&norm.beta)?,
                        epsilon: norm.epsilon,
                        across: norm.across.clone(),
                    }),
                    None => None,
                },
                relu: layer.relu,
            });
        }
        Some(tensors)
    }

    /// How many tensors a gradient goes to.
    pub(super) fn count(&self) -> usize {
        1 + usize::from(self.bias.is_some()) + 2 * usize::from(self.norm.is_some())
    }

    pub(super) fn bias_values(&self) -> Result<Option<&[f32]>, Error> {
        self.bias.as_ref().map(values::<B>).transpose()
    }
}

impl<B: CpuBackend> NormTensors<B> {
    pub(super) fn layer(&self, relu: bool) -> Result<BatchNormLayer<'_>, Error> {
        Ok(BatchNormLayer {
            gamma: values::<B>(&self.gamma)?,
            beta: values::<B>(&self.beta)?,
            epsilon: self.epsilon,
            relu,
            across: self.across.as_deref(),
        })
    }
}
