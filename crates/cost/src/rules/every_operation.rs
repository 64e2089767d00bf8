//! Feeds every operation to the table.

use burn_ir::*;
use burn_std::{DType, Shape, Slice};

use super::rule;
use crate::kind::Kind;

fn tensor(shape: impl Into<Shape>) -> TensorIr {
    TensorIr::uninit(TensorId::new(0), shape.into(), DType::F32)
}

fn image() -> TensorIr {
    tensor([2, 4, 6, 6])
}

fn unary() -> UnaryOpIr {
    UnaryOpIr {
        input: image(),
        out: image(),
    }
}

fn binary() -> BinaryOpIr {
    BinaryOpIr {
        lhs: image(),
        rhs: image(),
        out: image(),
    }
}

fn scalar() -> ScalarOpIr {
    ScalarOpIr {
        lhs: image(),
        rhs: ScalarIr::Float(0.5),
        out: image(),
    }
}

fn reduce() -> ReduceOpIr {
    ReduceOpIr {
        input: image(),
        out: tensor([1]),
    }
}

fn reduce_dim() -> ReduceDimOpIr {
    ReduceDimOpIr {
        input: image(),
        out: tensor([2, 1, 6, 6]),
        axis: 1,
        accumulator_len: 4,
    }
}

fn cast() -> CastOpIr {
    CastOpIr {
        input: image(),
        out: image(),
    }
}

fn along() -> DimOpIr {
    DimOpIr {
        input: image(),
        out: image(),
        axis: 3,
    }
}

fn matmul() -> MatmulOpIr {
    MatmulOpIr {
        lhs: tensor([2, 3, 4]),
        rhs: tensor([2, 4, 5]),
        out: tensor([2, 3, 5]),
    }
}

fn sort() -> SortOpIr {
    SortOpIr {
        input: image(),
        dim: 3,
        descending: false,
        out: image(),
    }
}

fn created() -> CreationOpIr {
    CreationOpIr { out: image() }
}

fn view() -> ShapeOpIr {
    ShapeOpIr {
        input: image(),
        out: tensor([288]),
    }
}

