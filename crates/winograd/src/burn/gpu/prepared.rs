//! A convolution whose weights are transformed once.

use burn::tensor::Tensor;

use super::kernels::{Gpu, Kernels};
use super::tensors::{Primitive, Source, bias_or_zeros, sizes};
use crate::burn::chain::Convolution as Layer;
use crate::gpu::{Tail, is_direct};

/// Weights and bias on a GPU, for inference.
#[derive(Debug)]
pub(crate) struct PreparedConvolution {
    transformed: Primitive,
    /// As the module has them, for maps of few channels.
    weight: Primitive,
    bias: Option<Primitive>,
}

impl PreparedConvolution {
    /// `None` if the tensors do not lie on a GPU.
    pub(crate) fn new(layer: &Layer) -> Option<Self> {
        let bias = match layer.bias {
            Some(bias) => Some(Source::of(bias)?.primitive),
            None => None,
        };
        let weight = Source::of(layer.weight)?.primitive;
        Some(Self {
            transformed: Gpu::transformed(weight.clone()),
            weight,
            bias,
        })
    }

    /// `None` if the map does not lie on a GPU without automatic differentiation, or if the device has not the memory
    /// in one piece.
    pub(crate) fn forward(
        &self,
        input: &Tensor<4>,
        layer: &Layer,
        pool: bool,
    ) -> Option<Tensor<4>> {
        let map = Source::of(input)?;
        if map.guard.is_some() {
            return None;
        }
        let map = map.primitive;
        let convolution = sizes(input, &map, layer)?;
        let bias = bias_or_zeros(self.bias.clone(), &map, &convolution);
        let tail = Tail {
            relu: layer.relu,
            pool,
        };
        let output = match is_direct(&convolution, tail) {
            true => Gpu::convolved_once(map, self.weight.clone(), bias, convolution, tail),
            false => Gpu::convolved(map, self.transformed.clone(), bias, convolution, tail),
        };
        Some(Tensor::from_primitive::<Gpu>(output))
    }
}
