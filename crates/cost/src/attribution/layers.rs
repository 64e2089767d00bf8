//! What the modules of burn-nn make of their inputs, as far as it tells them apart.

use crate::rules::Name;

/// The operations of one call, in order.
pub(super) type Sequence = &'static [Name];

/// The operations of one call of a module without parameters of type `module`: several sequences
/// where a setting or the shape changes them, none where the type is not known.
pub(super) fn sequences(module: &str) -> &'static [Sequence] {
    match module {
        "Relu" => &[&[Name::Relu]],
        // In training; in inference they do nothing.
        "Dropout" => &[&[Name::Random, Name::Mul, Name::MulScalar]],
        "GaussianNoise" => &[&[Name::Random, Name::Add]],
        "Sigmoid" => &[&[Name::Sigmoid]],
        "LogSigmoid" => &[&[Name::LogSigmoid]],
        "HardSigmoid" => &[&[Name::HardSigmoid]],
        "LeakyRelu" | "RRelu" => &[&[Name::LeakyRelu]],
        "Tanh" => &[&[Name::Tanh]],
        "Hardtanh" | "Relu6" => &[&[Name::Clamp]],
        "SiLU" => &[&[Name::Sigmoid, Name::Mul]],
        "HardSwish" => &[&[Name::HardSigmoid, Name::Mul]],
        "Tanhshrink" => &[&[Name::Tanh, Name::Sub]],
        "Softsign" => &[&[Name::Abs, Name::AddScalar, Name::Div]],
        "HardShrink" => &[&[Name::Abs, Name::LowerEqualElem, Name::MaskFill]],
        "SoftShrink" | "Shrink" => &[SHRINK],
        "Threshold" | "ThresholdedRelu" => &[&[Name::LowerEqualElem, Name::MaskFill]],
        "Elu" => &[ELU],
        "Celu" => &[CELU],
        "Selu" => &[SELU],
        "Softplus" => &[SOFTPLUS],
        "Mish" => &[MISH],
        "Gelu" => &[&[Name::Gelu], GELU_APPROXIMATE],
        "GLU" => &[&[Name::Slice, Name::Slice, Name::Sigmoid, Name::Mul]],
        "MaxPool1d" => &[&[Name::MaxPool1d], &[Name::Pad, Name::MaxPool1d]],
        "MaxPool2d" => &[&[Name::MaxPool2d], &[Name::Pad, Name::MaxPool2d]],
        "AvgPool1d" => &[
            &[Name::AvgPool1d],
            &[Name::Pad, Name::AvgPool1d],
            AVG_POOL1D_COUNTED,
        ],
        "AvgPool2d" => &[
            &[Name::AvgPool2d],
            &[Name::Pad, Name::AvgPool2d],
            AVG_POOL2D_COUNTED,
        ],
        "AdaptiveAvgPool1d" => &[&[Name::AdaptiveAvgPool1d]],
        "AdaptiveAvgPool2d" => &[&[Name::AdaptiveAvgPool2d]],
        "AdaptiveAvgPool3d" => &[&[Name::AdaptiveAvgPool3d]],
        "Interpolate1d" => &[
            &[Name::Reshape, Name::Interpolate, Name::Reshape],
            &[Name::Interpolate],
        ],
        "Interpolate2d" => &[&[Name::Interpolate]],
        "PixelShuffle" | "PixelUnshuffle" => &[&[Name::Reshape, Name::Permute, Name::Reshape]],
        "Unfold4d" => &[&[Name::Unfold4d]],
        "GroupNorm" | "InstanceNorm" => &[GROUP_NORM],
        "LocalResponseNorm" => &[LOCAL_RESPONSE_NORM],
        _ => &[],
    }
}

const SHRINK: Sequence = &[
    Name::Abs,
    Name::Sign,
    Name::MulScalar,
    Name::Sub,
    Name::LowerEqualElem,
    Name::MaskFill,
];

const ELU: Sequence = &[
    Name::LowerEqualElem,
    Name::Exp,
    Name::SubScalar,
    Name::MulScalar,
    Name::MaskWhere,
];

const CELU: Sequence = &[
    Name::LowerEqualElem,
    Name::DivScalar,
    Name::Exp,
    Name::SubScalar,
    Name::MulScalar,
    Name::MaskWhere,
];

