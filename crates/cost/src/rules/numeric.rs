//! Arithmetic, comparisons and reductions. Counted as floating-point work; for integer tensors
//! the caller turns the counts into integer work.

use burn_ir::{NumericOperationIr, ScalarIr, TensorIr};

use super::Row;
use super::gradient::Gradient::{self, Both, Each, EachInput, Free, Never, Passed};
use super::keep::Saves::{self, All, Divisor, Inputs, Nothing, Other, Outputs};
use super::name::Name;
use super::shape::{elements, indices, side};
use super::unit::{ADDITION, COMPARISON, DIVISION, ELEMENTARY, MULTIPLICATION};
use crate::kind::Kind;
use crate::work::Work;

pub(super) fn row(operation: &NumericOperationIr) -> Row {
    use NumericOperationIr as Op;
    let negated = Each(ADDITION);
    let scaled = Each(MULTIPLICATION);
    let power = Each(MULTIPLICATION * 2 + ELEMENTARY);
    match operation {
        Op::Add(op) => each(Name::Add, &op.out, ADDITION, Passed, Nothing),
        Op::AddScalar(op) => each(Name::AddScalar, &op.out, ADDITION, Passed, Nothing),
        Op::Sub(op) => {
            let gradient = Both(Work::default(), ADDITION);
            each(Name::Sub, &op.out, ADDITION, gradient, Nothing)
        }
        Op::SubScalar(op) => each(Name::SubScalar, &op.out, ADDITION, Passed, Nothing),
        Op::Neg(op) => each(Name::Neg, &op.out, ADDITION, negated, Nothing),
        Op::Mul(op) => each(Name::Mul, &op.out, MULTIPLICATION, scaled, Other),
        Op::MulScalar(op) => each(Name::MulScalar, &op.out, MULTIPLICATION, scaled, Nothing),
        // g / b and −g·a / b²
        Op::Div(op) => {
            let gradient = Both(DIVISION, MULTIPLICATION + DIVISION + ADDITION);
            each(Name::Div, &op.out, DIVISION, gradient, Divisor)
        }
        Op::DivScalar(op) => each(Name::DivScalar, &op.out, DIVISION, Each(DIVISION), Nothing),
        // a − b·⌊a / b⌋; g and −g·⌊a / b⌋
        Op::Rem(op) => {
            let second = DIVISION + ELEMENTARY + MULTIPLICATION + ADDITION;
            let gradient = Both(Work::default(), second);
            each(Name::Rem, &op.out, remainder(), gradient, Divisor)
        }
        Op::RemScalar(op) => each(Name::RemScalar, &op.out, remainder(), Passed, Nothing),
        // g·b·a^(b − 1), and for the exponent g·a^b·log a
        Op::Powi(op) => each(Name::Powi, &op.out, ELEMENTARY, power, All),
        Op::PowiScalar(op) => each(Name::PowiScalar, &op.out, product(op.rhs), power, All),

        Op::Abs(op) => {
            let gradient = Each(MULTIPLICATION + COMPARISON);
            each(Name::Abs, &op.out, COMPARISON, gradient, All)
        }
        // A step function's derivative is zero.
        Op::Sign(op) => each(Name::Sign, &op.out, COMPARISON, Passed, Nothing),
        Op::Greater(op) => compare(Name::Greater, &op.out),
        Op::GreaterElem(op) => compare(Name::GreaterElem, &op.out),
        Op::GreaterEqual(op) => compare(Name::GreaterEqual, &op.out),
        Op::GreaterEqualElem(op) => compare(Name::GreaterEqualElem, &op.out),
        Op::Lower(op) => compare(Name::Lower, &op.out),
        Op::LowerElem(op) => compare(Name::LowerElem, &op.out),
        Op::LowerEqual(op) => compare(Name::LowerEqual, &op.out),
        Op::LowerEqualElem(op) => compare(Name::LowerEqualElem, &op.out),
        Op::Clamp(op) => clamp(Name::Clamp, &op.out, 2),
        Op::ClampMin(op) => clamp(Name::ClampMin, &op.out, 1),
        Op::ClampMax(op) => clamp(Name::ClampMax, &op.out, 1),

        Op::Sum(op) => sum(Name::Sum, &op.input, &op.out),
        Op::SumDim(op) => sum(Name::SumDim, &op.input, &op.out),
        Op::SumDims(op) => sum(Name::SumDims, &op.input, &op.out),
        Op::Mean(op) => mean(Name::Mean, &op.input, &op.out),
        Op::MeanDim(op) => mean(Name::MeanDim, &op.input, &op.out),
        Op::Prod(op) => prod(Name::Prod, &op.input, &op.out),
        Op::ProdDim(op) => prod(Name::ProdDim, &op.input, &op.out),
        Op::Max(op) => extremum(Name::Max, &op.input, &op.out),
        Op::MaxDim(op) => extremum(Name::MaxDim, &op.input, &op.out),
        Op::MaxDimWithIndices(op) => extremum_at(Name::MaxDimWithIndices, &op.tensor, &op.out),
        Op::Min(op) => extremum(Name::Min, &op.input, &op.out),
        Op::MinDim(op) => extremum(Name::MinDim, &op.input, &op.out),
        Op::MinDimWithIndices(op) => extremum_at(Name::MinDimWithIndices, &op.tensor, &op.out),
        Op::ArgMax(op) => reduce(Name::ArgMax, &op.input, &op.out, COMPARISON, Never, Nothing),
        Op::ArgMin(op) => reduce(Name::ArgMin, &op.input, &op.out, COMPARISON, Never, Nothing),
        Op::MaxAbs(op) => max_abs(Name::MaxAbs, &op.input, &op.out),
        Op::MaxAbsDim(op) => max_abs(Name::MaxAbsDim, &op.input, &op.out),
        Op::CumSum(op) => {
            let gradient = EachInput(ADDITION);
            cumulative(Name::CumSum, &op.out, op.axis, ADDITION, gradient, Nothing)
        }
        // The sum of g·y from each place on, divided by x.
        Op::CumProd(op) => {
            let gradient = EachInput(MULTIPLICATION * 2 + ADDITION + DIVISION);
            cumulative(
                Name::CumProd,
                &op.out,
                op.axis,
                MULTIPLICATION,
                gradient,
                All,
            )
        }
        Op::CumMin(op) => {
            let gradient = EachInput(COMPARISON);
            cumulative(Name::CumMin, &op.out, op.axis, COMPARISON, gradient, All)
        }
        Op::CumMax(op) => {
            let gradient = EachInput(COMPARISON);
            cumulative(Name::CumMax, &op.out, op.axis, COMPARISON, gradient, All)
        }

        Op::Sort(op) => {
            let places = indices(elements(&op.out));
            sort(Name::Sort, &op.input, op.dim, Each(ADDITION), Nothing).keeping(places)
        }
        Op::SortWithIndices(op) => {
            let (gradient, saves) = (Each(ADDITION), Outputs(&[1]));
            sort(Name::SortWithIndices, &op.input, op.dim, gradient, saves)
        }
        Op::ArgSort(op) => sort(Name::ArgSort, &op.input, op.dim, Never, Nothing),
        Op::TopK(op) => {
            let k = side(&op.out, op.axis);
            let places = indices(elements(&op.out));
            top_k(Name::TopK, &op.input, k, Each(ADDITION), Nothing).keeping(places)
        }
        Op::ArgTopK(op) => {
            let k = side(&op.out, op.axis);
            top_k(Name::ArgTopK, &op.input, k, Never, Nothing)
        }
        Op::TopKWithIndices(op) => {
            let (k, gradient, saves) = (op.k as u128, Each(ADDITION), Outputs(&[1]));
            top_k(Name::TopKWithIndices, &op.tensor, k, gradient, saves)
        }

        Op::Full(_) => Row::makes(Name::Full),
        Op::IntRandom(_) => Row::makes(Name::Random),
        Op::Pad(_) => Row::moves(Name::Pad, Free, Nothing),
    }
}

