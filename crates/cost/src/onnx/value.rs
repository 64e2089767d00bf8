//! What flows between operators.

use burn::tensor::DType;
use burn_backend::ops::{BoolTensorOps, FloatTensorOps, IntTensorOps};
use burn_backend::{Shape, TensorData, TensorMetadata};
use burn_capture::{CaptureBackend as B, CaptureDevice};

use super::model::Constant;

/// A recorded tensor; its type says whether it holds numbers, integers or booleans.
pub(super) type Tensor = burn_backend::tensor::FloatTensor<B>;

#[derive(Debug, Clone)]
pub(super) enum Value {
    Tensor(Tensor),
    /// Its values are known: shapes and what is computed from them.
    Known(Known),
}

#[derive(Debug, Clone)]
pub(super) struct Known {
    pub(super) values: Vec<f64>,
    pub(super) shape: Vec<usize>,
    pub(super) dtype: DType,
}

impl Known {
    /// A list of integers.
    pub(super) fn integers(values: impl IntoIterator<Item = i64>) -> Self {
        let values: Vec<_> = values.into_iter().map(|value| value as f64).collect();
        Self {
            shape: vec![values.len()],
            values,
            dtype: DType::I64,
        }
    }

    pub(super) fn of(constant: &Constant) -> Option<Self> {
        Some(Self {
            values: constant.values.clone()?,
            shape: constant.shape.clone(),
            dtype: constant.dtype,
        })
    }

    pub(super) fn to_integers(&self) -> Vec<i64> {
        self.values.iter().map(|&value| value as i64).collect()
    }
}

impl Value {
    pub(super) fn shape(&self) -> Vec<usize> {
        match self {
            Self::Tensor(tensor) => sides(tensor),
            Self::Known(known) => known.shape.clone(),
        }
    }

    /// As a tensor, which a constant becomes here.
    pub(super) fn tensor(self, device: &CaptureDevice) -> Tensor {
        let known = match self {
            Self::Tensor(tensor) => return tensor,
            Self::Known(known) => known,
        };
        // Burn has no tensors without dimensions.
        let shape = match known.shape.is_empty() {
            true => vec![1],
            false => known.shape,
        };
        let data = TensorData::new(known.values, shape).convert_dtype(known.dtype);
        match known.dtype {
            dtype if dtype.is_float() => B::float_from_data(data, device),
            DType::Bool(_) => B::bool_from_data(data, device),
            _ => B::int_from_data(data, device),
        }
    }
}

/// The kind's own function for a tensor.
macro_rules! by_kind {
    ($tensor:expr, $float:ident, $int:ident, $bool:ident, $($argument:expr),*) => {{
        let tensor = $tensor;
        match burn_backend::TensorMetadata::dtype(&tensor) {
            dtype if dtype.is_float() => B::$float(tensor, $($argument),*),
            burn::tensor::DType::Bool(_) => B::$bool(tensor, $($argument),*),
            _ => B::$int(tensor, $($argument),*),
        }
    }};
}
pub(super) use by_kind;

pub(super) fn sides(tensor: &Tensor) -> Vec<usize> {
    tensor.shape().iter().copied().collect()
}

pub(super) fn reshape(tensor: Tensor, shape: &[usize]) -> Tensor {
    if sides(&tensor) == shape {
        return tensor;
    }
    let shape = Shape::from(shape.to_vec());
    by_kind!(tensor, float_reshape, int_reshape, bool_reshape, shape)
}

/// Burn's backends take shapes that fit for granted.
pub(super) fn fits(what: &str, found: usize, wanted: usize) -> Result<(), String> {
    match found == wanted {
        true => Ok(()),
        false => Err(format!("{found} {what} where {wanted} belong")),
    }
}

/// With sides of one in front, up to `rank`.
pub(super) fn raised(tensor: Tensor, rank: usize) -> Tensor {
    let shape = sides(&tensor);
    if shape.len() >= rank {
        return tensor;
    }
    let mut raised = vec![1; rank - shape.len()];
    raised.extend(shape);
    reshape(tensor, &raised)
}
