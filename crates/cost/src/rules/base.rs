//! Operations on tensors of any type: views, movement, masks, equality.

use burn_ir::{BaseOperationIr, BinaryOpIr, ReduceDimOpIr, ReduceOpIr, ScalarOpIr};

use super::Rule;
use super::shape::{bytes, elements};
use crate::kind::Kind;
use crate::work::Work;

pub(super) fn rule(operation: &BaseOperationIr) -> Rule {
    use BaseOperationIr as Op;
    match operation {
        Op::Reshape(_) => Rule::free("reshape", Kind::View),
        Op::SwapDims(_) => Rule::free("swap_dims", Kind::View),
        Op::Permute(_) => Rule::free("permute", Kind::View),
        Op::Expand(_) => Rule::free("expand", Kind::View),
        Op::Unfold(_) => Rule::free("unfold", Kind::View),
        Op::Slice(_) => Rule::free("slice", Kind::View),

        Op::Flip(_) => Rule::free("flip", Kind::Movement),
        Op::RepeatDim(_) => Rule::free("repeat_dim", Kind::Movement),
        Op::Cat(_) => Rule::free("cat", Kind::Movement),
        Op::Cast(_) => Rule::free("cast", Kind::Movement),
        Op::SliceAssign(_) => Rule::free("slice_assign", Kind::Movement),
        // Look-ups read the indices and the values that they take, not the whole table.
        Op::Select(op) => {
            Rule::free("select", Kind::Movement).reading(bytes(&op.indices) + bytes(&op.out))
        }
        Op::Gather(op) => {
            Rule::free("gather", Kind::Movement).reading(bytes(&op.indices) + bytes(&op.out))
        }
        Op::GatherNd(op) => {
            Rule::free("gather_nd", Kind::Movement).reading(bytes(&op.indices) + bytes(&op.out))
        }
        // Scattered values are added to, or multiplied with, what is there: one operation each.
        Op::SelectAssign(op) => additions("select_assign", elements(&op.value)),
        Op::Scatter(op) => additions("scatter", elements(&op.value)),
        Op::ScatterNd(op) => additions("scatter_nd", elements(&op.values)),

        Op::MaskWhere(op) => comparisons("mask_where", elements(&op.out)),
        Op::MaskFill(op) => comparisons("mask_fill", elements(&op.out)),
        Op::Equal(op) => binary("equal", op),
        Op::NotEqual(op) => binary("not_equal", op),
        Op::EqualElem(op) => scalar("equal_elem", op),
        Op::NotEqualElem(op) => scalar("not_equal_elem", op),
        Op::All(op) => reduce("all", op),
        Op::Any(op) => reduce("any", op),
        Op::AllDim(op) => reduce_dim("all_dim", op),
        Op::AnyDim(op) => reduce_dim("any_dim", op),

        Op::Empty(_) => Rule::free("empty", Kind::Creation),
        Op::Ones(_) => Rule::free("ones", Kind::Creation),
        Op::Zeros(_) => Rule::free("zeros", Kind::Creation),
    }
}

fn additions(name: &'static str, count: u128) -> Rule {
    let work = Work {
        additions: count,
        ..Work::default()
    };
    Rule::new(name, Kind::Movement, work)
}

fn comparisons(name: &'static str, count: u128) -> Rule {
    let work = Work {
        comparisons: count,
        ..Work::default()
    };
    Rule::new(name, Kind::Elementwise, work)
}

fn binary(name: &'static str, op: &BinaryOpIr) -> Rule {
    comparisons(name, elements(&op.out))
}

fn scalar(name: &'static str, op: &ScalarOpIr) -> Rule {
    comparisons(name, elements(&op.out))
}

fn reduce(name: &'static str, op: &ReduceOpIr) -> Rule {
    let work = Work {
        comparisons: elements(&op.input).saturating_sub(elements(&op.out)),
        ..Work::default()
    };
    Rule::new(name, Kind::Reduction, work)
}

fn reduce_dim(name: &'static str, op: &ReduceDimOpIr) -> Rule {
    let work = Work {
        comparisons: elements(&op.input).saturating_sub(elements(&op.out)),
        ..Work::default()
    };
    Rule::new(name, Kind::Reduction, work)
}
