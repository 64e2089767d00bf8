//! Products of matrices.

use burn_backend::ops::FloatTensorOps;
use burn_capture::CaptureBackend as B;

use super::call::Call;
use super::value::{Tensor, fits, raised, reshape, sides};

/// A linear layer, as Burn computes it.
fn linear(x: Tensor, weight: Tensor, bias: Option<Tensor>) -> Result<Tensor, String> {
    let (mut shape, sizes) = (sides(&x), sides(&weight));
    let (Some(features), &[inputs, outputs]) = (shape.pop(), sizes.as_slice()) else {
        return Err("a product of tensors without rows or columns".into());
    };
    fits("features", features, inputs)?;
    let rows = shape.iter().product();
    let mut product = B::float_matmul(reshape(x, &[rows, features]), weight);
    if let Some(bias) = bias {
        fits("biases", sides(&bias).iter().product(), outputs)?;
        product = B::float_add(product, raised(bias, 2));
    }
    shape.push(outputs);
    Ok(reshape(product, &shape))
}

pub(super) fn product(call: &Call<'_>) -> Result<Tensor, String> {
    let (a, b) = (call.tensor(0)?, call.tensor(1)?);
    let (rows, columns) = (sides(&a), sides(&b));
    match (rows.len(), columns.len()) {
        (2.., 2) => linear(a, b, None),
        (2.., 2..) => {
            fits("columns", rows[rows.len() - 1], columns[columns.len() - 2])?;
            let rank = rows.len().max(columns.len());
            Ok(B::float_matmul(raised(a, rank), raised(b, rank)))
        }
        (_, 1) => {
            let product = linear(raised(a, 2), reshape(b, &[columns[0], 1]), None)?;
            let kept = &rows[..rows.len() - 1];
            Ok(reshape(product, if kept.is_empty() { &[1] } else { kept }))
        }
        _ => Err("a product with a vector in front".into()),
    }
}

pub(super) fn general(call: &Call<'_>) -> Result<Tensor, String> {
    let turned = |index, name| {
        let tensor = call.tensor(index)?;
        fits("dimensions", sides(&tensor).len(), 2)?;
        Ok::<_, String>(match call.integer(name, 0) {
            0 => tensor,
            _ => B::float_swap_dims(tensor, 0, 1),
        })
    };
    let (a, b) = (turned(0, "transA")?, turned(1, "transB")?);
    let bias = call.maybe_tensor(2);
    let (alpha, beta) = (call.float("alpha", 1.0), call.float("beta", 1.0));
    let vector = bias.as_ref().is_none_or(|bias| sides(bias).len() == 1);
    if alpha == 1.0 && beta == 1.0 && vector {
        return linear(a, b, bias);
    }
    fits("columns", sides(&a)[1], sides(&b)[0])?;
    let mut product = B::float_matmul(a, b);
    if alpha != 1.0 {
        product = B::float_mul_scalar(product, alpha.into());
    }
    let Some(mut bias) = bias else {
        return Ok(product);
    };
    if beta != 1.0 {
        bias = B::float_mul_scalar(bias, beta.into());
    }
    Ok(B::float_add(product, raised(bias, 2)))
}
