//! Operations that layers are made of.

use burn_ir::{CtcLossOpIr, ModuleOperationIr, TensorIr};

use super::Row;
use super::attention::attention;
use super::convolution::{
    bias_gradient, deformable, deformable_backward, forward, gradient, products, transposed,
    transposed_gradient, windows,
};
use super::float::{sample, sample_gradient};
use super::gradient::Gradient::{Each, Passed, Whole};
use super::keep::Saves::{All, Inputs, Other};
use super::name::Name;
use super::normalisation::{batch_norm, layer_norm};
use super::pooling::{
    adaptive, adaptive_cells, average_pool, max_pool, max_pool_at, pool, spread, window,
};
use super::shape::{bytes, elements, last, side};
use super::unit::{ADDITION, COMPARISON, ELEMENTARY};
use crate::formulas::inner_products;
use crate::kind::Kind;
use crate::work::Work;

pub(super) fn row(operation: &ModuleOperationIr) -> Row {
    use ModuleOperationIr as Op;
    macro_rules! with_bias {
        ($rule:ident, $name:ident, $op:expr, $padding:expr) => {
            $rule(
                Name::$name,
                &$op.x,
                &$op.weight,
                $op.bias.as_ref(),
                &$op.out,
            )
            .with_windows(windows(
                &$op.weight,
                $op.options.stride,
                $padding,
                $op.options.dilation,
            ))
        };
    }
    macro_rules! of_gradient {
        ($rule:ident, $name:ident, $op:expr) => {
            $rule(Name::$name, &$op.weight, &$op.output_grad, &$op.out)
        };
    }
    macro_rules! of_weight {
        ($name:ident, $op:expr) => {
            transposed_gradient(Name::$name, &$op.x, &$op.weight, &$op.out)
        };
    }
    macro_rules! of_bias {
        ($name:ident, $op:expr) => {
            bias_gradient(Name::$name, &$op.output_grad, &$op.out)
        };
    }
    match operation {
        Op::Conv1d(op) => with_bias!(forward, Conv1d, op, begin(op.options.padding)),
        Op::Conv2d(op) => with_bias!(forward, Conv2d, op, begin(op.options.padding)),
        Op::Conv3d(op) => with_bias!(forward, Conv3d, op, op.options.padding),
        Op::ConvTranspose1d(op) => with_bias!(transposed, ConvTranspose1d, op, op.options.padding),
        Op::ConvTranspose2d(op) => with_bias!(transposed, ConvTranspose2d, op, op.options.padding),
        Op::ConvTranspose3d(op) => with_bias!(transposed, ConvTranspose3d, op, op.options.padding),
        Op::DeformableConv2d(op) => deformable(op),
        Op::DeformableConv2dBackward(op) => deformable_backward(op),
        Op::Conv1dXBackward(op) => of_gradient!(gradient, Conv1dXBackward, op),
        Op::Conv2dXBackward(op) => of_gradient!(gradient, Conv2dXBackward, op),
        Op::Conv3dXBackward(op) => of_gradient!(gradient, Conv3dXBackward, op),
        Op::Conv1dWeightBackward(op) => of_gradient!(gradient, Conv1dWeightBackward, op),
        Op::Conv2dWeightBackward(op) => of_gradient!(gradient, Conv2dWeightBackward, op),
        Op::Conv3dWeightBackward(op) => of_gradient!(gradient, Conv3dWeightBackward, op),
        Op::ConvTranspose1dWeightBackward(op) => of_weight!(ConvTranspose1dWeightBackward, op),
        Op::ConvTranspose2dWeightBackward(op) => of_weight!(ConvTranspose2dWeightBackward, op),
        Op::ConvTranspose3dWeightBackward(op) => of_weight!(ConvTranspose3dWeightBackward, op),
        Op::Conv1dBiasBackward(op) => of_bias!(Conv1dBiasBackward, op),
        Op::Conv2dBiasBackward(op) => of_bias!(Conv2dBiasBackward, op),
        Op::Conv3dBiasBackward(op) => of_bias!(Conv3dBiasBackward, op),
        Op::ConvTranspose1dBiasBackward(op) => of_bias!(ConvTranspose1dBiasBackward, op),
        Op::ConvTranspose2dBiasBackward(op) => of_bias!(ConvTranspose2dBiasBackward, op),
        Op::ConvTranspose3dBiasBackward(op) => of_bias!(ConvTranspose3dBiasBackward, op),

        Op::Linear(op) => {
            let outputs = elements(&op.out);
            let work = inner_products(outputs, last(&op.x), op.bias.is_some());
            let biased = if op.bias.is_some() { outputs } else { 0 };
            let back = products(work.macs, &op.x, &op.weight, op.bias.as_ref(), &op.out);
            Row::new(Name::Linear, Kind::Linear, work, back, Other).with_bias(biased)
        }
        Op::LinearXBackward(op) => {
            let work = inner_products(elements(&op.out), last(&op.output_grad), false);
            Row::backward(Name::LinearXBackward, Kind::Linear, work)
        }
        Op::LinearWeightBackward(op) => {
            let rows = elements(&op.output_grad) / last(&op.output_grad).max(1);
            let work = inner_products(elements(&op.out), rows, false);
            Row::backward(Name::LinearWeightBackward, Kind::Linear, work)
        }
        Op::LinearBiasBackward(op) => of_bias!(LinearBiasBackward, op),
        Op::Attention(op) => attention(op),
        Op::BatchNorm(op) => batch_norm(op),
        Op::LayerNorm(op) => layer_norm(op),

        Op::Embedding(op) => {
            let (kind, none) = (Kind::Embedding, Work::default());
            Row::new(Name::Embedding, kind, none, Each(ADDITION), All)
                .reading(bytes(&op.indices) + bytes(&op.out))
        }
        Op::EmbeddingBackward(op) => {
            let work = ADDITION * elements(&op.out_grad);
            Row::backward(Name::EmbeddingBackward, Kind::Embedding, work)
        }
        // Windows share values, whose gradients are added up.
        Op::Unfold4d(_) => Row::moves(Name::Unfold4d, Passed, Inputs(&[0])),

        Op::MaxPool1d(op) => max_pool(Name::MaxPool1d, &op.out, &[op.kernel_size]),
        Op::MaxPool2d(op) => max_pool(Name::MaxPool2d, &op.out, &op.kernel_size),
        Op::MaxPool1dWithIndices(op) => {
            max_pool_at(Name::MaxPool1dWithIndices, &op.out, &[op.kernel_size])
        }
        Op::MaxPool2dWithIndices(op) => {
            max_pool_at(Name::MaxPool2dWithIndices, &op.out, &op.kernel_size)
        }
        // Each value of the gradient goes to the cell that was the largest.
        Op::MaxPool1dWithIndicesBackward(op) => {
            spread(Name::MaxPool1dBackward, Kind::MaxPool, elements(&op.grad))
        }
        Op::MaxPool2dWithIndicesBackward(op) => {
            spread(Name::MaxPool2dBackward, Kind::MaxPool, elements(&op.grad))
        }
        Op::AvgPool1d(op) => {
            let windows = [pool(op.kernel_size, op.stride, op.padding)];
            let padding = op.count_include_pad;
            average_pool(Name::AvgPool1d, &op.x, &op.out, &windows, padding)
        }
        Op::AvgPool2d(op) => {
            let window = |side| pool(op.kernel_size[side], op.stride[side], op.padding[side]);
            let (windows, padding) = ([window(0), window(1)], op.count_include_pad);
            average_pool(Name::AvgPool2d, &op.x, &op.out, &windows, padding)
        }
        Op::AvgPool1dBackward(op) => {
            let cells = elements(&op.grad).saturating_mul(window(&[op.kernel_size]));
            spread(Name::AvgPool1dBackward, Kind::AveragePool, cells)
        }
        Op::AvgPool2dBackward(op) => {
            let cells = elements(&op.grad).saturating_mul(window(&op.kernel_size));
            spread(Name::AvgPool2dBackward, Kind::AveragePool, cells)
        }
        Op::AdaptiveAvgPool1d(op) => adaptive(Name::AdaptiveAvgPool1d, &op.x, &op.out, 1),
        Op::AdaptiveAvgPool2d(op) => adaptive(Name::AdaptiveAvgPool2d, &op.x, &op.out, 2),
        Op::AdaptiveAvgPool3d(op) => adaptive(Name::AdaptiveAvgPool3d, &op.x, &op.out, 3),
        Op::AdaptiveAvgPool1dBackward(op) => {
            let cells = adaptive_cells(&op.x, &op.grad, 1);
            let kind = Kind::AdaptiveAveragePool;
            spread(Name::AdaptiveAvgPool1dBackward, kind, cells)
        }
        Op::AdaptiveAvgPool2dBackward(op) => {
            let cells = adaptive_cells(&op.x, &op.grad, 2);
            let kind = Kind::AdaptiveAveragePool;
            spread(Name::AdaptiveAvgPool2dBackward, kind, cells)
        }
        Op::AdaptiveAvgPool3dBackward(op) => {
            let cells = adaptive_cells(&op.x, &op.grad, 3);
            let kind = Kind::AdaptiveAveragePool;
            spread(Name::AdaptiveAvgPool3dBackward, kind, cells)
        }

        Op::Interpolate(op) => {
            let work = sample(&op.options.mode) * elements(&op.out);
            let back = Whole(vec![sample_gradient(work, &op.out)]);
            let (name, kind) = (Name::Interpolate, Kind::Interpolation);
            Row::new(name, kind, work, back, Inputs(&[0]))
        }
        Op::InterpolateBackward(op) => {
            let forward = sample(&op.options.mode) * elements(&op.grad);
            let work = sample_gradient(forward, &op.grad);
            Row::backward(Name::InterpolateBackward, Kind::Interpolation, work)
        }
        Op::CtcLoss(op) => ctc_loss(op),
        Op::CtcLossBackward(op) => {
            let work = ctc_gradient(&op.log_probs, &op.targets);
            Row::backward(Name::CtcLossBackward, Kind::Loss, work)
        }
    }
}

/// The padding before the first cell.
fn begin<const D: usize>(padding: [(usize, usize); D]) -> [usize; D] {
    padding.map(|(begin, _)| begin)
}

/// The forward variables: for each step and each of the 2·L + 1 states.
fn ctc_loss(op: &CtcLossOpIr) -> Row {
    let work = lattice(states(&op.log_probs, &op.targets));
    let back = Whole(vec![ctc_gradient(&op.log_probs, &op.targets)]);
    Row::new(Name::CtcLoss, Kind::Loss, work, back, All)
}

/// The backward variables, then the gradient from both.
fn ctc_gradient(log_probs: &TensorIr, targets: &TensorIr) -> Work {
    let each = ADDITION * 2 + ELEMENTARY;
    lattice(states(log_probs, targets)) * 2 + each * elements(log_probs)
}

fn states(log_probs: &TensorIr, targets: &TensorIr) -> u128 {
    let steps = elements(log_probs) / last(log_probs).max(1);
    steps * (2 * side(targets, 1) + 1)
}

/// log Σ e^x of three predecessors, plus the label's own logarithm.
fn lattice(cells: u128) -> Work {
    (COMPARISON * 2 + ADDITION * 7 + ELEMENTARY * 4) * cells
}
