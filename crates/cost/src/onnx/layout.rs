//! Operators that move values and compute nothing.

use burn::tensor::ops::PadMode;
use burn::tensor::{DType, Slice};
use burn_backend::Shape;
use burn_backend::TensorMetadata;
use burn_backend::ops::{BoolTensorOps, FloatTensorOps, IntTensorOps, ModuleOps};
use burn_capture::CaptureBackend as B;

use super::call::{Call, axes, axis};
use super::value::{Known, Tensor, Value, by_kind, fits, reshape, sides};

/// The same values in another shape.
fn shaped(value: Value, shape: Vec<usize>) -> Value {
    match value {
        Value::Known(known) => Value::Known(Known { shape, ..known }),
        Value::Tensor(tensor) if shape.is_empty() => Value::Tensor(reshape(tensor, &[1])),
        Value::Tensor(tensor) => Value::Tensor(reshape(tensor, &shape)),
    }
}

pub(super) fn reshaped(call: &Call<'_>) -> Result<Value, String> {
    let value = call.value(0)?;
    let list = call.list("shape", 1)?.ok_or("it has no shape")?;
    let before = value.shape();
    let keep = call.integer("allowzero", 0) == 0;
    let mut shape = Vec::with_capacity(list.len());
    for (at, &side) in list.iter().enumerate() {
        shape.push(match side {
            0 if keep => *before.get(at).ok_or("a side that is not there")?,
            -1 => 1,
            side => usize::try_from(side).map_err(|_| "a negative side")?,
        });
    }
    if let Some(open) = list.iter().position(|&side| side == -1) {
        let all: usize = before.iter().product();
        let others: usize = shape.iter().product();
        shape[open] = all / others.max(1);
    }
    fits("elements", before.iter().product(), shape.iter().product())?;
    Ok(shaped(value, shape))
}

pub(super) fn flattened(call: &Call<'_>) -> Result<Value, String> {
    let value = call.value(0)?;
    let shape = value.shape();
    let (front, back) = shape.split_at(axis(call.integer("axis", 1), shape.len())?);
    let shape = vec![front.iter().product(), back.iter().product()];
    Ok(shaped(value, shape))
}

pub(super) fn squeezed(call: &Call<'_>) -> Result<Value, String> {
    let value = call.value(0)?;
    let shape = value.shape();
    let out = match call.list("axes", 1)? {
        Some(list) => axes(&list, shape.len())?,
        None => (0..shape.len()).filter(|&at| shape[at] == 1).collect(),
    };
    let kept = shape.iter().enumerate().filter(|(at, _)| !out.contains(at));
    let kept = kept.map(|(_, &side)| side).collect();
    Ok(shaped(value, kept))
}

pub(super) fn unsqueezed(call: &Call<'_>) -> Result<Value, String> {
    let value = call.value(0)?;
    let list = call.list("axes", 1)?.ok_or("it has no axes")?;
    let mut shape = value.shape();
    for at in axes(&list, shape.len() + list.len())? {
        shape.insert(at.min(shape.len()), 1);
    }
    Ok(shaped(value, shape))
}

pub(super) fn transposed(call: &Call<'_>) -> Result<Tensor, String> {
    let x = call.tensor(0)?;
    let rank = sides(&x).len();
    let order = match call.integers("perm") {
        Some(list) => list
            .iter()
            .map(|&at| axis(at, rank))
            .collect::<Result<Vec<_>, _>>()?,
        None => (0..rank).rev().collect(),
    };
    fits("axes", order.len(), rank)?;
    Ok(by_kind!(
        x,
        float_permute,
        int_permute,
        bool_permute,
        &order
    ))
}

pub(super) fn joined(call: &Call<'_>) -> Result<Value, String> {
    let values: Vec<_> = (0..call.count())
        .map(|index| call.value(index))
        .collect::<Result<_, _>>()?;
    let known = values.iter().map(|value| match value {
        Value::Known(known) if known.shape.len() == 1 => Some(known),
        _ => None,
    });
    if let Some(known) = known.collect::<Option<Vec<_>>>() {
        let dtype = known.first().ok_or("nothing to join")?.dtype;
        let values: Vec<_> = known
            .iter()
            .flat_map(|known| known.values.clone())
            .collect();
        let shape = vec![values.len()];
        return Ok(Value::Known(Known {
            values,
            shape,
            dtype,
        }));
    }
    let tensors = values.into_iter().map(|value| value.tensor(&call.device));
    let tensors: Vec<Tensor> = tensors.collect();
    let first = tensors.first().ok_or("nothing to join")?;
    let at = axis(call.integer("axis", 0), sides(first).len())?;
    let others = |tensor: &Tensor| {
        let mut shape = sides(tensor);
        if at < shape.len() {
            shape.remove(at);
        }
        shape
    };
    if let Some(other) = tensors
        .iter()
        .find(|tensor| others(tensor) != others(first))
    {
        let (a, b) = (sides(first), sides(other));
        return Err(format!("{a:?} and {b:?} cannot be joined"));
    }
    Ok(Value::Tensor(match first.dtype() {
        dtype if dtype.is_float() => B::float_cat(tensors, at),
        DType::Bool(_) => B::bool_cat(tensors, at),
        _ => B::int_cat(tensors, at),
    }))
}

