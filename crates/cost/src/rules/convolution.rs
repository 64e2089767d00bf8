//! Convolutions in one to three dimensions: plain, transposed, deformable.
//!
//! The gradients of both factors have one product for each product of the forward pass: each
//! pair of a weight and an input value that met there meets its output's gradient here. That
//! holds for any grouping, stride and dilation. A bias collects the gradient of its outputs.

use burn_ir::{DeformConv2dBackwardOpIr, DeformConv2dOpIr, TensorIr};

use super::Row;
use super::float::sums;
use super::gradient::Gradient::{self, Whole};
use super::keep::Saves::All;
use super::name::Name;
use super::shape::{elements, side};
use super::unit::{ADDITION, ELEMENTARY, MULTIPLICATION};
use crate::formulas::inner_products;
use crate::kind::Kind;
use crate::window::Window;
use crate::work::Work;

/// Weights `[c_out, c_in / groups, k…]`: every output value is an inner product over all
/// dimensions of the weights but the first.
pub(super) fn forward(
    name: Name,
    input: &TensorIr,
    weight: &TensorIr,
    bias: Option<&TensorIr>,
    out: &TensorIr,
) -> Row {
    let outputs = elements(out);
    let work = inner_products(outputs, fan(weight), bias.is_some());
    let gradient = products(work.macs, input, weight, bias, out);
    let biased = if bias.is_some() { outputs } else { 0 };
    Row::new(name, Kind::Convolution, work, gradient, All).with_bias(biased)
}

/// Weights `[c_in, c_out / groups, k…]`: every input value is spread over all dimensions of the
/// weights but the first, and what meets in one output value is added up.
pub(super) fn transposed(
    name: Name,
    input: &TensorIr,
    weight: &TensorIr,
    bias: Option<&TensorIr>,
    out: &TensorIr,
) -> Row {
    let (macs, outputs) = (elements(input) * fan(weight), elements(out));
    let biased = if bias.is_some() { outputs } else { 0 };
    let work = sums(macs, out) + ADDITION * biased;
    let gradient = products(macs, input, weight, bias, out);
    Row::new(name, Kind::TransposedConvolution, work, gradient, All).with_bias(biased)
}

/// The gradients of `input`, `weight` and `bias`.
pub(super) fn products(
    macs: u128,
    input: &TensorIr,
    weight: &TensorIr,
    bias: Option<&TensorIr>,
    out: &TensorIr,
) -> Gradient {
    let mut works = vec![sums(macs, input), sums(macs, weight)];
    works.extend(bias.map(|bias| collected(out, bias)));
    Whole(works)
}

/// The gradients of the outputs, added up.
fn collected(output_grad: &TensorIr, bias: &TensorIr) -> Work {
    ADDITION * elements(output_grad).saturating_sub(elements(bias))
}

/// A convolution over values that are sampled between the cells: each takes four weights
/// (two differences and four products) and a weighted sum of four neighbours.
///
/// Going back, the samples' gradient is a transposed product, then goes to four neighbours (x),
/// into two coordinates (offset), or to the mask. Inputs `x, offset, weight, mask, bias`.
pub(super) fn deformable(op: &DeformConv2dOpIr) -> Row {
    let outputs = elements(&op.out);
    let products = inner_products(outputs, fan(&op.weight), op.bias.is_some());
    let positions = elements(&op.offset) / 2;
    let samples = samples(&op.offset, op.options.offset_groups, &op.x);
    let mut sampling = (ADDITION * 6 + ELEMENTARY * 2 + MULTIPLICATION * 4) * positions
        + (MULTIPLICATION * 4 + ADDITION * 3) * samples;
    if op.mask.is_some() {
        sampling += MULTIPLICATION * samples;
    }
    let macs = products.macs;
    let mut works = vec![
        sums(macs, &op.x) + (MULTIPLICATION + ADDITION) * sampling.multiplications,
        (MULTIPLICATION * 8 + ADDITION * 6) * elements(&op.offset),
        sums(macs, &op.weight),
    ];
    let masked = op.mask.as_ref().map(elements);
    works.extend(masked.map(|values| (MULTIPLICATION + ADDITION) * values));
    works.extend(op.bias.as_ref().map(|bias| collected(&op.out, bias)));
    let biased = if op.bias.is_some() { outputs } else { 0 };
    Row::new(
        Name::DeformConv2d,
        Kind::DeformableConvolution,
        products + sampling,
        Whole(works),
        All,
    )
    .with_bias(biased)
}

/// Values that are sampled: the offsets hold two coordinates for each position, which all
/// channels of an offset group share.
fn samples(offset: &TensorIr, offset_groups: usize, x: &TensorIr) -> u128 {
    elements(offset) / 2 / (offset_groups.max(1) as u128) * side(x, 1)
}

/// The gradients of the samples and of the weights are a convolution's; the samples hand theirs
/// on to four neighbours and two coordinates.
pub(super) fn deformable_backward(op: &DeformConv2dBackwardOpIr) -> Row {
    let samples = samples(&op.offset, op.options.offset_groups, &op.x);
    let products = sums(elements(&op.out_grad) * fan(&op.weight), &op.weight_grad);
    let work = products * 2 + (MULTIPLICATION * 12 + ADDITION * 12) * samples;
    Row::backward(
        Name::DeformConv2dBackward,
        Kind::DeformableConvolution,
        work,
    )
}

/// The gradient of a convolution's input or weights: the same products as going forward, one
/// for each pair of an output value and a weight that made it.
pub(super) fn gradient(
    name: Name,
    weight: &TensorIr,
    output_grad: &TensorIr,
    out: &TensorIr,
) -> Row {
    let macs = elements(output_grad) * fan(weight);
    Row::backward(name, Kind::Convolution, sums(macs, out))
}

/// The gradient of a transposed convolution's weights.
pub(super) fn transposed_gradient(
    name: Name,
    input: &TensorIr,
    weight: &TensorIr,
    out: &TensorIr,
) -> Row {
    let macs = elements(input) * fan(weight);
    Row::backward(name, Kind::TransposedConvolution, sums(macs, out))
}

/// The gradient of a bias: the output's gradient, added up.
pub(super) fn bias_gradient(name: Name, output_grad: &TensorIr, out: &TensorIr) -> Row {
    Row::backward(name, Kind::Reduction, collected(output_grad, out))
}

/// The windows of a convolution, plain or transposed, one for each side of the image.
pub(super) fn windows<const D: usize>(
    weight: &TensorIr,
    stride: [usize; D],
    padding: [usize; D],
    dilation: [usize; D],
) -> Vec<Window> {
    let kernel = weight.shape.iter().skip(2).copied();
    let sides = kernel.zip(stride).zip(padding).zip(dilation);
    sides
        .map(|(((kernel, stride), padding), dilation)| Window {
            kernel,
            stride,
            padding,
            dilation,
        })
        .collect()
}

/// The product of all dimensions but the first.
pub(super) fn fan(weight: &TensorIr) -> u128 {
    weight
        .shape
        .iter()
        .skip(1)
        .map(|&side| side as u128)
        .product()
}