/// `work` for each element of the output, which may replace an input.
pub(super) fn each(name: Name, out: &TensorIr, work: Work, back: Gradient, saves: Saves) -> Row {
    Row::new(name, Kind::Elementwise, work * elements(out), back, saves).over()
}

/// A comparison of each element, whose result is a truth value.
pub(super) fn compare(name: Name, out: &TensorIr) -> Row {
    let work = COMPARISON * elements(out);
    Row::new(name, Kind::Elementwise, work, Never, Nothing)
}

fn remainder() -> Work {
    MULTIPLICATION + ADDITION + DIVISION + ELEMENTARY
}

/// Comparisons with `bounds` bounds. A truth value of a byte is kept for each.
fn clamp(name: Name, out: &TensorIr, bounds: u128) -> Row {
    let work = COMPARISON * bounds;
    each(name, out, work, Each(work), Nothing).keeping(bounds * elements(out))
}

/// A power with a small whole exponent is a product; any other is a function of its own.
fn product(exponent: ScalarIr) -> Work {
    match exponent {
        ScalarIr::Int(n @ 1..=4) => MULTIPLICATION * (n as u128 - 1),
        ScalarIr::UInt(n @ 1..=4) => MULTIPLICATION * u128::from(n - 1),
        ScalarIr::Float(_) | ScalarIr::Int(_) | ScalarIr::UInt(_) | ScalarIr::Bool(_) => ELEMENTARY,
    }
}