fn cut(tensor: Tensor, slices: &[Slice]) -> Tensor {
    by_kind!(tensor, float_slice, int_slice, bool_slice, slices)
}

pub(super) fn sliced(call: &Call<'_>) -> Result<Value, String> {
    let value = call.value(0)?;
    let starts = call.list("starts", 1)?.ok_or("it has no starts")?;
    let ends = call.list("ends", 2)?.ok_or("it has no ends")?;
    let steps = call
        .list("steps", 4)?
        .unwrap_or_else(|| vec![1; starts.len()]);
    let shape = value.shape();
    let along = match call.list("axes", 3)? {
        Some(list) => list
            .iter()
            .map(|&at| axis(at, shape.len()))
            .collect::<Result<_, _>>()?,
        None => (0..starts.len()).collect::<Vec<_>>(),
    };
    let mut slices: Vec<_> = shape
        .iter()
        .map(|&side| Slice::new(0, Some(side as isize), 1))
        .collect();
    for (index, at) in along.into_iter().enumerate() {
        let side = *shape.get(at).ok_or("an axis that is not there")? as i64;
        let bound = |list: &[i64]| {
            let bound = *list.get(index)?;
            let bound = if bound < 0 {
                bound.saturating_add(side)
            } else {
                bound
            };
            Some(bound.clamp(0, side))
        };
        let missing = "as many starts as ends";
        let (start, end) = (bound(&starts).ok_or(missing)?, bound(&ends).ok_or(missing)?);
        match steps.get(index) {
            Some(&step) if step > 0 => {
                slices[at] = Slice::new(start as isize, Some(end as isize), step as isize);
            }
            _ => return Err("a slice that goes backwards".into()),
        }
    }
    match value {
        Value::Tensor(tensor) => Ok(Value::Tensor(cut(tensor, &slices))),
        Value::Known(known) if slices.len() == 1 => {
            let (start, step) = (slices[0].start as usize, slices[0].step as usize);
            let end = slices[0].end.unwrap_or(0).max(slices[0].start) as usize;
            let values = known.values.get(start..end).unwrap_or_default();
            let values: Vec<_> = values.iter().step_by(step).copied().collect();
            Ok(Value::Known(Known {
                shape: vec![values.len()],
                values,
                dtype: known.dtype,
            }))
        }
        known @ Value::Known(_) => Ok(Value::Tensor(cut(known.tensor(&call.device), &slices))),
    }
}

pub(super) fn split(call: &Call<'_>) -> Result<Vec<Value>, String> {
    let x = call.tensor(0)?;
    let shape = sides(&x);
    let at = axis(call.integer("axis", 0), shape.len())?;
    let side = *shape.get(at).ok_or("an axis that is not there")?;
    let count = call.node.outputs.len().max(1);
    let lengths = match call.list("split", 1)? {
        Some(list) => list
            .iter()
            .map(|&length| length.max(0) as usize)
            .collect::<Vec<_>>(),
        None => {
            let length = side.div_ceil(count);
            let lengths = (0..count).map(|part| length.min(side.saturating_sub(part * length)));
            lengths.collect()
        }
    };
    fits("elements", lengths.iter().sum(), side)?;
    let mut start = 0;
    let parts = lengths.into_iter().map(|length| {
        let mut slices: Vec<_> = shape
            .iter()
            .map(|&side| Slice::new(0, Some(side as isize), 1))
            .collect();
        slices[at] = Slice::new(start, Some(start + length as isize), 1);
        start += length as isize;
        Value::Tensor(cut(x.clone(), &slices))
    });
    Ok(parts.collect())
}

