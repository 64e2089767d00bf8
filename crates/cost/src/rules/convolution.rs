//! Convolutions in one to three dimensions: plain, transposed, deformable.

use burn_ir::{DeformConv2dOpIr, TensorIr};

use super::Rule;
use super::numeric::{ADDITION, ELEMENTARY, MULTIPLICATION};
use super::shape::elements;
use crate::formulas::inner_products;
use crate::kind::Kind;
use crate::window::Window;
use crate::work::Work;

/// Weights `[c_out, c_in / groups, k…]`: every output value is an inner product over all
/// dimensions of the weights but the first.
pub(super) fn forward(
    name: &'static str,
    weight: &TensorIr,
    bias: Option<&TensorIr>,
    out: &TensorIr,
) -> Rule {
    let outputs = elements(out);
    let work = inner_products(outputs, fan(weight), bias.is_some());
    let biased = if bias.is_some() { outputs } else { 0 };
    Rule::new(name, Kind::Convolution, work).with_bias(biased)
}

/// Weights `[c_in, c_out / groups, k…]`: every input value is spread over all dimensions of the
/// weights but the first, and what meets in one output value is added up.
pub(super) fn transposed(
    name: &'static str,
    input: &TensorIr,
    weight: &TensorIr,
    bias: Option<&TensorIr>,
    out: &TensorIr,
) -> Rule {
    let (products, outputs) = (elements(input) * fan(weight), elements(out));
    let biased = if bias.is_some() { outputs } else { 0 };
    let work = Work {
        macs: products,
        multiplications: products,
        additions: products.saturating_sub(outputs) + biased,
        ..Work::default()
    };
    Rule::new(name, Kind::TransposedConvolution, work).with_bias(biased)
}

/// A convolution over values that are sampled between the cells: each takes four weights
/// (two differences and four products) and a weighted sum of four neighbours.
pub(super) fn deformable(op: &DeformConv2dOpIr) -> Rule {
    let rule = forward("deform_conv2d", &op.weight, op.bias.as_ref(), &op.out);
    // The offsets hold two coordinates for each sampling position.
    let positions = elements(&op.offset) / 2;
    let channels = op.x.shape.iter().nth(1).copied().unwrap_or(1) as u128;
    let samples = positions / (op.options.offset_groups.max(1) as u128) * channels;
    let mut sampling = (ADDITION * 6 + ELEMENTARY * 2 + MULTIPLICATION * 4) * positions
        + (MULTIPLICATION * 4 + ADDITION * 3) * samples;
    if op.mask.is_some() {
        sampling += MULTIPLICATION * samples;
    }
    Rule {
        kind: Kind::DeformableConvolution,
        work: rule.work.map(|work| work + sampling),
        ..rule
    }
}

/// The gradient of a convolution's input or weights: the same products as going forward, one
/// for each pair of an output value and a weight that made it.
pub(super) fn gradient(
    name: &'static str,
    weight: &TensorIr,
    output_grad: &TensorIr,
    out: &TensorIr,
) -> Rule {
    let products = elements(output_grad) * fan(weight);
    products_into(name, Kind::Convolution, products, out)
}

/// The gradient of a transposed convolution's weights.
pub(super) fn transposed_gradient(
    name: &'static str,
    input: &TensorIr,
    weight: &TensorIr,
    out: &TensorIr,
) -> Rule {
    let products = elements(input) * fan(weight);
    products_into(name, Kind::TransposedConvolution, products, out)
}

/// The gradient of a bias: the output's gradient, added up.
pub(super) fn bias_gradient(name: &'static str, output_grad: &TensorIr, out: &TensorIr) -> Rule {
    let additions = elements(output_grad).saturating_sub(elements(out));
    Rule::new(name, Kind::Reduction, ADDITION * additions)
}

fn products_into(name: &'static str, kind: Kind, products: u128, out: &TensorIr) -> Rule {
    let work = Work {
        macs: products,
        multiplications: products,
        additions: products.saturating_sub(elements(out)),
        ..Work::default()
    };
    Rule::new(name, kind, work)
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
