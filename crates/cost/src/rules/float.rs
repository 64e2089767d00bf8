//! Operations that only floating-point tensors have.

use burn_ir::{FloatOperationIr, InterpolateModeIr, MatmulOpIr};

use super::Rule;
use super::numeric::{ADDITION, COMPARISON, ELEMENTARY, MULTIPLICATION, each};
use super::shape::{elements, last};
use crate::formulas::inner_products;
use crate::kind::Kind;
use crate::work::Work;

pub(super) fn rule(operation: &FloatOperationIr) -> Rule {
    use FloatOperationIr as Op;
    match operation {
        Op::Exp(op) => each("exp", &op.out, ELEMENTARY),
        Op::Log(op) => each("log", &op.out, ELEMENTARY),
        Op::Log1p(op) => each("log1p", &op.out, ELEMENTARY),
        Op::Erf(op) => each("erf", &op.out, ELEMENTARY),
        Op::PowfScalar(op) => each("powf_scalar", &op.out, ELEMENTARY),
        Op::Powf(op) => each("powf", &op.out, ELEMENTARY),
        Op::Sqrt(op) => each("sqrt", &op.out, ELEMENTARY),
        Op::Cos(op) => each("cos", &op.out, ELEMENTARY),
        Op::Cosh(op) => each("cosh", &op.out, ELEMENTARY),
        Op::Sin(op) => each("sin", &op.out, ELEMENTARY),
        Op::Sinh(op) => each("sinh", &op.out, ELEMENTARY),
        Op::Tan(op) => each("tan", &op.out, ELEMENTARY),
        Op::Tanh(op) => each("tanh", &op.out, ELEMENTARY),
        Op::ArcCos(op) => each("acos", &op.out, ELEMENTARY),
        Op::ArcCosh(op) => each("acosh", &op.out, ELEMENTARY),
        Op::ArcSin(op) => each("asin", &op.out, ELEMENTARY),
        Op::ArcSinh(op) => each("asinh", &op.out, ELEMENTARY),
        Op::ArcTan(op) => each("atan", &op.out, ELEMENTARY),
        Op::ArcTanh(op) => each("atanh", &op.out, ELEMENTARY),
        Op::ArcTan2(op) => each("atan2", &op.out, ELEMENTARY),
        Op::Round(op) => each("round", &op.out, ELEMENTARY),
        Op::Floor(op) => each("floor", &op.out, ELEMENTARY),
        Op::Ceil(op) => each("ceil", &op.out, ELEMENTARY),
        Op::Trunc(op) => each("trunc", &op.out, ELEMENTARY),
        Op::Recip(op) => {
            let division = Work {
                divisions: 1,
                ..Work::default()
            };
            each("recip", &op.out, division)
        }
        // √(a² + b²)
        Op::Hypot(op) => each("hypot", &op.out, MULTIPLICATION * 2 + ADDITION + ELEMENTARY),
        Op::IsNan(op) => each("is_nan", &op.out, COMPARISON),
        Op::IsInf(op) => each("is_inf", &op.out, COMPARISON),
        // Each component is a difference of two products.
        Op::Cross(op) => each("cross", &op.out, MULTIPLICATION * 2 + ADDITION),
        Op::IntoInt(_) => Rule::free("into_int", Kind::Movement),
        Op::Random(_) => Rule::free("random", Kind::Creation),
        Op::Matmul(op) => matmul(op),
        // Scale, round, clamp to the range.
        Op::Quantize(op) => Rule {
            kind: Kind::Quantization,
            ..each(
                "quantize",
                &op.tensor,
                MULTIPLICATION + ELEMENTARY + COMPARISON * 2,
            )
        },
        Op::Dequantize(op) => Rule {
            kind: Kind::Quantization,
            ..each("dequantize", &op.out, MULTIPLICATION)
        },
        Op::GridSample2d(op) => Rule {
            kind: Kind::Interpolation,
            ..each("grid_sample_2d", &op.out, sample(&op.options.mode))
        },
    }
}

/// A product of matrices `[…, m, k]·[…, k, n]`, leading dimensions broadcast.
pub(super) fn matmul(op: &MatmulOpIr) -> Rule {
    let work = inner_products(elements(&op.out), last(&op.lhs), false);
    Rule::new("matmul", Kind::Matmul, work)
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
