//! Which function records which operator.

use super::call::Call;
use super::value::Value;
use super::{layout, matrix, number, window};

/// What an operator gives.
pub(super) fn apply(call: &Call<'_>) -> Result<Vec<Value>, String> {
    if !call.node.domain.is_empty() {
        return Err(unknown(call));
    }
    if let Some(tensor) = number::unary(call) {
        return Ok(vec![Value::Tensor(tensor?)]);
    }
    let value = match call.node.operator.as_str() {
        "Conv" => Value::Tensor(window::convolution(call)?),
        "ConvTranspose" => Value::Tensor(window::transposed(call)?),
        "MaxPool" => Value::Tensor(window::largest(call)?),
        "AveragePool" => Value::Tensor(window::average(call)?),
        "GlobalAveragePool" => Value::Tensor(window::average_of_all(call)?),
        "GlobalMaxPool" => Value::Tensor(window::largest_of_all(call)?),
        "Gemm" => Value::Tensor(matrix::general(call)?),
        "MatMul" => Value::Tensor(matrix::product(call)?),
        "Add" | "Sub" | "Mul" | "Div" | "Sum" => number::binary(call)?,
        "Pow" => Value::Tensor(number::power(call)?),
        "PRelu" => Value::Tensor(number::prelu(call)?),
        "Clip" => Value::Tensor(number::clip(call)?),
        "Cast" => number::cast(call)?,
        "ReduceMean" | "ReduceSum" | "ReduceMax" | "ReduceMin" => {
            Value::Tensor(number::reduce(call)?)
        }
        "BatchNormalization" => Value::Tensor(number::batch_norm(call)?),
        "LayerNormalization" => Value::Tensor(number::layer_norm(call)?),
        // In inference.
        "Identity" | "Dropout" => call.value(0)?,
        "Reshape" => layout::reshaped(call)?,
        "Flatten" => layout::flattened(call)?,
        "Squeeze" => layout::squeezed(call)?,
        "Unsqueeze" => layout::unsqueezed(call)?,
        "Transpose" => Value::Tensor(layout::transposed(call)?),
        "Concat" => layout::joined(call)?,
        "Slice" => layout::sliced(call)?,
        "Split" => return layout::split(call),
        "Gather" => layout::gathered(call)?,
        "Expand" => Value::Tensor(layout::expanded(call)?),
        "Pad" => Value::Tensor(layout::padded(call)?),
        "Shape" => layout::shape(call)?,
        "Constant" => layout::constant(call)?,
        "ConstantOfShape" => layout::filled(call)?,
        _ => return Err(unknown(call)),
    };
    Ok(vec![value])
}

fn unknown(call: &Call<'_>) -> String {
    match call.node.domain.as_str() {
        "" => format!("there is no rule for the operator `{}`", call.node.operator),
        domain => format!(
            "there is no rule for `{}` of `{domain}`",
            call.node.operator
        ),
    }
}

/// The operators that there is a rule for.
pub(super) const NAMES: &[&str] = &[
    "Abs",
    "Add",
    "AveragePool",
    "BatchNormalization",
    "Cast",
    "Ceil",
    "Clip",
    "Concat",
    "Constant",
    "ConstantOfShape",
    "Conv",
    "ConvTranspose",
    "Cos",
    "Div",
    "Dropout",
    "Elu",
    "Erf",
    "Exp",
    "Expand",
    "Flatten",
    "Floor",
    "Gather",
    "Gelu",
    "Gemm",
    "GlobalAveragePool",
    "GlobalMaxPool",
    "HardSigmoid",
    "HardSwish",
    "Identity",
    "LayerNormalization",
    "LeakyRelu",
    "Log",
    "LogSoftmax",
    "MatMul",
    "MaxPool",
    "Mul",
    "Neg",
    "PRelu",
    "Pad",
    "Pow",
    "Reciprocal",
    "ReduceMax",
    "ReduceMean",
    "ReduceMin",
    "ReduceSum",
    "Relu",
    "Reshape",
    "Shape",
    "Sigmoid",
    "Sin",
    "Slice",
    "Softmax",
    "Softplus",
    "Split",
    "Sqrt",
    "Squeeze",
    "Sub",
    "Sum",
    "Tanh",
    "Transpose",
    "Unsqueeze",
];
