//! One of each convolution, and with them of all layers, for the test of the table.

use burn_ir::*;

use super::layers::{linear_and_norms, others, pools};
use super::operations::tensor;

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
