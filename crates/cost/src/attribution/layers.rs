//! What the modules of burn-nn make of their inputs, as far as it tells them apart.

/// The operations of one call, in order.
pub(super) type Sequence = &'static [&'static str];

/// The operations of one call of a module without parameters of type `module`: several sequences
/// where a setting or the shape changes them, none where the type is not known.
pub(super) fn sequences(module: &str) -> &'static [Sequence] {
    match module {
        "Relu" => &[&["relu"]],
        // In training; in inference they do nothing.
        "Dropout" => &[&["random", "mul", "mul_scalar"]],
        "GaussianNoise" => &[&["random", "add"]],
        "Sigmoid" => &[&["sigmoid"]],
        "LogSigmoid" => &[&["log_sigmoid"]],
        "HardSigmoid" => &[&["hard_sigmoid"]],
        "LeakyRelu" | "RRelu" => &[&["leaky_relu"]],
        "Tanh" => &[&["tanh"]],
        "Hardtanh" | "Relu6" => &[&["clamp"]],
        "SiLU" => &[&["sigmoid", "mul"]],
        "HardSwish" => &[&["hard_sigmoid", "mul"]],
        "Tanhshrink" => &[&["tanh", "sub"]],
        "Softsign" => &[&["abs", "add_scalar", "div"]],
        "HardShrink" => &[&["abs", "lower_equal_elem", "mask_fill"]],
        "SoftShrink" | "Shrink" => &[SHRINK],
        "Threshold" | "ThresholdedRelu" => &[&["lower_equal_elem", "mask_fill"]],
        "Elu" => &[ELU],
        "Celu" => &[CELU],
        "Selu" => &[SELU],
        "Softplus" => &[SOFTPLUS],
        "Mish" => &[MISH],
        "Gelu" => &[&["gelu"], GELU_APPROXIMATE],
        "GLU" => &[&["slice", "slice", "sigmoid", "mul"]],
        "MaxPool1d" => &[&["max_pool1d"], &["pad", "max_pool1d"]],
        "MaxPool2d" => &[&["max_pool2d"], &["pad", "max_pool2d"]],
        "AvgPool1d" => &[&["avg_pool1d"], &["pad", "avg_pool1d"], AVG_POOL1D_COUNTED],
        "AvgPool2d" => &[&["avg_pool2d"], &["pad", "avg_pool2d"], AVG_POOL2D_COUNTED],
        "AdaptiveAvgPool1d" => &[&["adaptive_avg_pool1d"]],
        "AdaptiveAvgPool2d" => &[&["adaptive_avg_pool2d"]],
        "AdaptiveAvgPool3d" => &[&["adaptive_avg_pool3d"]],
        "Interpolate1d" => &[&["reshape", "interpolate", "reshape"], &["interpolate"]],
        "Interpolate2d" => &[&["interpolate"]],
        "PixelShuffle" | "PixelUnshuffle" => &[&["reshape", "permute", "reshape"]],
        "Unfold4d" => &[&["unfold4d"]],
        "GroupNorm" | "InstanceNorm" => &[GROUP_NORM],
        "LocalResponseNorm" => &[LOCAL_RESPONSE_NORM],
        _ => &[],
    }
}

const SHRINK: Sequence = &[
    "abs",
    "sign",
    "mul_scalar",
    "sub",
    "lower_equal_elem",
    "mask_fill",
];

const ELU: Sequence = &[
    "lower_equal_elem",
    "exp",
    "sub_scalar",
    "mul_scalar",
    "mask_where",
];

const CELU: Sequence = &[
    "lower_equal_elem",
    "div_scalar",
    "exp",
    "sub_scalar",
    "mul_scalar",
    "mask_where",
];

const SELU: Sequence = &[
    "greater_equal_elem",
    "mul_scalar",
    "exp",
    "sub_scalar",
    "mul_scalar",
    "mask_where",
];

const SOFTPLUS: Sequence = &[
    "mul_scalar",
    "greater_elem",
    "mask_fill",
    "exp",
    "log1p",
    "div_scalar",
    "mask_where",
];

const MISH: Sequence = &[
    "mul_scalar",
    "greater_elem",
    "mask_fill",
    "exp",
    "log1p",
    "div_scalar",
    "mask_where",
    "tanh",
    "mul",
];

const GELU_APPROXIMATE: Sequence = &[
    "powi_scalar",
    "mul_scalar",
    "add",
    "mul_scalar",
    "tanh",
    "add_scalar",
    "mul",
    "mul_scalar",
];

/// Where the padding is not counted: the mean over the cells divided by the mean over ones.
const AVG_POOL1D_COUNTED: Sequence = &[
    "ones",
    "pad",
    "pad",
    "avg_pool1d",
    "avg_pool1d",
    "equal_elem",
    "mask_fill",
    "div",
];

const AVG_POOL2D_COUNTED: Sequence = &[
    "ones",
    "pad",
    "pad",
    "avg_pool2d",
    "avg_pool2d",
    "equal_elem",
    "mask_fill",
    "div",
];

/// Without scale and shift.
const GROUP_NORM: Sequence = &[
    "reshape",
    "mean_dim",
    "sub",
    "mul",
    "mean_dim",
    "add_scalar",
    "sqrt",
    "div",
    "reshape",
];

const LOCAL_RESPONSE_NORM: Sequence = &[
    "mul",
    "reshape",
    "swap_dims",
    "reshape",
    "avg_pool1d",
    "reshape",
    "swap_dims",
    "reshape",
    "mul_scalar",
    "add_scalar",
    "powf_scalar",
    "div",
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
pub(super) fn bounds(module: &str) -> Option<(&'static str, &'static str)> {
    match module {
        "Rnn" | "Gru" | "Lstm" => Some(("empty", "slice_assign")),
        "BiRnn" | "BiGru" | "BiLstm" => Some(("empty", "cat")),
        _ => None,
    }
}
