//! Arithmetic and activations.

use burn::tensor::{FloatDType, IntDType};
use burn_backend::ops::{ActivationOps, FloatTensorOps, IntTensorOps, ModuleOps};
use burn_backend::{Scalar, TensorMetadata};
use burn_capture::CaptureBackend as B;

use super::call::Call;
use super::value::{Known, Tensor, Value, fits, raised, sides};

type Both = fn(Tensor, Tensor) -> Tensor;
type Scaled = fn(Tensor, Scalar) -> Tensor;

/// What two numbers give, and the functions for tensors and for a tensor and a number.
struct Binary {
    known: fn(f64, f64) -> f64,
    float: (Both, Scaled),
    int: (Both, Scaled),
}

pub(super) fn binary(call: &Call<'_>) -> Result<Value, String> {
    let operation = match call.node.operator.as_str() {
        "Add" | "Sum" => Binary {
            known: |a, b| a + b,
            float: (B::float_add, B::float_add_scalar),
            int: (B::int_add, B::int_add_scalar),
        },
        "Sub" => Binary {
            known: |a, b| a - b,
            float: (B::float_sub, B::float_sub_scalar),
            int: (B::int_sub, B::int_sub_scalar),
        },
        "Mul" => Binary {
            known: |a, b| a * b,
            float: (B::float_mul, B::float_mul_scalar),
            int: (B::int_mul, B::int_mul_scalar),
        },
        _ => Binary {
            known: |a, b| a / b,
            float: (B::float_div, B::float_div_scalar),
            int: (B::int_div, B::int_div_scalar),
        },
    };
    let mut result = call.value(0)?;
    for index in 1..call.count() {
        result = combined(call, &operation, result, call.value(index)?)?;
    }
    Ok(result)
}

fn combined(call: &Call<'_>, how: &Binary, a: Value, b: Value) -> Result<Value, String> {
    let both = match (&a, &b) {
        (Value::Known(a), Value::Known(b)) => return both_known(how, a, b).map(Value::Known),
        (Value::Tensor(x), Value::Known(b)) if b.values.len() == 1 => {
            let number = b.values[0];
            let result = match x.dtype().is_float() {
                true => (how.float.1)(x.clone(), number.into()),
                false => (how.int.1)(x.clone(), Scalar::Int(number as i64)),
            };
            return Ok(Value::Tensor(raised(result, b.shape.len())));
        }
        _ => (a.tensor(&call.device), b.tensor(&call.device)),
    };
    let rank = sides(&both.0).len().max(sides(&both.1).len());
    let (a, b) = (raised(both.0, rank), raised(both.1, rank));
    Ok(Value::Tensor(match a.dtype().is_float() {
        true => (how.float.0)(a, b),
        false => (how.int.0)(a, b),
    }))
}

fn both_known(how: &Binary, a: &Known, b: &Known) -> Result<Known, String> {
    let (longer, count) = match a.values.len() >= b.values.len() {
        true => (a, a.values.len()),
        false => (b, b.values.len()),
    };
    if [a, b]
        .iter()
        .any(|known| ![1, count].contains(&known.values.len()))
    {
        return Err("constants of shapes that do not fit".into());
    }
    let at = |known: &Known, index: usize| known.values[index.min(known.values.len() - 1)];
    let whole = |value: f64| match a.dtype.is_float() {
        true => value,
        false => value.trunc(),
    };
    let values = (0..count).map(|index| whole((how.known)(at(a, index), at(b, index))));
    Ok(Known {
        values: values.collect(),
        shape: longer.shape.clone(),
        dtype: a.dtype,
    })
}

/// An operator with one tensor of numbers; `None` if there is no such operator.
pub(super) fn unary(call: &Call<'_>) -> Option<Result<Tensor, String>> {
    let apply = |function: fn(Tensor) -> Tensor| Some(call.tensor(0).map(function));
    match call.node.operator.as_str() {
        "Relu" => apply(B::relu),
        "Sigmoid" => apply(B::sigmoid),
        "Tanh" => apply(B::float_tanh),
        "Erf" => apply(B::float_erf),
        "Exp" => apply(B::float_exp),
        "Log" => apply(B::float_log),
        "Sqrt" => apply(B::float_sqrt),
        "Neg" => apply(B::float_neg),
        "Abs" => apply(B::float_abs),
        "Reciprocal" => apply(B::float_recip),
        "Floor" => apply(B::float_floor),
        "Ceil" => apply(B::float_ceil),
        "Sin" => apply(B::float_sin),
        "Cos" => apply(B::float_cos),
        "Gelu" => apply(B::gelu),
        "Softplus" => apply(|x| B::float_log1p(B::float_exp(x))),
        "LeakyRelu" => {
            let slope = call.float("alpha", 0.01);
            Some(call.tensor(0).map(|x| B::leaky_relu(x, slope.into())))
        }
        "HardSigmoid" => Some(call.tensor(0).map(|x| {
            let alpha = call.float("alpha", 0.2);
            B::hard_sigmoid(x, alpha.into(), call.float("beta", 0.5).into())
        })),
        "HardSwish" => Some(call.tensor(0).map(|x| {
            let gate = B::hard_sigmoid(x.clone(), (1.0 / 6.0).into(), 0.5.into());
            B::float_mul(x, gate)
        })),
        "Elu" => Some(call.tensor(0).map(|x| {
            let negative = B::float_sub_scalar(B::float_exp(x.clone()), 1.0.into());
            let negative = B::float_mul_scalar(negative, call.float("alpha", 1.0).into());
            let negative = B::float_clamp_max(negative, 0.0.into());
            B::float_add(B::relu(x), negative)
        })),
        "Softmax" => Some(along(call, B::softmax)),
        "LogSoftmax" => Some(along(call, B::log_softmax)),
        _ => None,
    }
}

