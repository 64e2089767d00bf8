//! One of each operation on tensors of any type.

use burn_ir::*;
use burn_std::Slice;

use super::operations::*;

pub(super) fn base() -> Vec<BaseOperationIr> {
    use BaseOperationIr as Op;
    let taken = || tensor([2, 4, 3, 6]);
    let indices = || tensor([3]);
    vec![
        Op::Reshape(view()),
        Op::SwapDims(SwapDimsOpIr {
            input: image(),
            out: image(),
            dim1: 2,
            dim2: 3,
        }),
        Op::Permute(PermuteOpIr {
            input: image(),
            out: image(),
            axes: vec![0, 1, 3, 2],
        }),
        Op::Flip(FlipOpIr {
            input: image(),
            out: image(),
            axes: vec![3],
        }),
        Op::Expand(view()),
        Op::Unfold(UnfoldOpIr {
            input: image(),
            out: tensor([2, 4, 6, 5, 2]),
            dim: 3,
            size: 2,
            step: 1,
        }),
        Op::Slice(SliceOpIr {
            tensor: image(),
            ranges: vec![Slice::from(0..1)],
            out: tensor([1, 4, 6, 6]),
        }),
        Op::SliceAssign(SliceAssignOpIr {
            tensor: image(),
            ranges: vec![Slice::from(0..1)],
            value: tensor([1, 4, 6, 6]),
            out: image(),
        }),
        Op::Select(SelectOpIr {
            tensor: image(),
            dim: 2,
            indices: indices(),
            out: taken(),
        }),
        Op::SelectAssign(SelectAssignOpIr {
            tensor: image(),
            dim: 2,
            indices: indices(),
            value: taken(),
            update: burn_backend::tensor::IndexingUpdateOp::Add,
            out: image(),
        }),
        Op::MaskWhere(MaskWhereOpIr {
            tensor: image(),
            mask: image(),
            value: image(),
            out: image(),
        }),
        Op::MaskFill(MaskFillOpIr {
            tensor: image(),
            mask: image(),
            value: ScalarIr::Float(0.0),
            out: image(),
        }),
        Op::Gather(GatherOpIr {
            tensor: image(),
            dim: 2,
            indices: taken(),
            out: taken(),
        }),
        Op::Scatter(ScatterOpIr {
            tensor: image(),
            dim: 2,
            indices: taken(),
            value: taken(),
            update: burn_backend::tensor::IndexingUpdateOp::Add,
            out: image(),
        }),
        Op::ScatterNd(ScatterNdOpIr {
            data: image(),
            indices: indices(),
            values: taken(),
            reduction: burn_backend::tensor::IndexingUpdateOp::Add,
            out: image(),
        }),
        Op::GatherNd(GatherNdOpIr {
            data: image(),
            indices: indices(),
            out: taken(),
        }),
        Op::Equal(binary()),
        Op::EqualElem(scalar()),
        Op::RepeatDim(RepeatDimOpIr {
            tensor: image(),
            dim: 0,
            times: 2,
            out: tensor([4, 4, 6, 6]),
        }),
        Op::Cat(CatOpIr {
            tensors: vec![image(), image()],
            dim: 0,
            out: tensor([4, 4, 6, 6]),
        }),
        Op::Cast(cast()),
        Op::Empty(created()),
        Op::Ones(created()),
        Op::Zeros(created()),
        Op::NotEqual(binary()),
        Op::NotEqualElem(scalar()),
        Op::All(reduce()),
        Op::Any(reduce()),
        Op::AllDim(reduce_dim()),
        Op::AnyDim(reduce_dim()),
    ]
}
