//! What the modules of burn-nn that have no parameters make of their inputs.

/// How many of the operations `names` one call of a module of type `module` makes: the length
/// of its longest sequence that they begin with, 0 if there is none.
pub(crate) fn call_length(module: &str, names: &[&str]) -> usize {
    sequences(module)
        .iter()
        .filter(|sequence| names.starts_with(sequence))
        .map(|sequence| sequence.len())
        .max()
        .unwrap_or(0)
}

/// The length of the longest sequence of all.
pub(crate) const LONGEST: usize = 8;

/// Whether a normalisation of type `module` makes operations of this name before it reads its
/// scale and shift.
pub(crate) fn opens(module: &str, operation: &str) -> bool {
    let known: &[&str] = match module {
        "RmsNorm" => &["mul", "mean_dim", "add_scalar", "sqrt", "div", "cast"],
        "GroupNorm" | "InstanceNorm" => &[
            "reshape",
            "mean_dim",
            "sub",
            "mul",
            "add_scalar",
            "sqrt",
            "div",
            "cast",
        ],
        _ => return false,
    };
    known.contains(&operation)
}

/// Whether a module of type `module` is done with one operation on its parameters, so that what
/// happens between two of its calls is outside of it.
pub(crate) fn is_one_operation(module: &str) -> bool {
    module.starts_with("Conv")
        || matches!(
            module,
            "Linear" | "DeformConv2d" | "BatchNorm" | "LayerNorm" | "Embedding" | "PRelu"
        )
}

type Sequences = &'static [&'static [&'static str]];

/// The operations of one call, in order; several ways where a setting changes them.
fn sequences(module: &str) -> Sequences {
    match module {
        "Relu" => &[&["relu"]],
        "Sigmoid" => &[&["sigmoid"]],
        "LogSigmoid" => &[&["log_sigmoid"]],
        "HardSigmoid" => &[&["hard_sigmoid"]],
        "LeakyRelu" | "RRelu" => &[&["leaky_relu"]],
        "Tanh" => &[&["tanh"]],
        "HardTanh" | "Relu6" => &[&["clamp"]],
        "Silu" => &[&["sigmoid", "mul"]],
        "HardSwish" => &[&["hard_sigmoid", "mul"]],
        "Tanhshrink" => &[&["tanh", "sub"]],
        "GLU" => &[&["slice", "slice", "sigmoid", "mul"]],
        "Gelu" => &[
            &["gelu"],
            &[
                "powf_scalar",
                "mul_scalar",
                "add",
                "mul_scalar",
                "tanh",
                "add_scalar",
                "mul",
                "mul_scalar",
            ],
        ],
        "Softplus" => &[&[
            "mul_scalar",
            "greater_elem",
            "mask_fill",
            "exp",
            "log1p",
            "div_scalar",
            "mask_where",
        ]],
        "Mish" => &[&[
            "mul_scalar",
            "greater_elem",
            "mask_fill",
            "exp",
            "log1p",
            "div_scalar",
            "mask_where",
            "tanh",
        ]],
        "MaxPool1d" => &[&["max_pool1d"], &["pad", "max_pool1d"]],
        "MaxPool2d" => &[&["max_pool2d"], &["pad", "max_pool2d"]],
        "AvgPool1d" => &[&["avg_pool1d"], &["pad", "avg_pool1d"]],
        "AvgPool2d" => &[&["avg_pool2d"], &["pad", "avg_pool2d"]],
        "AdaptiveAvgPool1d" => &[&["adaptive_avg_pool1d"]],
        "AdaptiveAvgPool2d" => &[&["adaptive_avg_pool2d"]],
        "AdaptiveAvgPool3d" => &[&["adaptive_avg_pool3d"]],
        "Interpolate1d" => &[&["reshape", "interpolate", "reshape"], &["interpolate"]],
        "Interpolate2d" => &[&["interpolate"]],
        "PixelShuffle" | "PixelUnshuffle" => &[&["reshape", "permute", "reshape"]],
        "Unfold4d" => &[&["unfold4d"]],
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_calls_match() {
        assert_eq!(call_length("Relu", &["relu", "add"]), 1);
        assert_eq!(call_length("Silu", &["sigmoid", "mul"]), 2);
        assert_eq!(call_length("Silu", &["sigmoid", "add"]), 0);
        assert_eq!(call_length("Gelu", &["add"]), 0);
        assert_eq!(call_length("Dropout", &["relu"]), 0);
    }
}
