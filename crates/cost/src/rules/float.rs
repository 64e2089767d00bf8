//! Operations that only floating-point tensors have.

use burn_ir::{FloatOperationIr, InterpolateModeIr, MatmulOpIr, TensorIr};

use super::Row;
use super::gradient::Gradient::{self, Both, Each, Never, Passed, Whole};
use super::keep::Saves::{All, Nothing, Other};
use super::name::Name;
use super::numeric::{compare, each};
use super::shape::{elements, last};
use super::unit::{ADDITION, COMPARISON, DIVISION, ELEMENTARY, MULTIPLICATION};
use crate::formulas::inner_products;
use crate::kind::Kind;
use crate::work::Work;

pub(super) fn row(operation: &FloatOperationIr) -> Row {
    use FloatOperationIr as Op;
    let power = MULTIPLICATION * 2 + ELEMENTARY;
    match operation {
        Op::Exp(op) => function(Name::Exp, &op.out, MULTIPLICATION),
        Op::Log(op) => function(Name::Log, &op.out, DIVISION),
        // g / (1 + x)
        Op::Log1p(op) => function(Name::Log1p, &op.out, ADDITION + DIVISION),
        // g·e^(−x²)·2 / √π
        Op::Erf(op) => function(Name::Erf, &op.out, MULTIPLICATION * 3 + ELEMENTARY),
        Op::PowfScalar(op) => function(Name::PowfScalar, &op.out, power),
        Op::Powf(op) => function(Name::Powf, &op.out, power),
        // g / 2·√x
        Op::Sqrt(op) => function(Name::Sqrt, &op.out, MULTIPLICATION + DIVISION),
        Op::Cos(op) => function(Name::Cos, &op.out, ELEMENTARY + MULTIPLICATION + ADDITION),
        Op::Cosh(op) => function(Name::Cosh, &op.out, ELEMENTARY + MULTIPLICATION),
        Op::Sin(op) => function(Name::Sin, &op.out, ELEMENTARY + MULTIPLICATION),
        Op::Sinh(op) => function(Name::Sinh, &op.out, ELEMENTARY + MULTIPLICATION),
        // g·(1 + y²) and g·(1 − y²)
        Op::Tan(op) => function(Name::Tan, &op.out, MULTIPLICATION * 2 + ADDITION),
        Op::Tanh(op) => function(Name::Tanh, &op.out, MULTIPLICATION * 2 + ADDITION),
        Op::ArcCos(op) => function(Name::Acos, &op.out, root() + ADDITION),
        Op::ArcCosh(op) => function(Name::Acosh, &op.out, root()),
        Op::ArcSin(op) => function(Name::Asin, &op.out, root()),
        Op::ArcSinh(op) => function(Name::Asinh, &op.out, root()),
        // g / (1 + x²) and g / (1 − x²)
        Op::ArcTan(op) => function(Name::Atan, &op.out, MULTIPLICATION + ADDITION + DIVISION),
        Op::ArcTanh(op) => function(Name::Atanh, &op.out, MULTIPLICATION + ADDITION + DIVISION),
        // g·x / (x² + y²) and −g·y / (x² + y²)
        Op::ArcTan2(op) => {
            let first = MULTIPLICATION * 3 + ADDITION + DIVISION;
            let gradient = Both(first, first + ADDITION);
            each(Name::Atan2, &op.out, ELEMENTARY, gradient, All)
        }
        Op::Round(op) => steps(Name::Round, &op.out),
        Op::Floor(op) => steps(Name::Floor, &op.out),
        Op::Ceil(op) => steps(Name::Ceil, &op.out),
        Op::Trunc(op) => steps(Name::Trunc, &op.out),
        // −g·y²
        Op::Recip(op) => {
            let gradient = Each(MULTIPLICATION * 2 + ADDITION);
            each(Name::Recip, &op.out, DIVISION, gradient, All)
        }
        // √(a² + b²), g·a / y
        Op::Hypot(op) => {
            let work = MULTIPLICATION * 2 + ADDITION + ELEMENTARY;
            let gradient = Each(MULTIPLICATION + DIVISION);
            each(Name::Hypot, &op.out, work, gradient, All)
        }
        Op::IsNan(op) => compare(Name::IsNan, &op.out),
        Op::IsInf(op) => compare(Name::IsInf, &op.out),
        // Each component is a difference of two products; the gradients are products of the
        // same sort.
        Op::Cross(op) => {
            let work = MULTIPLICATION * 2 + ADDITION;
            each(Name::Cross, &op.out, work, Each(work), Other)
        }
        Op::IntoInt(_) => Row::moves(Name::IntoInt, Never, Nothing),
        Op::Random(_) => Row::makes(Name::Random),
        Op::Matmul(op) => matmul(op),
        // Scale, round, clamp to the range. No gradient flows through quantised values.
        Op::Quantize(op) => {
            let work = MULTIPLICATION + ELEMENTARY + COMPARISON * 2;
            quantization(Name::Quantize, work * elements(&op.tensor))
        }
        Op::Dequantize(op) => quantization(Name::Dequantize, MULTIPLICATION * elements(&op.out)),
        Op::GridSample2d(op) => {
            let work = sample(&op.options.mode) * elements(&op.out);
            let gradient = Whole(vec![sample_gradient(work, &op.out); 2]);
            Row::new(Name::GridSample2d, Kind::Interpolation, work, gradient, All)
        }
    }
}

/// An elementary function of each element, and what its gradient takes for each element.
fn function(name: Name, out: &TensorIr, gradient: Work) -> Row {
    each(name, out, ELEMENTARY, Each(gradient), All)
}

/// Steps, whose derivative is zero.
fn steps(name: Name, out: &TensorIr) -> Row {
    each(name, out, ELEMENTARY, Passed, Nothing)
}

/// g / √(±1 ± x²)
fn root() -> Work {
    MULTIPLICATION + ADDITION + ELEMENTARY + DIVISION
}

fn quantization(name: Name, work: Work) -> Row {
    Row::new(name, Kind::Quantization, work, Never, Nothing)
}

/// A product of matrices `[…, m, k]·[…, k, n]`, leading dimensions broadcast.
pub(super) fn matmul(op: &MatmulOpIr) -> Row {
    let work = inner_products(elements(&op.out), last(&op.lhs), false);
    let gradient = Gradient::Whole(vec![sums(work.macs, &op.lhs), sums(work.macs, &op.rhs)]);
    Row::new(Name::Matmul, Kind::Matmul, work, gradient, Other)
}

/// `macs` products, put together into sums, one for each element of the result.
pub(super) fn sums(macs: u128, result: &TensorIr) -> Work {
    Work {
        macs,
        multiplications: macs,
        additions: macs.saturating_sub(elements(result)),
        ..Work::default()
    }
}

/// The weighted sum that makes one value of a resized image, the weights being known: n
/// products and n − 1 additions for n neighbours.
pub(super) fn sample(mode: &InterpolateModeIr) -> Work {
    let neighbours = match mode {
        InterpolateModeIr::Nearest | InterpolateModeIr::NearestExact => return Work::default(),
        InterpolateModeIr::Bilinear => 4,
        InterpolateModeIr::Bicubic => 16,
        InterpolateModeIr::Lanczos3 => 36,
    };
    MULTIPLICATION * neighbours + ADDITION * (neighbours - 1)
}

/// The same weights hand each value of the gradient back to its neighbours, where it is added;
/// `forward` is the work of going forward.
pub(super) fn sample_gradient(forward: Work, out: &TensorIr) -> Work {
    let products = forward.multiplications;
    MULTIPLICATION * products + ADDITION * products.max(elements(out))
}