const SELU: Sequence = &[
    Name::GreaterEqualElem,
    Name::MulScalar,
    Name::Exp,
    Name::SubScalar,
    Name::MulScalar,
    Name::MaskWhere,
];

const SOFTPLUS: Sequence = &[
    Name::MulScalar,
    Name::GreaterElem,
    Name::MaskFill,
    Name::Exp,
    Name::Log1p,
    Name::DivScalar,
    Name::MaskWhere,
];

const MISH: Sequence = &[
    Name::MulScalar,
    Name::GreaterElem,
    Name::MaskFill,
    Name::Exp,
    Name::Log1p,
    Name::DivScalar,
    Name::MaskWhere,
    Name::Tanh,
    Name::Mul,
];

const GELU_APPROXIMATE: Sequence = &[
    Name::PowiScalar,
    Name::MulScalar,
    Name::Add,
    Name::MulScalar,
    Name::Tanh,
    Name::AddScalar,
    Name::Mul,
    Name::MulScalar,
];

/// Where the padding is not counted: the mean over the cells divided by the mean over ones.
const AVG_POOL1D_COUNTED: Sequence = &[
    Name::Ones,
    Name::Pad,
    Name::Pad,
    Name::AvgPool1d,
    Name::AvgPool1d,
    Name::EqualElem,
    Name::MaskFill,
    Name::Div,
];

const AVG_POOL2D_COUNTED: Sequence = &[
    Name::Ones,
    Name::Pad,
    Name::Pad,
    Name::AvgPool2d,
    Name::AvgPool2d,
    Name::EqualElem,
    Name::MaskFill,
    Name::Div,
];

/// Without scale and shift.
const GROUP_NORM: Sequence = &[
    Name::Reshape,
    Name::MeanDim,
    Name::Sub,
    Name::Mul,
    Name::MeanDim,
    Name::AddScalar,
    Name::Sqrt,
    Name::Div,
    Name::Reshape,
];

const LOCAL_RESPONSE_NORM: Sequence = &[
    Name::Mul,
    Name::Reshape,
    Name::SwapDims,
    Name::Reshape,
    Name::AvgPool1d,
    Name::Reshape,
    Name::SwapDims,
    Name::Reshape,
    Name::MulScalar,
    Name::AddScalar,
    Name::PowfScalar,
    Name::Div,
];

/// Whether a layer of type `module` is one operation on its weights, or a few without anything
/// between them: no other module lies in it, and no operation of another one.
pub(super) fn is_one_call(module: &str) -> bool {
    matches!(
        module,
        "Linear"
            | "Conv1d"
            | "Conv2d"
            | "Conv3d"
            | "ConvTranspose1d"
            | "ConvTranspose2d"
            | "ConvTranspose3d"
            | "DeformConv2d"
            | "BatchNorm"
            | "LayerNorm"
            | "RmsNorm"
            | "GroupNorm"
            | "InstanceNorm"
            | "Embedding"
            | "PRelu"
    )
}

/// Whether the fields of a module of type `module` are settings and parameters alone.
pub(crate) fn is_whole(module: &str) -> bool {
    is_one_call(module)
        || !sequences(module).is_empty()
        || matches!(module, "Dropout" | "GaussianNoise" | "Identity" | "Fold4d")
}

/// Whether all that a module of burn-nn of this type does lies between its first layer and its
/// last one, so that nothing before and behind them belongs to it.
pub(super) fn is_between_layers(module: &str) -> bool {
    matches!(
        module,
        "MultiHeadAttention" | "CrossAttention" | "PositionWiseFeedForward"
    )
}

/// Whether one call of a module of burn-nn of this type calls its layers for every step of a
/// sequence.
pub(crate) fn is_recurrent(module: &str) -> bool {
    bounds(module).is_some()
}

/// The operations with which a recurrent module begins before its first layer, and ends behind its
/// last one: it makes room for its output, and writes the last step into it.
pub(super) fn bounds(module: &str) -> Option<(Name, Name)> {
    match module {
        "Rnn" | "Gru" | "Lstm" => Some((Name::Empty, Name::SliceAssign)),
        "BiRnn" | "BiGru" | "BiLstm" => Some((Name::Empty, Name::Cat)),
        _ => None,
    }
}
