//! Operations on tensors of any type: views, movement, masks, equality.

use burn::tensor::IndexingUpdateOp;
use burn_ir::{BaseOperationIr, TensorIr};

use super::Row;
use super::gradient::Gradient::{Each, Free, Never, Passed};
use super::keep::Saves::{self, All, Inputs, Nothing};
use super::name::Name;
use super::shape::{bytes, elements};
use super::unit::{ADDITION, COMPARISON};
use crate::kind::Kind;

pub(super) fn row(operation: &BaseOperationIr) -> Row {
    use BaseOperationIr as Op;
    match operation {
        Op::Reshape(_) => Row::view(Name::Reshape),
        Op::SwapDims(_) => Row::view(Name::SwapDims),
        Op::Permute(_) => Row::view(Name::Permute),
        Op::Expand(_) => Row::view(Name::Expand),
        Op::Unfold(_) => Row::view(Name::Unfold),
        Op::Slice(_) => Row::view(Name::Slice),

        Op::Flip(_) => Row::moves(Name::Flip, Free, Nothing),
        Op::RepeatDim(_) => Row::moves(Name::RepeatDim, Passed, Nothing),
        Op::Cat(_) => Row::moves(Name::Cat, Free, Nothing),
        Op::Cast(_) => Row::moves(Name::Cast, Free, Nothing),
        Op::SliceAssign(_) => Row::moves(Name::SliceAssign, Free, Nothing).over(),
        // Look-ups read the indices and the values that they take, not the whole table.
        Op::Select(op) => look_up(Name::Select, &op.indices, &op.out),
        Op::Gather(op) => look_up(Name::Gather, &op.indices, &op.out),
        Op::GatherNd(op) => look_up(Name::GatherNd, &op.indices, &op.out),
        // Scattered values are added to, or multiplied with, what is there: one operation each.
        Op::SelectAssign(op) => scatter(Name::SelectAssign, &op.value, op.update),
        Op::Scatter(op) => scatter(Name::Scatter, &op.value, op.update),
        Op::ScatterNd(op) => scatter(Name::ScatterNd, &op.values, op.reduction),

        Op::MaskWhere(op) => mask(Name::MaskWhere, &op.out),
        Op::MaskFill(op) => mask(Name::MaskFill, &op.out),
        Op::Equal(op) => compares(Name::Equal, Kind::Elementwise, elements(&op.out)),
        Op::NotEqual(op) => compares(Name::NotEqual, Kind::Elementwise, elements(&op.out)),
        Op::EqualElem(op) => compares(Name::EqualElem, Kind::Elementwise, elements(&op.out)),
        Op::NotEqualElem(op) => compares(Name::NotEqualElem, Kind::Elementwise, elements(&op.out)),
        Op::All(op) => compares(Name::All, Kind::Reduction, steps(&op.input, &op.out)),
        Op::Any(op) => compares(Name::Any, Kind::Reduction, steps(&op.input, &op.out)),
        Op::AllDim(op) => compares(Name::AllDim, Kind::Reduction, steps(&op.input, &op.out)),
        Op::AnyDim(op) => compares(Name::AnyDim, Kind::Reduction, steps(&op.input, &op.out)),

        Op::Empty(_) => Row::makes(Name::Empty),
        Op::Ones(_) => Row::makes(Name::Ones),
        Op::Zeros(_) => Row::makes(Name::Zeros),
    }
}

/// Going back, each value is added to the one that it was taken from.
fn look_up(name: Name, indices: &TensorIr, out: &TensorIr) -> Row {
    Row::moves(name, Each(ADDITION), Inputs(&[1])).reading(bytes(indices) + bytes(out))
}

/// Inputs `tensor, indices, values`.
fn scatter(name: Name, values: &TensorIr, update: IndexingUpdateOp) -> Row {
    let saves: Saves = match update {
        IndexingUpdateOp::Assign | IndexingUpdateOp::Add => Inputs(&[1]),
        IndexingUpdateOp::Mul | IndexingUpdateOp::Min | IndexingUpdateOp::Max => All,
    };
    let work = ADDITION * elements(values);
    Row::new(name, Kind::Movement, work, Free, saves).over()
}

/// Inputs `tensor, mask` and, in `mask_where`, `value`.
fn mask(name: Name, out: &TensorIr) -> Row {
    let work = COMPARISON * elements(out);
    Row::new(
        name,
        Kind::Elementwise,
        work,
        Each(COMPARISON),
        Inputs(&[1]),
    )
    .over()
}

/// `count` comparisons whose results are truth values.
fn compares(name: Name, kind: Kind, count: u128) -> Row {
    Row::new(name, kind, COMPARISON * count, Never, Nothing)
}

/// Putting n values together into one takes n − 1 steps.
fn steps(input: &TensorIr, out: &TensorIr) -> u128 {
    elements(input).saturating_sub(elements(out))
}
