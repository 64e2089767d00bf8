//! The inputs of a recorded forward pass.

use burn::tensor::{Bool, DType, Device, FloatDType, Int, IntDType, Shape, Tensor};
use burn_autodiff::Autodiff;
use burn_capture::CaptureBackend;
use burn_ir::TensorId;

/// The recording's backend in training.
type Trained = Autodiff<CaptureBackend>;

/// Makes the inputs of a forward pass: tensors with a shape and a type and without values.
///
/// A forward pass that looks at values (an `into_data`, a loop until convergence) cannot be
/// recorded.
#[derive(Debug)]
pub struct Inputs {
    device: Device,
    pub(crate) ids: Vec<TensorId>,
}

impl Inputs {
    /// Inputs of inference or of training, which Burn tells apart by their device.
    pub(crate) fn new(device: &Device, training: bool) -> Self {
        let device = device.clone();
        Self {
            device: if training { device.autodiff() } else { device },
            ids: Vec::new(),
        }
    }

    /// The device of the recording, for tensors that the forward pass makes itself.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// An input of 32-bit floating-point numbers.
    pub fn float<const D: usize>(&mut self, shape: [usize; D]) -> Tensor<D> {
        self.float_as(shape, FloatDType::F32)
    }

    /// An input of floating-point numbers of a given type.
    pub fn float_as<const D: usize>(&mut self, shape: [usize; D], dtype: FloatDType) -> Tensor<D> {
        let tensor = Tensor::empty(Shape::from(shape), (&self.device, DType::from(dtype)));
        self.ids.extend(float_id(&tensor));
        tensor
    }

    /// An input of 64-bit integers.
    pub fn int<const D: usize>(&mut self, shape: [usize; D]) -> Tensor<D, Int> {
        self.int_as(shape, IntDType::I64)
    }

    /// An input of integers of a given type.
    pub fn int_as<const D: usize>(&mut self, shape: [usize; D], dtype: IntDType) -> Tensor<D, Int> {
        let tensor =
            Tensor::<D, Int>::empty(Shape::from(shape), (&self.device, DType::from(dtype)));
        self.ids.extend(int_id(&tensor));
        tensor
    }

    /// An input of booleans.
    pub fn bool<const D: usize>(&mut self, shape: [usize; D]) -> Tensor<D, Bool> {
        let tensor = Tensor::<D, Bool>::empty(Shape::from(shape), &self.device);
        self.ids.extend(bool_id(&tensor));
        tensor
    }
}

/// The identity of a tensor in the recording; `None` if it lies elsewhere.
pub(crate) fn float_id<const D: usize>(tensor: &Tensor<D>) -> Option<TensorId> {
    if let Ok(primitive) = tensor.clone().try_into_primitive::<CaptureBackend>() {
        return Some(primitive.id());
    }
    let primitive = tensor.clone().try_into_primitive::<Trained>().ok()?;
    Some(primitive.into_primitive().id())
}

/// [`float_id`] of integers.
pub(crate) fn int_id<const D: usize>(tensor: &Tensor<D, Int>) -> Option<TensorId> {
    if let Ok(primitive) = tensor.clone().try_into_primitive::<CaptureBackend>() {
        return Some(primitive.id());
    }
    let primitive = tensor.clone().try_into_primitive::<Trained>().ok()?;
    Some(primitive.id())
}

/// [`float_id`] of booleans.
pub(crate) fn bool_id<const D: usize>(tensor: &Tensor<D, Bool>) -> Option<TensorId> {
    if let Ok(primitive) = tensor.clone().try_into_primitive::<CaptureBackend>() {
        return Some(primitive.id());
    }
    let primitive = tensor.clone().try_into_primitive::<Trained>().ok()?;
    Some(primitive.id())
}
