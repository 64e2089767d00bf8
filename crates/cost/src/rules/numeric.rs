//! Arithmetic, comparisons and reductions. Counted as floating-point work; for integer tensors
//! the caller turns the counts into integer work.

use burn_ir::{NumericOperationIr, ScalarIr, TensorIr};

use super::Rule;
use super::shape::{elements, side};
use crate::kind::Kind;
use crate::work::Work;

pub(super) fn rule(operation: &NumericOperationIr) -> Rule {
    use NumericOperationIr as Op;
    match operation {
        Op::Add(op) => each("add", &op.out, ADDITION),
        Op::AddScalar(op) => each("add_scalar", &op.out, ADDITION),
        Op::Sub(op) => each("sub", &op.out, ADDITION),
        Op::SubScalar(op) => each("sub_scalar", &op.out, ADDITION),
        Op::Neg(op) => each("neg", &op.out, ADDITION),
        Op::Mul(op) => each("mul", &op.out, MULTIPLICATION),
        Op::MulScalar(op) => each("mul_scalar", &op.out, MULTIPLICATION),
        Op::Div(op) => each("div", &op.out, DIVISION),
        Op::DivScalar(op) => each("div_scalar", &op.out, DIVISION),
        // a − b·⌊a / b⌋
        Op::Rem(op) => each("rem", &op.out, REMAINDER),
        Op::RemScalar(op) => each("rem_scalar", &op.out, REMAINDER),
        Op::Powi(op) => each("powi", &op.out, ELEMENTARY),
        Op::PowiScalar(op) => each("powi_scalar", &op.out, power(op.rhs)),

        Op::Abs(op) => each("abs", &op.out, COMPARISON),
        Op::Sign(op) => each("sign", &op.out, COMPARISON),
        Op::Greater(op) => each("greater", &op.out, COMPARISON),
        Op::GreaterElem(op) => each("greater_elem", &op.out, COMPARISON),
        Op::GreaterEqual(op) => each("greater_equal", &op.out, COMPARISON),
        Op::GreaterEqualElem(op) => each("greater_equal_elem", &op.out, COMPARISON),
        Op::Lower(op) => each("lower", &op.out, COMPARISON),
        Op::LowerElem(op) => each("lower_elem", &op.out, COMPARISON),
        Op::LowerEqual(op) => each("lower_equal", &op.out, COMPARISON),
        Op::LowerEqualElem(op) => each("lower_equal_elem", &op.out, COMPARISON),
        Op::Clamp(op) => each("clamp", &op.out, COMPARISON * 2),
        Op::ClampMin(op) => each("clamp_min", &op.out, COMPARISON),
        Op::ClampMax(op) => each("clamp_max", &op.out, COMPARISON),

        Op::Sum(op) => reduce("sum", &op.input, &op.out, ADDITION),
        Op::SumDim(op) => reduce("sum_dim", &op.input, &op.out, ADDITION),
        Op::SumDims(op) => reduce("sum_dims", &op.input, &op.out, ADDITION),
        Op::Mean(op) => mean("mean", &op.input, &op.out),
        Op::MeanDim(op) => mean("mean_dim", &op.input, &op.out),
        Op::Prod(op) => reduce("prod", &op.input, &op.out, MULTIPLICATION),
        Op::ProdDim(op) => reduce("prod_dim", &op.input, &op.out, MULTIPLICATION),
        Op::Max(op) => reduce("max", &op.input, &op.out, COMPARISON),
        Op::MaxDim(op) => reduce("max_dim", &op.input, &op.out, COMPARISON),
        Op::MaxDimWithIndices(op) => {
            reduce("max_dim_with_indices", &op.tensor, &op.out, COMPARISON)
        }
        Op::Min(op) => reduce("min", &op.input, &op.out, COMPARISON),
        Op::MinDim(op) => reduce("min_dim", &op.input, &op.out, COMPARISON),
        Op::MinDimWithIndices(op) => {
            reduce("min_dim_with_indices", &op.tensor, &op.out, COMPARISON)
        }
        Op::ArgMax(op) => reduce("arg_max", &op.input, &op.out, COMPARISON),
        Op::ArgMin(op) => reduce("arg_min", &op.input, &op.out, COMPARISON),
        Op::MaxAbs(op) => max_abs("max_abs", &op.input, &op.out),
        Op::MaxAbsDim(op) => max_abs("max_abs_dim", &op.input, &op.out),
        Op::CumSum(op) => cumulative("cum_sum", &op.out, op.axis, ADDITION),
        Op::CumProd(op) => cumulative("cum_prod", &op.out, op.axis, MULTIPLICATION),
        Op::CumMin(op) => cumulative("cum_min", &op.out, op.axis, COMPARISON),
        Op::CumMax(op) => cumulative("cum_max", &op.out, op.axis, COMPARISON),

        Op::Sort(op) => sort("sort", &op.input, op.dim),
        Op::SortWithIndices(op) => sort("sort_with_indices", &op.input, op.dim),
        Op::ArgSort(op) => sort("arg_sort", &op.input, op.dim),
        Op::TopK(op) => top_k("top_k", &op.input, side(&op.out, op.axis)),
        Op::ArgTopK(op) => top_k("arg_top_k", &op.input, side(&op.out, op.axis)),
        Op::TopKWithIndices(op) => top_k("top_k_with_indices", &op.tensor, op.k as u128),

        Op::Full(_) => Rule::free("full", Kind::Creation),
        Op::IntRandom(_) => Rule::free("random", Kind::Creation),
        Op::Pad(_) => Rule::free("pad", Kind::Movement),
    }
}

