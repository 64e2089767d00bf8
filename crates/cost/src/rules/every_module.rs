//! One of each operation that layers are made of, for the test of the table.

use burn_ir::*;
use burn_std::{DType, Shape};

fn tensor(shape: impl Into<Shape>) -> TensorIr {
    TensorIr::uninit(TensorId::new(0), shape.into(), DType::F32)
}

const CONV1: Conv1dOptionsIr = Conv1dOptionsIr {
    stride: [1],
    padding: [(1, 1)],
    dilation: [1],
    groups: 1,
};
const CONV2: Conv2dOptionsIr = Conv2dOptionsIr {
    stride: [1; 2],
    padding: [(1, 1); 2],
    dilation: [1; 2],
    groups: 1,
};
const CONV3: Conv3dOptionsIr = Conv3dOptionsIr {
    stride: [1; 3],
    padding: [1; 3],
    dilation: [1; 3],
    groups: 1,
};
const TRANSPOSE1: ConvTranspose1dOptionsIr = ConvTranspose1dOptionsIr {
    stride: [1],
    padding: [1],
    padding_out: [0],
    dilation: [1],
    groups: 1,
};
const TRANSPOSE2: ConvTranspose2dOptionsIr = ConvTranspose2dOptionsIr {
    stride: [1; 2],
    padding: [1; 2],
    padding_out: [0; 2],
    dilation: [1; 2],
    groups: 1,
};
const TRANSPOSE3: ConvTranspose3dOptionsIr = ConvTranspose3dOptionsIr {
    stride: [1; 3],
    padding: [1; 3],
    padding_out: [0; 3],
    dilation: [1; 3],
    groups: 1,
};
const DEFORM: DeformableConv2dOptionsIr = DeformableConv2dOptionsIr {
    stride: [1; 2],
    padding: [1; 2],
    dilation: [1; 2],
    weight_groups: 1,
    offset_groups: 1,
};
const RESIZE: InterpolateOptionsIr = InterpolateOptionsIr {
    mode: InterpolateModeIr::Bilinear,
    align_corners: false,
};

/// Forward pass and gradients of one kind of convolution.
macro_rules! convolution {
    ($list:ident, $options:ident, $side:expr, $kernel:expr,
     $forward:ident($forward_ir:ident), $weight:ident($weight_ir:ident),
     $bias:ident($bias_ir:ident) $(, $input:ident($input_ir:ident))?) => {{
        let map = || tensor($side);
        let weight = || tensor($kernel);
        $list.push(ModuleOperationIr::$forward($forward_ir {
            x: map(),
            weight: weight(),
            bias: Some(tensor([4])),
            options: $options,
            out: map(),
        }));
        $(
            $list.push(ModuleOperationIr::$input($input_ir {
                x: map(),
                weight: weight(),
                output_grad: map(),
                options: $options,
                out: map(),
            }));
        )?
        $list.push(ModuleOperationIr::$weight($weight_ir {
            x: map(),
            weight: weight(),
            output_grad: map(),
            options: $options,
            out: weight(),
        }));
        $list.push(ModuleOperationIr::$bias($bias_ir {
            x: map(),
            bias: tensor([4]),
            output_grad: map(),
            out: tensor([4]),
        }));
    }};
}

/// One of each.
pub(super) fn module() -> Vec<ModuleOperationIr> {
    let mut list = Vec::new();
    convolution!(
        list,
        CONV1,
        [2, 4, 6],
        [4, 4, 3],
        Conv1d(Conv1dOpIr),
        Conv1dWeightBackward(Conv1dWeightBackwardOpIr),
        Conv1dBiasBackward(Conv1dBiasBackwardOpIr),
        Conv1dXBackward(Conv1dXBackwardOpIr)
    );
    convolution!(
        list,
        CONV2,
        [2, 4, 6, 6],
        [4, 4, 3, 3],
        Conv2d(Conv2dOpIr),
        Conv2dWeightBackward(Conv2dWeightBackwardOpIr),
        Conv2dBiasBackward(Conv2dBiasBackwardOpIr),
        Conv2dXBackward(Conv2dXBackwardOpIr)
    );
    convolution!(
        list,
        CONV3,
        [2, 4, 6, 6, 6],
        [4, 4, 3, 3, 3],
        Conv3d(Conv3dOpIr),
        Conv3dWeightBackward(Conv3dWeightBackwardOpIr),
        Conv3dBiasBackward(Conv3dBiasBackwardOpIr),
        Conv3dXBackward(Conv3dXBackwardOpIr)
    );
    convolution!(
        list,
        TRANSPOSE1,
        [2, 4, 6],
        [4, 4, 3],
        ConvTranspose1d(ConvTranspose1dOpIr),
        ConvTranspose1dWeightBackward(ConvTranspose1dWeightBackwardOpIr),
        ConvTranspose1dBiasBackward(ConvTranspose1dBiasBackwardOpIr)
    );
    convolution!(
        list,
        TRANSPOSE2,
        [2, 4, 6, 6],
        [4, 4, 3, 3],
        ConvTranspose2d(ConvTranspose2dOpIr),
        ConvTranspose2dWeightBackward(ConvTranspose2dWeightBackwardOpIr),
        ConvTranspose2dBiasBackward(ConvTranspose2dBiasBackwardOpIr)
    );
    convolution!(
        list,
        TRANSPOSE3,
        [2, 4, 6, 6, 6],
        [4, 4, 3, 3, 3],
        ConvTranspose3d(ConvTranspose3dOpIr),
        ConvTranspose3dWeightBackward(ConvTranspose3dWeightBackwardOpIr),
        ConvTranspose3dBiasBackward(ConvTranspose3dBiasBackwardOpIr)
    );
    list.extend(deformable());
    list.extend(linear_and_norms());
    list.extend(pools());
    list.extend(others());
    list
}

