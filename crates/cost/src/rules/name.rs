//! The names of operations.

use std::fmt::{self, Display};

/// Lists each operation once: as a variant, and as it is shown.
macro_rules! names {
    ($($variant:ident = $text:literal,)*) => {
        /// An operation of Burn.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub(crate) enum Name {
            $($variant,)*
        }

        impl Name {
            /// The name that is shown, such as `conv2d`.
            pub(crate) fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)*
                }
            }
        }
    };
}

names! {
    Abs = "abs",
    Acos = "acos",
    Acosh = "acosh",
    AdaptiveAvgPool1d = "adaptive_avg_pool1d",
    AdaptiveAvgPool1dBackward = "adaptive_avg_pool1d_backward",
    AdaptiveAvgPool2d = "adaptive_avg_pool2d",
    AdaptiveAvgPool2dBackward = "adaptive_avg_pool2d_backward",
    AdaptiveAvgPool3d = "adaptive_avg_pool3d",
    AdaptiveAvgPool3dBackward = "adaptive_avg_pool3d_backward",
    Add = "add",
    AddScalar = "add_scalar",
    All = "all",
    AllDim = "all_dim",
    AllReduce = "all_reduce",
    And = "and",
    Any = "any",
    AnyDim = "any_dim",
    ArgMax = "arg_max",
    ArgMin = "arg_min",
    ArgSort = "arg_sort",
    ArgTopK = "arg_top_k",
    Asin = "asin",
    Asinh = "asinh",
    Atan = "atan",
    Atan2 = "atan2",
    Atanh = "atanh",
    Attention = "attention",
    AvgPool1d = "avg_pool1d",
    AvgPool1dBackward = "avg_pool1d_backward",
    AvgPool2d = "avg_pool2d",
    AvgPool2dBackward = "avg_pool2d_backward",
    BatchNorm = "batch_norm",
    BitwiseAnd = "bitwise_and",
    BitwiseAndScalar = "bitwise_and_scalar",
    BitwiseLeftShift = "bitwise_left_shift",
    BitwiseLeftShiftScalar = "bitwise_left_shift_scalar",
    BitwiseNot = "bitwise_not",
    BitwiseOr = "bitwise_or",
    BitwiseOrScalar = "bitwise_or_scalar",
    BitwiseRightShift = "bitwise_right_shift",
    BitwiseRightShiftScalar = "bitwise_right_shift_scalar",
    BitwiseXor = "bitwise_xor",
    BitwiseXorScalar = "bitwise_xor_scalar",
    Cast = "cast",
    Cat = "cat",
    Ceil = "ceil",
    Clamp = "clamp",
    ClampMax = "clamp_max",
    ClampMin = "clamp_min",
    Constant = "constant",
    Conv1d = "conv1d",
    Conv1dBiasBackward = "conv1d_bias_backward",
    Conv1dWeightBackward = "conv1d_weight_backward",
    Conv1dXBackward = "conv1d_x_backward",
    Conv2d = "conv2d",
    Conv2dBiasBackward = "conv2d_bias_backward",
    Conv2dWeightBackward = "conv2d_weight_backward",
    Conv2dXBackward = "conv2d_x_backward",
    Conv3d = "conv3d",
    Conv3dBiasBackward = "conv3d_bias_backward",
    Conv3dWeightBackward = "conv3d_weight_backward",
    Conv3dXBackward = "conv3d_x_backward",
    ConvTranspose1d = "conv_transpose1d",
    ConvTranspose1dBiasBackward = "conv_transpose1d_bias_backward",
    ConvTranspose1dWeightBackward = "conv_transpose1d_weight_backward",
    ConvTranspose2d = "conv_transpose2d",
    ConvTranspose2dBiasBackward = "conv_transpose2d_bias_backward",
    ConvTranspose2dWeightBackward = "conv_transpose2d_weight_backward",
    ConvTranspose3d = "conv_transpose3d",
    ConvTranspose3dBiasBackward = "conv_transpose3d_bias_backward",
    ConvTranspose3dWeightBackward = "conv_transpose3d_weight_backward",
    Cos = "cos",
    Cosh = "cosh",
    Cross = "cross",
    CtcLoss = "ctc_loss",
    CtcLossBackward = "ctc_loss_backward",
    CumMax = "cum_max",
    CumMin = "cum_min",
    CumProd = "cum_prod",
    CumSum = "cum_sum",
    DeformConv2d = "deform_conv2d",
    DeformConv2dBackward = "deform_conv2d_backward",
    Dequantize = "dequantize",
    Div = "div",
    DivScalar = "div_scalar",
    Drop = "drop",
    Embedding = "embedding",
    EmbeddingBackward = "embedding_backward",
    Empty = "empty",
    Equal = "equal",
    EqualElem = "equal_elem",
    Erf = "erf",
    Exp = "exp",
    Expand = "expand",
    Flip = "flip",
    Floor = "floor",
    Full = "full",
    Gather = "gather",
    GatherNd = "gather_nd",
    Gelu = "gelu",
    GeluBackward = "gelu_backward",
    Greater = "greater",
    GreaterElem = "greater_elem",
    GreaterEqual = "greater_equal",
    GreaterEqualElem = "greater_equal_elem",
    GridSample2d = "grid_sample_2d",
    HardSigmoid = "hard_sigmoid",
    Hypot = "hypot",
    Interpolate = "interpolate",
    InterpolateBackward = "interpolate_backward",
    IntoFloat = "into_float",
    IntoInt = "into_int",
    IsInf = "is_inf",
    IsNan = "is_nan",
    LayerNorm = "layer_norm",
    LeakyRelu = "leaky_relu",
    Linear = "linear",
    LinearBiasBackward = "linear_bias_backward",
    LinearWeightBackward = "linear_weight_backward",
    LinearXBackward = "linear_x_backward",
    Log = "log",
    Log1p = "log1p",
    LogSigmoid = "log_sigmoid",
    LogSigmoidBackward = "log_sigmoid_backward",
    LogSoftmax = "log_softmax",
    Lower = "lower",
    LowerElem = "lower_elem",
    LowerEqual = "lower_equal",
    LowerEqualElem = "lower_equal_elem",
    MaskFill = "mask_fill",
    MaskWhere = "mask_where",
    Matmul = "matmul",
    Max = "max",
    MaxAbs = "max_abs",
    MaxAbsDim = "max_abs_dim",
    MaxDim = "max_dim",
    MaxDimWithIndices = "max_dim_with_indices",
    MaxPool1d = "max_pool1d",
    MaxPool1dBackward = "max_pool1d_backward",
    MaxPool1dWithIndices = "max_pool1d_with_indices",
    MaxPool2d = "max_pool2d",
    MaxPool2dBackward = "max_pool2d_backward",
    MaxPool2dWithIndices = "max_pool2d_with_indices",
    Mean = "mean",
    MeanDim = "mean_dim",
    Min = "min",
    MinDim = "min_dim",
    MinDimWithIndices = "min_dim_with_indices",
    Mul = "mul",
    MulScalar = "mul_scalar",
    Neg = "neg",
    Not = "not",
    NotEqual = "not_equal",
    NotEqualElem = "not_equal_elem",
    Ones = "ones",
    Or = "or",
    Pad = "pad",
    Permute = "permute",
    Powf = "powf",
    PowfScalar = "powf_scalar",
    Powi = "powi",
    PowiScalar = "powi_scalar",
    Prelu = "prelu",
    Prod = "prod",
    ProdDim = "prod_dim",
    Quantize = "quantize",
    Random = "random",
    Recip = "recip",
    Relu = "relu",
    ReluBackward = "relu_backward",
    Rem = "rem",
    RemScalar = "rem_scalar",
    RepeatDim = "repeat_dim",
    Reshape = "reshape",
    Round = "round",
    Scatter = "scatter",
    ScatterNd = "scatter_nd",
    Select = "select",
    SelectAssign = "select_assign",
    Sigmoid = "sigmoid",
    SigmoidBackward = "sigmoid_backward",
    Sign = "sign",
    Sin = "sin",
    Sinh = "sinh",
    Slice = "slice",
    SliceAssign = "slice_assign",
    Softmax = "softmax",
    Softmin = "softmin",
    Sort = "sort",
    SortWithIndices = "sort_with_indices",
    Sqrt = "sqrt",
    Sub = "sub",
    SubScalar = "sub_scalar",
    Sum = "sum",
    SumDim = "sum_dim",
    SumDims = "sum_dims",
    SwapDims = "swap_dims",
    SyncCollective = "sync_collective",
    Tan = "tan",
    Tanh = "tanh",
    TopK = "top_k",
    TopKWithIndices = "top_k_with_indices",
    Trunc = "trunc",
    Unfold = "unfold",
    Unfold4d = "unfold4d",
    Xor = "xor",
    Zeros = "zeros",
}

/// What a recorded operation is called: one of Burn's, or a user's own by its identifier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Called {
    /// An operation of Burn.
    Burn(Name),
    /// A custom operation.
    Custom(String),
}

impl Called {
    /// The name that is shown.
    pub(crate) fn as_str(&self) -> &str {
        match self {
            Self::Burn(name) => name.as_str(),
            Self::Custom(id) => id,
        }
    }

    /// Which of Burn's operations it is, if it is one.
    pub(crate) fn burn(&self) -> Option<Name> {
        match self {
            Self::Burn(name) => Some(*name),
            Self::Custom(_) => None,
        }
    }

    /// Whether it is this operation of Burn.
    pub(crate) fn is(&self, name: Name) -> bool {
        *self == Self::Burn(name)
    }
}

impl Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Display for Called {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
