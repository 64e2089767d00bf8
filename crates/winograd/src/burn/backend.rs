//! The CPU backends of Burn on whose tensors this crate computes.

use burn::tensor::{DType, Tensor, TensorData};
use burn_autodiff::Autodiff;
use burn_autodiff::checkpoint::strategy::NoCheckpointing;
use burn_backend::{Backend, BackendTypes, TensorMetadata};
use burn_flex::{Flex, FlexTensor};

/// A tensor of floating-point numbers as backend `B` has it.
pub(super) type Primitive<B> = <B as BackendTypes>::FloatTensorPrimitive;

/// `B` with automatic differentiation.
pub(super) type Tracked<B> = Autodiff<B, NoCheckpointing>;

/// A backend whose tensors give their values as a slice.
///
/// The first four methods are the same for each backend, but only where the backend has a name is it known
/// that Burn's tensors convert to it.
pub(super) trait CpuBackend: Backend {
    /// The tensor, if it lies on this backend and not on an autodiff device.
    fn untracked<const D: usize>(tensor: Tensor<D>) -> Option<Primitive<Self>>;

    /// The tensor, if it lies on the autodiff device of this backend, without checkpoints.
    fn tracked<const D: usize>(tensor: Tensor<D>) -> Option<Primitive<Tracked<Self>>>;

    fn from_untracked<const D: usize>(tensor: Primitive<Self>) -> Tensor<D>;

    fn from_tracked<const D: usize>(tensor: Primitive<Tracked<Self>>) -> Tensor<D>;

    /// The values where they lie; `None` if they do not lie one after the other or are not `f32`.
    fn values(tensor: &Primitive<Self>) -> Option<&[f32]>;

    /// The same, to be changed: in place if nobody else holds the tensor, else of a copy.
    fn values_mut(tensor: &mut Primitive<Self>) -> Option<&mut [f32]>;

    /// The tensor with its values one after the other.
    fn to_contiguous(tensor: Primitive<Self>) -> Primitive<Self>;

    /// A tensor of these values, which become its memory.
    fn from_values(values: Vec<f32>, shape: impl Into<Vec<usize>>) -> Primitive<Self> {
        Self::float_from_data(
            TensorData::new(values, shape.into()),
            &Self::Device::default(),
        )
    }
}

/// The tensor with its values one after the other; `None` if they are not `f32`.
pub(super) fn contiguous<B: CpuBackend>(tensor: Primitive<B>) -> Option<Primitive<B>> {
    if tensor.dtype() != DType::F32 {
        return None;
    }
    Some(match B::values(&tensor) {
        Some(_) => tensor,
        None => B::to_contiguous(tensor),
    })
}

macro_rules! conversions {
    ($backend:ty) => {
        fn untracked<const D: usize>(tensor: Tensor<D>) -> Option<Primitive<Self>> {
            tensor.try_into_primitive::<$backend>().ok()
        }

        fn tracked<const D: usize>(tensor: Tensor<D>) -> Option<Primitive<Tracked<Self>>> {
            tensor.try_into_primitive::<Tracked<$backend>>().ok()
        }

        fn from_untracked<const D: usize>(tensor: Primitive<Self>) -> Tensor<D> {
            Tensor::from_primitive::<$backend>(tensor)
        }

        fn from_tracked<const D: usize>(tensor: Primitive<Tracked<Self>>) -> Tensor<D> {
            Tensor::from_primitive::<Tracked<$backend>>(tensor)
        }
    };
}

impl CpuBackend for Flex {
    conversions!(Flex);

    fn values(tensor: &FlexTensor) -> Option<&[f32]> {
        tensor.as_slice::<f32>()
    }

    fn values_mut(tensor: &mut FlexTensor) -> Option<&mut [f32]> {
        if tensor.dtype() != DType::F32 {
            return None;
        }
        // A view is only a part of its memory.
        let (start, end) = tensor.layout().contiguous_offsets()?;
        tensor.storage_mut::<f32>().get_mut(start..end)
    }

    fn to_contiguous(tensor: FlexTensor) -> FlexTensor {
        tensor.to_contiguous()
    }
}

#[cfg(feature = "ndarray")]
pub(super) use ndarray::NdArray;

/// Burn has announced that it will drop this backend; as long as it is there it is served.
#[cfg(feature = "ndarray")]
#[allow(deprecated)]
mod ndarray {
    use burn_ndarray::NdArrayTensor;

    use super::*;

    // A name that can be used without the warning.
    pub(in crate::burn) type NdArray = burn_ndarray::NdArray;

    impl CpuBackend for NdArray {
        conversions!(NdArray);

        fn values(tensor: &NdArrayTensor) -> Option<&[f32]> {
            match tensor {
                NdArrayTensor::F32(storage) => storage.view().to_slice(),
                _ => None,
            }
        }

        fn values_mut(tensor: &mut NdArrayTensor) -> Option<&mut [f32]> {
            match tensor {
                NdArrayTensor::F32(storage) => storage.ensure_owned().as_slice_mut(),
                _ => None,
            }
        }

        fn to_contiguous(tensor: NdArrayTensor) -> NdArrayTensor {
            match tensor {
                NdArrayTensor::F32(storage) => {
                    let array = storage.into_shared();
                    array.as_standard_layout().into_shared().into()
                }
                other => other,
            }
        }
    }
}

/// The backends there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BackendKind {
    Flex,
    #[cfg(feature = "ndarray")]
    NdArray,
}

impl BackendKind {
    /// That of a tensor, on an autodiff device or not; `None` if it lies elsewhere.
    pub(super) fn of<const D: usize>(tensor: &Tensor<D>) -> Option<Self> {
        fn holds<B: CpuBackend, const D: usize>(tensor: &Tensor<D>) -> bool {
            B::untracked(tensor.clone()).is_some() || B::tracked(tensor.clone()).is_some()
        }
        if holds::<Flex, D>(tensor) {
            return Some(Self::Flex);
        }
        #[cfg(feature = "ndarray")]
        if holds::<NdArray, D>(tensor) {
            return Some(Self::NdArray);
        }
        None
    }
}

/// `then` with the backend's type for `$backend` if the tensor lies on one of them, else `otherwise`. All that
/// is generic over [`CpuBackend`] is entered here.
macro_rules! with_backend {
    ($tensor:expr, $backend:ident => $then:expr, else $otherwise:expr) => {
        match $crate::burn::backend::BackendKind::of($tensor) {
            Some($crate::burn::backend::BackendKind::Flex) => {
                type $backend = burn_flex::Flex;
                $then
            }
            #[cfg(feature = "ndarray")]
            Some($crate::burn::backend::BackendKind::NdArray) => {
                type $backend = $crate::burn::backend::NdArray;
                $then
            }
            None => $otherwise,
        }
    };
}
pub(super) use with_backend;
