//! Tensors of Burn as those of a GPU.

use burn::tensor::{DType, Tensor};
use burn_autodiff::Autodiff;
use burn_autodiff::checkpoint::strategy::NoCheckpointing;
use burn_autodiff::ops::NodeGuard;
use burn_backend::ops::FloatTensorOps;
use burn_backend::{BackendTypes, TensorMetadata};

use super::kernels::Gpu;
use crate::burn::chain::Convolution as Layer;
use crate::gpu::{self, Convolution};

pub(super) type Primitive = <Gpu as BackendTypes>::FloatTensorPrimitive;
pub(super) type Tracked = Autodiff<Gpu, NoCheckpointing>;

/// A tensor, and where its gradient goes if it is on an autodiff device.
pub(super) struct Source {
    pub(super) primitive: Primitive,
    pub(super) guard: Option<NodeGuard>,
}

impl Source {
    /// `None` if the tensor lies elsewhere, or is of other numbers.
    pub(super) fn of<const D: usize>(tensor: &Tensor<D>) -> Option<Self> {
        if tensor.dtype() != DType::F32 {
            return None;
        }
        if let Ok(primitive) = tensor.clone().try_into_primitive::<Gpu>() {
            return Some(Self {
                primitive,
                guard: None,
            });
        }
        let tracked = tensor.clone().try_into_primitive::<Tracked>().ok()?;
        let (primitive, guard) = tracked.into_parts();
        Some(Self {
            primitive,
            guard: Some(guard),
        })
    }
}

/// The sizes of a convolution, if the kernels can compute it on the device of `input`.
pub(super) fn sizes(
    input: &Tensor<4>,
    primitive: &Primitive,
    layer: &Layer,
) -> Option<Convolution> {
    let [batch, in_channels, height, width] = input.dims();
    let convolution = Convolution {
        batch,
        in_channels,
        out_channels: layer.weight.dims()[0],
        height,
        width,
        padding: layer.padding,
    };
    let client = TensorMetadata::device(primitive).client();
    gpu::fits(&client, &convolution).then_some(convolution)
}

pub(super) fn bias_or_zeros(
    bias: Option<Primitive>,
    like: &Primitive,
    convolution: &Convolution,
) -> Primitive {
    bias.unwrap_or_else(|| {
        let device = TensorMetadata::device(like);
        Gpu::float_zeros(
            [convolution.out_channels].into(),
            &device,
            DType::F32.into(),
        )
    })
}