fn deformable() -> [ModuleOperationIr; 2] {
    let (map, offset) = (|| tensor([2, 4, 6, 6]), || tensor([2, 18, 6, 6]));
    let (weight, mask) = (|| tensor([4, 4, 3, 3]), || tensor([2, 9, 6, 6]));
    [
        ModuleOperationIr::DeformableConv2d(Box::new(DeformConv2dOpIr {
            x: map(),
            offset: offset(),
            weight: weight(),
            mask: Some(mask()),
            bias: Some(tensor([4])),
            options: DEFORM,
            out: map(),
        })),
        ModuleOperationIr::DeformableConv2dBackward(Box::new(DeformConv2dBackwardOpIr {
            x: map(),
            offset: offset(),
            weight: weight(),
            mask: Some(mask()),
            bias: Some(tensor([4])),
            out_grad: map(),
            options: DEFORM,
            input_grad: map(),
            offset_grad: offset(),
            weight_grad: weight(),
            mask_grad: Some(mask()),
            bias_grad: Some(tensor([4])),
        })),
    ]
}

fn linear_and_norms() -> Vec<ModuleOperationIr> {
    use ModuleOperationIr as Op;
    let (rows, wide, weight) = (|| tensor([5, 4]), || tensor([5, 8]), || tensor([4, 8]));
    let map = || tensor([2, 4, 6, 6]);
    let channels = || tensor([4]);
    vec![
        Op::Linear(LinearOpIr {
            x: rows(),
            weight: weight(),
            bias: Some(tensor([8])),
            out: wide(),
        }),
        Op::LinearXBackward(LinearXBackwardOpIr {
            weight: weight(),
            output_grad: wide(),
            out: rows(),
        }),
        Op::LinearWeightBackward(LinearWeightBackwardOpIr {
            x: rows(),
            output_grad: wide(),
            out: weight(),
        }),
        Op::LinearBiasBackward(LinearBiasBackwardOpIr {
            output_grad: wide(),
            out: tensor([8]),
        }),
        Op::BatchNorm(BatchNormOpIr {
            x: map(),
            gamma: channels(),
            beta: channels(),
            mean: channels(),
            variance: channels(),
            epsilon: ScalarIr::Float(1e-5),
            out: map(),
        }),
        Op::LayerNorm(LayerNormOpIr {
            input: rows(),
            gamma: channels(),
            beta: Some(channels()),
            epsilon: ScalarIr::Float(1e-5),
            out: rows(),
        }),
        Op::Embedding(EmbeddingOpIr {
            weights: tensor([20, 8]),
            indices: tensor([2, 5]),
            out: tensor([2, 5, 8]),
        }),
        Op::EmbeddingBackward(EmbeddingBackwardOpIr {
            weights: tensor([20, 8]),
            out_grad: tensor([2, 5, 8]),
            indices: tensor([2, 5]),
            out: tensor([20, 8]),
        }),
        Op::Attention(AttentionOpIr {
            query: tensor([2, 4, 5, 8]),
            key: tensor([2, 4, 7, 8]),
            value: tensor([2, 4, 7, 8]),
            mask: Some(tensor([2, 4, 5, 7])),
            attn_bias: None,
            options: AttentionOptionsIr {
                scale: None,
                softcap: Some(ScalarIr::Float(30.0)),
                is_causal: false,
            },
            out: tensor([2, 4, 5, 8]),
        }),
    ]
}

