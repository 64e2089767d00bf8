//! Convolutions and linear layers of tensors on a GPU.

mod gradient;
mod kernels;
mod prepared;
mod tensors;
mod update;

use burn::tensor::Tensor;

use super::chain::{Chained, Convolution as Layer};
use crate::gpu::{self, Tail};
use gradient::{convolve_tracked, linear_tracked};
use kernels::{Gpu, Kernels};
use tensors::{Source, bias_or_zeros, sizes};

pub(crate) use prepared::PreparedConvolution;
pub(super) use update::{adamw, sgd};

/// Whether a tensor lies on a GPU, on an autodiff device or not.
pub(super) fn holds<const D: usize>(tensor: &Tensor<D>) -> bool {
    Source::of(tensor).is_some()
}

/// The layers one after the other; `None` where the kernels cannot compute them.
pub(super) fn chain(input: &Tensor<4>, layers: &[Layer], pool: bool) -> Option<Chained> {
    if layers.iter().any(|layer| layer.norm.is_some()) {
        return None;
    }
    let mut map = input.clone();
    for (index, layer) in layers.iter().enumerate() {
        let tail = Tail {
            relu: layer.relu,
            pool: pool && index + 1 == layers.len(),
        };
        map = convolve(&map, layer, tail)?;
    }
    Some(Chained {
        output: map,
        statistics: Vec::new(),
    })
}

fn convolve(input: &Tensor<4>, layer: &Layer, tail: Tail) -> Option<Tensor<4>> {
    let (map, weight) = (Source::of(input)?, Source::of(layer.weight)?);
    let bias = match layer.bias {
        Some(bias) => Some(Source::of(bias)?),
        None => None,
    };
    let convolution = sizes(input, &map.primitive, layer)?;
    let tracked = map.guard.is_some();
    let alike = weight.guard.is_some() == tracked
        && bias
            .as_ref()
            .is_none_or(|bias| bias.guard.is_some() == tracked);
    if !alike {
        return None;
    }
    if tracked {
        return convolve_tracked(map, weight, bias, convolution, tail);
    }
    let bias = bias_or_zeros(
        bias.map(|bias| bias.primitive),
        &map.primitive,
        &convolution,
    );
    let output = Gpu::convolved_once(map.primitive, weight.primitive, bias, convolution, tail);
    Some(Tensor::from_primitive::<Gpu>(output))
}

/// `input · weight + bias`; `None` where the kernels cannot compute it.
pub(super) fn linear(input: &Tensor<2>, weight: &Tensor<2>, bias: &Tensor<1>) -> Option<Tensor<2>> {
    let [batch, in_features] = input.dims();
    let [inputs, out_features] = weight.dims();
    let fits = inputs == in_features && bias.dims() == [out_features];
    let lines = [in_features, out_features];
    if !fits
        || [batch, in_features, out_features].contains(&0)
        || !gpu::takes_product(batch, out_features, in_features, lines)
    {
        return None;
    }
    let [input, weight] = [Source::of(input)?, Source::of(weight)?];
    let bias = Source::of(bias)?;
    match [&input, &weight, &bias].map(|source| source.guard.is_some()) {
        [true, true, true] => linear_tracked(input, weight, bias),
        [false, false, false] => Some(Tensor::from_primitive::<Gpu>(Gpu::linear(
            input.primitive,
            weight.primitive,
            bias.primitive,
            false,
        ))),
        _ => None,
    }
}
