//! From Burn's tensors to slices and back.

use burn::tensor::Tensor;
use burn_autodiff::ops::NodeGuard;

use super::backend::{CpuBackend, Primitive, contiguous};
use crate::memory::pages::zeros;
use crate::{Activation, Error};

/// How tensors of Burn become those of backend `B`: all of a call have to come from the same kind of device.
pub(super) trait TensorSource<B: CpuBackend> {
    /// The tensor as it lies in memory; `None` if it is on another device.
    fn primitive<const D: usize>(&mut self, tensor: &Tensor<D>) -> Option<Primitive<B>>;

    /// The tensor with its values one after the other; `None` also if they are not `f32`.
    fn contiguous<const D: usize>(&mut self, tensor: &Tensor<D>) -> Option<Primitive<B>> {
        contiguous::<B>(self.primitive(tensor)?)
    }
}

/// Tensors that are not on an autodiff device.
pub(super) struct Untracked;

impl<B: CpuBackend> TensorSource<B> for Untracked {
    fn primitive<const D: usize>(&mut self, tensor: &Tensor<D>) -> Option<Primitive<B>> {
        B::untracked(tensor.clone())
    }
}

/// Tensors on an autodiff device. Keeps where their gradients go, in the order in which they were taken.
#[derive(Default)]
pub(super) struct TrackedTensors(Vec<NodeGuard>);

impl TrackedTensors {
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Where the gradients go, if there are `N` tensors.
    pub(super) fn guards<const N: usize>(self) -> Option<[NodeGuard; N]> {
        self.0.try_into().ok()
    }
}

impl<B: CpuBackend> TensorSource<B> for TrackedTensors {
    fn primitive<const D: usize>(&mut self, tensor: &Tensor<D>) -> Option<Primitive<B>> {
        let (primitive, guard) = B::tracked(tensor.clone())?.into_parts();
        self.0.push(guard);
        Some(primitive)
    }
}

/// The tensor with its values one after the other, without what an autodiff device knows of it.
pub(super) fn untracked<B: CpuBackend, const D: usize>(tensor: Tensor<D>) -> Option<Primitive<B>> {
    let plain = B::untracked(tensor.clone());
    contiguous::<B>(plain.or_else(|| Some(B::tracked(tensor)?.into_parts().0))?)
}

/// The values of a tensor that was made contiguous.
pub(super) fn values<B: CpuBackend>(tensor: &Primitive<B>) -> Result<&[f32], Error> {
    B::values(tensor).ok_or(Error::Zero("values"))
}

/// A new tensor of the values of a map.
pub(super) fn map_tensor<B: CpuBackend>(map: &Activation) -> Primitive<B> {
    let shape = [map.batch(), map.channels(), map.height(), map.width()];
    B::from_values(map.to_nchw(), shape)
}

/// A new tensor of zeros that `fill` has filled, on large pages: memory that is new in each step of a
/// training takes the system longer to set up in small pages than it takes to fill.
pub(super) fn filled<B: CpuBackend, const D: usize>(
    shape: [usize; D],
    fill: impl FnOnce(&mut [f32]),
) -> Primitive<B> {
    let mut values = zeros(0.0, shape.iter().product());
    fill(&mut values);
    B::from_values(values, shape)
}

/// A new tensor of one dimension.
pub(super) fn vector<B: CpuBackend>(values: &[f32]) -> Primitive<B> {
    B::from_values(values.to_vec(), [values.len()])
}
