//! One of each operation that no layer is, for the test of the table.

use burn_ir::*;
use burn_std::{DType, Shape};

pub(super) fn tensor(shape: impl Into<Shape>) -> TensorIr {
    TensorIr::uninit(TensorId::new(0), shape.into(), DType::F32)
}

pub(super) fn image() -> TensorIr {
    tensor([2, 4, 6, 6])
}

pub(super) fn unary() -> UnaryOpIr {
    UnaryOpIr {
        input: image(),
        out: image(),
    }
}

pub(super) fn binary() -> BinaryOpIr {
    BinaryOpIr {
        lhs: image(),
        rhs: image(),
        out: image(),
    }
}

pub(super) fn scalar() -> ScalarOpIr {
    ScalarOpIr {
        lhs: image(),
        rhs: ScalarIr::Float(0.5),
        out: image(),
    }
}

pub(super) fn reduce() -> ReduceOpIr {
    ReduceOpIr {
        input: image(),
        out: tensor([1]),
    }
}

pub(super) fn reduce_dim() -> ReduceDimOpIr {
    ReduceDimOpIr {
        input: image(),
        out: tensor([2, 1, 6, 6]),
        axis: 1,
        accumulator_len: 4,
    }
}

pub(super) fn cast() -> CastOpIr {
    CastOpIr {
        input: image(),
        out: image(),
    }
}

pub(super) fn along() -> DimOpIr {
    DimOpIr {
        input: image(),
        out: image(),
        axis: 3,
    }
}

pub(super) fn matmul() -> MatmulOpIr {
    MatmulOpIr {
        lhs: tensor([2, 3, 4]),
        rhs: tensor([2, 4, 5]),
        out: tensor([2, 3, 5]),
    }
}

pub(super) fn sort() -> SortOpIr {
    SortOpIr {
        input: image(),
        dim: 3,
        descending: false,
        out: image(),
    }
}

pub(super) fn created() -> CreationOpIr {
    CreationOpIr { out: image() }
}

pub(super) fn view() -> ShapeOpIr {
    ShapeOpIr {
        input: image(),
        out: tensor([288]),
    }
}

pub(super) fn numeric() -> Vec<NumericOperationIr> {
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

pub(super) fn random() -> RandomOpIr {
    RandomOpIr {
        out: image(),
        distribution: burn_backend::Distribution::Default,
    }
}

pub(super) fn float() -> Vec<FloatOperationIr> {
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

pub(super) fn int() -> Vec<IntOperationIr> {
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

pub(super) fn boolean() -> Vec<BoolOperationIr> {
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

pub(super) fn activation() -> Vec<ActivationOperationIr> {
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