fn along(call: &Call<'_>, function: fn(Tensor, usize) -> Tensor) -> Result<Tensor, String> {
    let x = call.tensor(0)?;
    let axis = super::call::axis(call.integer("axis", -1), sides(&x).len())?;
    Ok(function(x, axis))
}

pub(super) fn prelu(call: &Call<'_>) -> Result<Tensor, String> {
    let (x, slope) = (call.tensor(0)?, call.tensor(1)?);
    let rank = sides(&x).len();
    Ok(B::prelu(x, raised(slope, rank)))
}

pub(super) fn power(call: &Call<'_>) -> Result<Tensor, String> {
    let x = call.tensor(0)?;
    match call.known(1) {
        Some(known) if known.values.len() == 1 => {
            Ok(B::float_powf_scalar(x, known.values[0].into()))
        }
        _ => {
            let power = call.tensor(1)?;
            let rank = sides(&x).len().max(sides(&power).len());
            Ok(B::float_powf(raised(x, rank), raised(power, rank)))
        }
    }
}

pub(super) fn clip(call: &Call<'_>) -> Result<Tensor, String> {
    let x = call.tensor(0)?;
    let bound = |name: &str, input: usize| match call.known(input) {
        Some(known) => known.values.first().copied(),
        None => Some(call.float(name, f64::NAN)).filter(|bound| !bound.is_nan()),
    };
    Ok(match (bound("min", 1), bound("max", 2)) {
        (Some(min), Some(max)) => B::float_clamp(x, min.into(), max.into()),
        (Some(min), None) => B::float_clamp_min(x, min.into()),
        (None, Some(max)) => B::float_clamp_max(x, max.into()),
        (None, None) => x,
    })
}

pub(super) fn cast(call: &Call<'_>) -> Result<Value, String> {
    let dtype = super::model::dtype(call.integer("to", 0)).ok_or("an unknown type of element")?;
    let tensor = match call.value(0)? {
        Value::Known(known) => return Ok(Value::Known(Known { dtype, ..known })),
        Value::Tensor(tensor) => tensor,
    };
    let from = tensor.dtype();
    Ok(Value::Tensor(match (from.is_float(), dtype.is_float()) {
        _ if from == dtype => tensor,
        (true, true) => B::float_cast(tensor, FloatDType::from(dtype)),
        _ if from.is_bool() || dtype.is_bool() => return Err(format!("{from:?} to {dtype:?}")),
        (false, true) => B::int_into_float(tensor, FloatDType::from(dtype)),
        (true, false) => B::float_into_int(tensor, IntDType::from(dtype)),
        (false, false) => B::int_cast(tensor, IntDType::from(dtype)),
    }))
}

/// `ReduceMean` and its like.
pub(super) fn reduce(call: &Call<'_>) -> Result<Tensor, String> {
    let x = call.tensor(0)?;
    let shape = sides(&x);
    let axes = match call.list("axes", 1)? {
        Some(axes) if !axes.is_empty() => super::call::axes(&axes, shape.len())?,
        _ if call.integer("noop_with_empty_axes", 0) != 0 => return Ok(x),
        _ => (0..shape.len()).collect(),
    };
    let function: fn(Tensor, usize) -> Tensor = match call.node.operator.as_str() {
        "ReduceMean" => B::float_mean_dim,
        "ReduceSum" => B::float_sum_dim,
        "ReduceMax" => B::float_max_dim,
        _ => B::float_min_dim,
    };
    let reduced = axes.iter().fold(x, |x, &axis| function(x, axis));
    if call.integer("keepdims", 1) != 0 {
        return Ok(reduced);
    }
    let kept = shape.iter().enumerate();
    let kept = kept.filter(|(axis, _)| !axes.contains(axis));
    let kept: Vec<_> = kept.map(|(_, &side)| side).collect();
    Ok(match kept.is_empty() {
        true => super::value::reshape(reduced, &[1]),
        false => super::value::reshape(reduced, &kept),
    })
}

pub(super) fn batch_norm(call: &Call<'_>) -> Result<Tensor, String> {
    let [x, scale, bias, mean, variance] = [0, 1, 2, 3, 4].map(|index| call.tensor(index));
    let (x, scale) = (x?, scale?);
    let channels = sides(&x).get(1).copied().unwrap_or(0);
    fits("channels", channels, sides(&scale).iter().product())?;
    let epsilon = call.float("epsilon", 1e-5);
    Ok(B::batch_norm(x, scale, bias?, mean?, variance?, epsilon))
}

pub(super) fn layer_norm(call: &Call<'_>) -> Result<Tensor, String> {
    let (x, scale) = (call.tensor(0)?, call.tensor(1)?);
    let rank = sides(&x).len();
    if super::call::axis(call.integer("axis", -1), rank)? + 1 != rank {
        return Err("a normalisation over several dimensions".into());
    }
    fits(
        "features",
        sides(&x)[rank - 1],
        sides(&scale).iter().product(),
    )?;
    let epsilon = call.float("epsilon", 1e-5);
    Ok(B::layer_norm(x, scale, call.maybe_tensor(2), epsilon))
}