fn base() -> Vec<BaseOperationIr> {
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

fn numeric() -> Vec<NumericOperationIr> {
    use NumericOperationIr as Op;
    let with_indices = || ReduceDimWithIndicesOpIr {
        tensor: image(),
        dim: 1,
        out: tensor([2, 1, 6, 6]),
        out_indices: tensor([2, 1, 6, 6]),
    };
    vec![
        Op::Add(binary()),
        Op::AddScalar(scalar()),
        Op::Sub(binary()),
        Op::SubScalar(scalar()),
        Op::Div(binary()),
        Op::DivScalar(scalar()),
        Op::Rem(binary()),
        Op::RemScalar(scalar()),
        Op::Mul(binary()),
        Op::MulScalar(scalar()),
        Op::Abs(unary()),
        Op::Full(FullOpIr {
            out: image(),
            value: ScalarIr::Float(1.0),
        }),
        Op::MeanDim(reduce_dim()),
        Op::Mean(reduce()),
        Op::Sum(reduce()),
        Op::SumDim(reduce_dim()),
        Op::SumDims(ReduceDimsOpIr {
            input: image(),
            out: tensor([2, 1, 1, 6]),
            axes: vec![1, 2],
        }),
        Op::Prod(reduce()),
        Op::ProdDim(reduce_dim()),
        Op::Greater(binary()),
        Op::GreaterElem(scalar()),
        Op::GreaterEqual(binary()),
        Op::GreaterEqualElem(scalar()),
        Op::Lower(binary()),
        Op::LowerElem(scalar()),
        Op::LowerEqual(binary()),
        Op::LowerEqualElem(scalar()),
        Op::ArgMax(reduce_dim()),
        Op::ArgTopK(reduce_dim()),
        Op::TopK(reduce_dim()),
        Op::TopKWithIndices(TopKWithIndicesOpIr {
            tensor: image(),
            dim: 1,
            k: 2,
            out: tensor([2, 2, 6, 6]),
            out_indices: tensor([2, 2, 6, 6]),
        }),
        Op::ArgMin(reduce_dim()),
        Op::Max(reduce()),
        Op::MaxDimWithIndices(with_indices()),
        Op::MinDimWithIndices(with_indices()),
        Op::Min(reduce()),
        Op::MaxDim(reduce_dim()),
        Op::MinDim(reduce_dim()),
        Op::MaxAbs(reduce()),
        Op::MaxAbsDim(reduce_dim()),
        Op::Clamp(ClampOpIr {
            tensor: image(),
            min: ScalarIr::Float(0.0),
            max: ScalarIr::Float(1.0),
            out: image(),
        }),
        Op::IntRandom(random()),
        Op::Powi(binary()),
        Op::PowiScalar(scalar()),
        Op::CumSum(along()),
        Op::CumProd(along()),
        Op::CumMin(along()),
        Op::CumMax(along()),
        Op::Neg(unary()),
        Op::Sign(unary()),
        Op::ClampMin(scalar()),
        Op::ClampMax(scalar()),
        Op::Sort(sort()),
        Op::SortWithIndices(SortWithIndicesOpIr {
            input: image(),
            dim: 3,
            descending: false,
            out: image(),
            out_indices: image(),
        }),
        Op::ArgSort(sort()),
        Op::Pad(PadOpIr {
            input: image(),
            out: tensor([2, 4, 8, 8]),
            padding: vec![(0, 0), (0, 0), (1, 1), (1, 1)],
            mode: PadModeIr::Reflect,
        }),
    ]
}

fn random() -> RandomOpIr {
    RandomOpIr {
        out: image(),
        distribution: burn_backend::Distribution::Default,
    }
}

fn float() -> Vec<FloatOperationIr> {
    use FloatOperationIr as Op;
    let functions: [fn(UnaryOpIr) -> Op; 24] = [
        Op::Exp,
        Op::Log,
        Op::Log1p,
        Op::Erf,
        Op::Sqrt,
        Op::Cos,
        Op::Cosh,
        Op::Sin,
        Op::Sinh,
        Op::Tan,
        Op::Tanh,
        Op::ArcCos,
        Op::ArcCosh,
        Op::ArcSin,
        Op::ArcSinh,
        Op::ArcTan,
        Op::ArcTanh,
        Op::Round,
        Op::Floor,
        Op::Ceil,
        Op::Trunc,
        Op::Recip,
        Op::IsNan,
        Op::IsInf,
    ];
    let mut operations: Vec<_> = functions.iter().map(|make| make(unary())).collect();
    operations.extend([
        Op::PowfScalar(scalar()),
        Op::ArcTan2(binary()),
        Op::IntoInt(cast()),
        Op::Matmul(matmul()),
        Op::Cross(CrossOpIr {
            lhs: tensor([5, 3]),
            rhs: tensor([5, 3]),
            out: tensor([5, 3]),
            dim: 1,
        }),
        Op::Random(random()),
        Op::Quantize(QuantizeOpIr {
            tensor: image(),
            qparams: QuantizationParametersIr {
                scales: tensor([1]),
                global: None,
            },
            scheme: Default::default(),
            out: image(),
        }),
        Op::Dequantize(DequantizeOpIr {
            input: image(),
            out: image(),
        }),
        Op::GridSample2d(GridSample2dOpIr {
            tensor: image(),
            grid: tensor([2, 3, 3, 2]),
            options: GridSampleOptionsIr {
                mode: InterpolateModeIr::Bilinear,
                padding_mode: GridSamplePaddingModeIr::Zeros,
                align_corners: false,
            },
            out: tensor([2, 4, 3, 3]),
        }),
        Op::Powf(binary()),
        Op::Hypot(binary()),
    ]);
    operations
}

fn int() -> Vec<IntOperationIr> {
    use IntOperationIr as Op;
    vec![
        Op::IntoFloat(cast()),
        Op::BitwiseAnd(binary()),
        Op::BitwiseAndScalar(scalar()),
        Op::BitwiseOr(binary()),
        Op::BitwiseOrScalar(scalar()),
        Op::BitwiseXor(binary()),
        Op::BitwiseXorScalar(scalar()),
        Op::BitwiseNot(unary()),
        Op::BitwiseLeftShift(binary()),
        Op::BitwiseLeftShiftScalar(scalar()),
        Op::BitwiseRightShift(binary()),
        Op::BitwiseRightShiftScalar(scalar()),
        Op::Matmul(matmul()),
    ]
}

fn boolean() -> Vec<BoolOperationIr> {
    use BoolOperationIr as Op;
    vec![
        Op::IntoFloat(cast()),
        Op::IntoInt(cast()),
        Op::Not(unary()),
        Op::And(binary()),
        Op::Or(binary()),
        Op::Xor(binary()),
    ]
}

fn activation() -> Vec<ActivationOperationIr> {
    use ActivationOperationIr as Op;
    vec![
        Op::Relu(unary()),
        Op::ReluBackward(binary()),
        Op::LeakyRelu(scalar()),
        Op::PRelu(binary()),
        Op::Gelu(unary()),
        Op::GeluBackward(binary()),
        Op::Sigmoid(unary()),
        Op::SigmoidBackward(binary()),
        Op::HardSigmoid(HardSigmoidOpIr {
            tensor: image(),
            alpha: ScalarIr::Float(0.2),
            beta: ScalarIr::Float(0.5),
            out: image(),
        }),
        Op::LogSigmoid(unary()),
        Op::LogSigmoidBackward(binary()),
        Op::Softmax(along()),
        Op::LogSoftmax(along()),
        Op::Softmin(along()),
    ]
}

#[test]
fn every_operation_has_a_rule() {
    let operations = base()
        .into_iter()
        .flat_map(|op| {
            [
                OperationIr::BaseFloat(op.clone()),
                OperationIr::BaseInt(op.clone()),
                OperationIr::BaseBool(op),
            ]
        })
        .chain(numeric().into_iter().flat_map(|op| {
            [
                OperationIr::NumericFloat(DType::F32, op.clone()),
                OperationIr::NumericInt(DType::I64, op),
            ]
        }))
        .chain(
            float()
                .into_iter()
                .map(|op| OperationIr::Float(DType::F32, op)),
        )
        .chain(int().into_iter().map(OperationIr::Int))
        .chain(boolean().into_iter().map(OperationIr::Bool))
        .chain(activation().into_iter().map(OperationIr::Activation))
        .chain(
            super::every_module::module()
                .into_iter()
                .map(OperationIr::Module),
        )
        .chain([
            OperationIr::Distributed(DistributedOperationIr::SyncCollective),
            OperationIr::Distributed(DistributedOperationIr::AllReduce(AllReduceOpIr {
                tensor: image(),
                out: image(),
                op: burn_backend::distributed::ReduceOperation::Sum,
                device_ids: Vec::new(),
            })),
            OperationIr::Init(InitOperationIr { out: image() }),
            OperationIr::Drop(image()),
        ]);
    for operation in operations {
        let rule = rule(&operation);
        let work = rule
            .work
            .unwrap_or_else(|| panic!("no rule: {operation:?}"));
        let counted = work.flops() + work.comparisons + work.elementary + work.integer;
        // What is neither a copy nor a view nor made anew computes something.
        let idle = matches!(
            rule.kind,
            Kind::View | Kind::Movement | Kind::Creation | Kind::Embedding | Kind::Collective
        );
        let name = rule.called.as_str();
        assert!(idle || counted > 0, "{name}: {operation:?}");
        assert_eq!(work.macs > 0, is_product(name), "{name}");
        // Burn derives all but what is a gradient itself.
        assert_eq!(rule.gradients.len(), operation.inputs().count(), "{name}");
        let known = rule.gradients.iter().all(Option::is_some);
        assert_eq!(known, !name.ends_with("_backward"), "{name}");
    }
}

fn is_product(name: &str) -> bool {
    let bias = name.contains("bias_backward");
    let product = ["conv", "linear", "matmul", "attention"];
    !bias && product.iter().any(|part| name.contains(part))
}

#[test]
fn integer_arithmetic_is_no_floating_point_work() {
    let rule = rule(&OperationIr::NumericInt(
        DType::I64,
        NumericOperationIr::Add(binary()),
    ));
    let work = rule.work.expect("a rule");
    assert_eq!((work.flops(), work.integer), (0, 288));
}

#[test]
fn a_custom_operation_has_none() {
    let custom = CustomOpIr::new("own", &[image()], &[image()]);
    assert_eq!(rule(&OperationIr::Custom(custom)).work, None);
}

#[test]
fn amounts() {
    let flops = |operation: OperationIr| rule(&operation).work.expect("a rule").flops();
    let float = |op| OperationIr::Float(DType::F32, op);
    // 2·3·5 inner products of 4 terms.
    assert_eq!(flops(float(FloatOperationIr::Matmul(matmul()))), 30 * 7);
    let numeric = |op| OperationIr::NumericFloat(DType::F32, op);
    assert_eq!(flops(numeric(NumericOperationIr::Sum(reduce()))), 287);
    assert_eq!(
        flops(numeric(NumericOperationIr::MeanDim(reduce_dim()))),
        288
    );
    assert_eq!(
        flops(numeric(NumericOperationIr::CumSum(along()))),
        288 - 48
    );
    let sorted = rule(&numeric(NumericOperationIr::Sort(sort())));
    // ⌈log₂ 6⌉ is 3.
    assert_eq!(sorted.work.expect("a rule").comparisons, 288 * 3);
    let softmax = rule(&OperationIr::Activation(ActivationOperationIr::Softmax(
        along(),
    )));
    let work = softmax.work.expect("a rule");
    assert_eq!((work.comparisons, work.additions), (240, 288 + 240));
    assert_eq!((work.elementary, work.divisions), (288, 288));
}
