//! One of each layer that is no convolution.

use burn_ir::*;

use super::operations::tensor;

const RESIZE: InterpolateOptionsIr = InterpolateOptionsIr {
    mode: InterpolateModeIr::Bilinear,
    align_corners: false,
};

pub(super) fn linear_and_norms() -> Vec<ModuleOperationIr> {
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

pub(super) fn pools() -> Vec<ModuleOperationIr> {
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

pub(super) fn others() -> Vec<ModuleOperationIr> {
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