pub(super) fn gathered(call: &Call<'_>) -> Result<Value, String> {
    let (data, indices) = (call.value(0)?, call.value(1)?);
    let shape = data.shape();
    let at = axis(call.integer("axis", 0), shape.len())?;
    if let (Value::Known(data), Value::Known(indices)) = (&data, &indices)
        && data.shape.len() == 1
    {
        let picked = indices.to_integers().into_iter().map(|index| {
            let index = axis(index, data.values.len())?;
            data.values
                .get(index)
                .copied()
                .ok_or_else(|| format!("no element {index}"))
        });
        return Ok(Value::Known(Known {
            values: picked.collect::<Result<_, _>>()?,
            shape: indices.shape.clone(),
            dtype: data.dtype,
        }));
    }
    let wanted = indices.shape();
    let (data, indices) = (data.tensor(&call.device), indices.tensor(&call.device));
    // A table of words, as Burn computes it.
    if at == 0 && shape.len() == 2 && wanted.len() == 2 && data.dtype().is_float() {
        return Ok(Value::Tensor(B::embedding(data, indices)));
    }
    let count = wanted.iter().product();
    let indices = reshape(indices, &[count]);
    let picked = by_kind!(data, float_select, int_select, bool_select, at, indices);
    let mut after = shape[..at].to_vec();
    after.extend(wanted);
    after.extend(&shape[at + 1..]);
    Ok(shaped(Value::Tensor(picked), after))
}

pub(super) fn expanded(call: &Call<'_>) -> Result<Tensor, String> {
    let x = call.tensor(0)?;
    let list = call.list("shape", 1)?.ok_or("it has no shape")?;
    let before = sides(&x);
    let rank = before.len().max(list.len());
    let x = super::value::raised(x, rank);
    let mut shape = sides(&x);
    for (side, &wanted) in shape.iter_mut().rev().zip(list.iter().rev()) {
        *side = (*side).max(usize::try_from(wanted).unwrap_or(1));
    }
    let shape = Shape::from(shape);
    Ok(by_kind!(x, float_expand, int_expand, bool_expand, shape))
}

pub(super) fn padded(call: &Call<'_>) -> Result<Tensor, String> {
    let x = call.tensor(0)?;
    let rank = sides(&x).len();
    let list = call.list("pads", 1)?.ok_or("it has no padding")?;
    let along = match call.list("axes", 3)? {
        Some(list) => list
            .iter()
            .map(|&at| axis(at, rank))
            .collect::<Result<_, _>>()?,
        None => (0..rank).collect::<Vec<_>>(),
    };
    if list.len() != 2 * along.len() {
        return Err("padding of another rank".into());
    }
    let mut pads = vec![(0, 0); rank];
    for (index, &at) in along.iter().enumerate() {
        let side = |index: usize| usize::try_from(list[index]).map_err(|_| "negative padding");
        *pads.get_mut(at).ok_or("an axis that is not there")? =
            (side(index)?, side(index + along.len())?);
    }
    let value = call
        .known(2)
        .and_then(|known| known.values.first().copied());
    let mode = match call.text("mode") {
        "reflect" => PadMode::Reflect,
        "edge" => PadMode::Edge,
        "" | "constant" => PadMode::Constant(value.unwrap_or(0.0) as f32),
        other => return Err(format!("padding by `{other}`")),
    };
    Ok(B::float_pad(x, &pads, mode))
}

pub(super) fn shape(call: &Call<'_>) -> Result<Value, String> {
    let shape = call.value(0)?.shape();
    let end = call.integer("end", shape.len() as i64);
    let (start, end) = (
        axis(call.integer("start", 0), shape.len())?,
        axis(end.min(shape.len() as i64), shape.len())?,
    );
    let part = shape.get(start..end).unwrap_or_default();
    let part = part.iter().map(|&side| side as i64);
    Ok(Value::Known(Known::integers(part)))
}

pub(super) fn constant(call: &Call<'_>) -> Result<Value, String> {
    let number = |name: &str| {
        let value = call.float(name, f64::NAN);
        (!value.is_nan()).then_some(value)
    };
    let known = if let Some(known) = call.constant("value") {
        known
    } else if let Some(list) = call.integers("value_ints") {
        Known::integers(list)
    } else if let Some(value) = number("value_float") {
        Known {
            values: vec![value],
            shape: Vec::new(),
            dtype: DType::F32,
        }
    } else if call.node.attributes.contains_key("value_int") {
        Known {
            values: vec![call.integer("value_int", 0) as f64],
            shape: Vec::new(),
            dtype: DType::I64,
        }
    } else {
        return Err("a constant that is large or no number".into());
    };
    Ok(Value::Known(known))
}

pub(super) fn filled(call: &Call<'_>) -> Result<Value, String> {
    let shape = call.known(0).ok_or("its shape is computed from values")?;
    let shape = shape
        .to_integers()
        .into_iter()
        .map(|side| side.max(0) as usize);
    let shape: Vec<_> = shape.collect();
    let (value, dtype) = match call.constant("value") {
        Some(known) => (known.values.first().copied().unwrap_or(0.0), known.dtype),
        None => (0.0, DType::F32),
    };
    let elements = shape
        .iter()
        .try_fold(1usize, |all, &side| all.checked_mul(side));
    match elements {
        Some(elements) if elements <= 1 << 20 => Ok(Value::Known(Known {
            values: vec![value; elements],
            shape,
            dtype,
        })),
        _ => Err("a large constant".into()),
    }
}