/// Putting n values together into one takes n − 1 steps.
fn reduce(
    name: Name,
    input: &TensorIr,
    out: &TensorIr,
    step: Work,
    gradient: Gradient,
    saves: Saves,
) -> Row {
    let steps = elements(input).saturating_sub(elements(out));
    Row::new(name, Kind::Reduction, step * steps, gradient, saves)
}

/// The gradient is spread over the inputs without arithmetic.
fn sum(name: Name, input: &TensorIr, out: &TensorIr) -> Row {
    reduce(name, input, out, ADDITION, Free, Nothing)
}

fn mean(name: Name, input: &TensorIr, out: &TensorIr) -> Row {
    reduce(name, input, out, ADDITION, Each(DIVISION), Nothing).more(DIVISION * elements(out))
}

/// g·y / x
fn prod(name: Name, input: &TensorIr, out: &TensorIr) -> Row {
    let gradient = EachInput(MULTIPLICATION + DIVISION);
    reduce(name, input, out, MULTIPLICATION, gradient, All)
}

/// The gradient goes to the element that was chosen, whose place is kept.
fn extremum(name: Name, input: &TensorIr, out: &TensorIr) -> Row {
    let gradient = EachInput(COMPARISON);
    let row = reduce(name, input, out, COMPARISON, gradient, Nothing);
    row.keeping(indices(elements(out)))
}

/// Like [`extremum`], the place being an output.
fn extremum_at(name: Name, input: &TensorIr, out: &TensorIr) -> Row {
    let gradient = EachInput(COMPARISON);
    reduce(name, input, out, COMPARISON, gradient, Outputs(&[1]))
}

/// The largest of |x|: Burn takes magnitudes, then the largest.
fn max_abs(name: Name, input: &TensorIr, out: &TensorIr) -> Row {
    let gradient = EachInput(COMPARISON * 2 + MULTIPLICATION);
    let row = reduce(name, input, out, COMPARISON, gradient, Inputs(&[0]));
    row.more(COMPARISON * elements(input))
        .keeping(indices(elements(out)))
}

fn cumulative(
    name: Name,
    out: &TensorIr,
    axis: usize,
    step: Work,
    gradient: Gradient,
    saves: Saves,
) -> Row {
    let rows = elements(out) / side(out, axis).max(1);
    let work = step * (elements(out) - rows);
    Row::new(name, Kind::Reduction, work, gradient, saves)
}

/// Comparisons of a merge sort: at most n·⌈log₂ n⌉ for each row of n values.
fn sort(name: Name, input: &TensorIr, axis: usize, gradient: Gradient, saves: Saves) -> Row {
    let comparisons = elements(input) * log2_ceil(side(input, axis));
    Row::new(name, Kind::Sort, COMPARISON * comparisons, gradient, saves)
}

/// Comparisons of a heap of the k largest: at most ⌈log₂ k⌉ + 1 for each value.
fn top_k(name: Name, input: &TensorIr, k: u128, gradient: Gradient, saves: Saves) -> Row {
    let comparisons = elements(input) * (log2_ceil(k) + 1);
    Row::new(name, Kind::Sort, COMPARISON * comparisons, gradient, saves)
}

fn log2_ceil(n: u128) -> u128 {
    u128::from(n.max(1).next_power_of_two().trailing_zeros())
}