const NONE: Work = Work {
    macs: 0,
    multiplications: 0,
    additions: 0,
    divisions: 0,
    comparisons: 0,
    elementary: 0,
    integer: 0,
    read: 0,
    written: 0,
};
pub(super) const ADDITION: Work = Work {
    additions: 1,
    ..NONE
};
pub(super) const MULTIPLICATION: Work = Work {
    multiplications: 1,
    ..NONE
};
pub(super) const DIVISION: Work = Work {
    divisions: 1,
    ..NONE
};
pub(super) const COMPARISON: Work = Work {
    comparisons: 1,
    ..NONE
};
pub(super) const ELEMENTARY: Work = Work {
    elementary: 1,
    ..NONE
};
const REMAINDER: Work = Work {
    multiplications: 1,
    additions: 1,
    divisions: 1,
    elementary: 1,
    ..NONE
};

/// `work` for each element of the output.
pub(super) fn each(name: &'static str, out: &TensorIr, work: Work) -> Rule {
    Rule::new(name, Kind::Elementwise, work * elements(out))
}

/// A power with a small whole exponent is a product; any other is a function of its own.
fn power(exponent: ScalarIr) -> Work {
    match exponent {
        ScalarIr::Int(n @ 1..=4) => MULTIPLICATION * (n as u128 - 1),
        ScalarIr::UInt(n @ 1..=4) => MULTIPLICATION * u128::from(n - 1),
        ScalarIr::Float(_) | ScalarIr::Int(_) | ScalarIr::UInt(_) | ScalarIr::Bool(_) => ELEMENTARY,
    }
}

/// Putting n values together into one takes n − 1 steps.
fn reduce(name: &'static str, input: &TensorIr, out: &TensorIr, step: Work) -> Rule {
    let steps = elements(input).saturating_sub(elements(out));
    Rule::new(name, Kind::Reduction, step * steps)
}

fn mean(name: &'static str, input: &TensorIr, out: &TensorIr) -> Rule {
    let rule = reduce(name, input, out, ADDITION);
    Rule {
        work: rule.work.map(|work| work + DIVISION * elements(out)),
        ..rule
    }
}

fn max_abs(name: &'static str, input: &TensorIr, out: &TensorIr) -> Rule {
    let rule = reduce(name, input, out, COMPARISON);
    Rule {
        work: rule.work.map(|work| work + COMPARISON * elements(input)),
        ..rule
    }
}

fn cumulative(name: &'static str, out: &TensorIr, axis: usize, step: Work) -> Rule {
    let rows = elements(out) / side(out, axis).max(1);
    Rule::new(name, Kind::Reduction, step * (elements(out) - rows))
}

/// Comparisons of a merge sort: at most n·⌈log₂ n⌉ for each row of n values.
fn sort(name: &'static str, input: &TensorIr, axis: usize) -> Rule {
    let comparisons = elements(input) * log2_ceil(side(input, axis));
    Rule::new(name, Kind::Sort, COMPARISON * comparisons)
}

/// Comparisons of a heap of the k largest: at most ⌈log₂ k⌉ + 1 for each value.
fn top_k(name: &'static str, input: &TensorIr, k: u128) -> Rule {
    let comparisons = elements(input) * (log2_ceil(k) + 1);
    Rule::new(name, Kind::Sort, COMPARISON * comparisons)
}

fn log2_ceil(n: u128) -> u128 {
    u128::from(n.max(1).next_power_of_two().trailing_zeros())
}