fn pools() -> Vec<ModuleOperationIr> {
    use ModuleOperationIr as Op;
    let (line, half) = (|| tensor([2, 4, 6]), || tensor([2, 4, 3]));
    let (map, quarter) = (|| tensor([2, 4, 6, 6]), || tensor([2, 4, 3, 3]));
    let (volume, eighth) = (|| tensor([2, 4, 6, 6, 6]), || tensor([2, 4, 3, 3, 3]));
    vec![
        Op::AvgPool1d(AvgPool1dOpIr {
            x: line(),
            kernel_size: 2,
            stride: 2,
            padding: 0,
            count_include_pad: true,
            ceil_mode: false,
            out: half(),
        }),
        Op::AvgPool2d(AvgPool2dOpIr {
            x: map(),
            kernel_size: [2; 2],
            stride: [2; 2],
            padding: [0; 2],
            count_include_pad: true,
            ceil_mode: false,
            out: quarter(),
        }),
        Op::AvgPool1dBackward(AvgPool1dBackwardOpIr {
            x: line(),
            grad: half(),
            kernel_size: 2,
            stride: 2,
            padding: 0,
            count_include_pad: true,
            ceil_mode: false,
            out: line(),
        }),
        Op::AvgPool2dBackward(AvgPool2dBackwardOpIr {
            x: map(),
            grad: quarter(),
            kernel_size: [2; 2],
            stride: [2; 2],
            padding: [0; 2],
            count_include_pad: true,
            ceil_mode: false,
            out: map(),
        }),
        Op::AdaptiveAvgPool1d(AdaptiveAvgPool1dOpIr {
            x: line(),
            output_size: 3,
            out: half(),
        }),
        Op::AdaptiveAvgPool2d(AdaptiveAvgPool2dOpIr {
            x: map(),
            output_size: [3; 2],
            out: quarter(),
        }),
        Op::AdaptiveAvgPool3d(AdaptiveAvgPool3dOpIr {
            x: volume(),
            output_size: [3; 3],
            out: eighth(),
        }),
        Op::AdaptiveAvgPool1dBackward(AdaptiveAvgPool1dBackwardOpIr {
            x: line(),
            grad: half(),
            out: line(),
        }),
        Op::AdaptiveAvgPool2dBackward(AdaptiveAvgPool2dBackwardOpIr {
            x: map(),
            grad: quarter(),
            out: map(),
        }),
        Op::AdaptiveAvgPool3dBackward(AdaptiveAvgPool3dBackwardOpIr {
            x: volume(),
            grad: eighth(),
            out: volume(),
        }),
        Op::MaxPool1d(MaxPool1dOpIr {
            x: line(),
            kernel_size: 2,
            stride: 2,
            padding: 0,
            dilation: 1,
            ceil_mode: false,
            out: half(),
        }),
        Op::MaxPool1dWithIndices(MaxPool1dWithIndicesOpIr {
            x: line(),
            kernel_size: 2,
            stride: 2,
            padding: 0,
            dilation: 1,
            ceil_mode: false,
            out: half(),
            out_indices: half(),
        }),
        Op::MaxPool1dWithIndicesBackward(MaxPool1dWithIndicesBackwardOpIr {
            x: line(),
            grad: half(),
            indices: half(),
            kernel_size: 2,
            stride: 2,
            padding: 0,
            dilation: 1,
            ceil_mode: false,
            out: line(),
        }),
        Op::MaxPool2d(MaxPool2dOpIr {
            x: map(),
            kernel_size: [2; 2],
            stride: [2; 2],
            padding: [0; 2],
            dilation: [1; 2],
            ceil_mode: false,
            out: quarter(),
        }),
        Op::MaxPool2dWithIndices(MaxPool2dWithIndicesOpIr {
            x: map(),
            kernel_size: [2; 2],
            stride: [2; 2],
            padding: [0; 2],
            dilation: [1; 2],
            ceil_mode: false,
            out: quarter(),
            out_indices: quarter(),
        }),
        Op::MaxPool2dWithIndicesBackward(MaxPool2dWithIndicesBackwardOpIr {
            x: map(),
            grad: quarter(),
            indices: quarter(),
            kernel_size: [2; 2],
            stride: [2; 2],
            padding: [0; 2],
            dilation: [1; 2],
            ceil_mode: false,
            out: map(),
        }),
    ]
}

fn others() -> Vec<ModuleOperationIr> {
    use ModuleOperationIr as Op;
    let (map, large) = (|| tensor([2, 4, 6, 6]), || tensor([2, 4, 9, 9]));
    let (log_probs, targets, lengths) = (|| tensor([10, 2, 5]), || tensor([2, 3]), || tensor([2]));
    vec![
        Op::Interpolate(InterpolateOpIr {
            x: map(),
            output_size: [9; 2],
            options: RESIZE,
            out: large(),
        }),
        Op::InterpolateBackward(InterpolateBackwardOpIr {
            x: map(),
            grad: large(),
            output_size: [9; 2],
            options: RESIZE,
            out: map(),
        }),
        Op::CtcLoss(CtcLossOpIr {
            log_probs: log_probs(),
            targets: targets(),
            input_lengths: lengths(),
            target_lengths: lengths(),
            blank: 0,
            out: lengths(),
        }),
        Op::CtcLossBackward(CtcLossBackwardOpIr {
            log_probs: log_probs(),
            targets: targets(),
            input_lengths: lengths(),
            target_lengths: lengths(),
            grad_loss: lengths(),
            blank: 0,
            out: log_probs(),
        }),
        Op::Unfold4d(Unfold4dOpIr {
            x: map(),
            kernel_size: [3; 2],
            options: Unfold4dOptionsIr {
                stride: [1; 2],
                padding: [1; 2],
                dilation: [1; 2],
            },
            out: tensor([2, 36, 36]),
        }),
    ]
}
