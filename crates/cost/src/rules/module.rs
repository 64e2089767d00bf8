//! Operations that layers are made of.

use burn_ir::{
    AttentionOpIr, BatchNormOpIr, CtcLossOpIr, LayerNormOpIr, ModuleOperationIr, TensorIr,
};

use super::Rule;
use super::convolution::{
    bias_gradient, deformable, forward, gradient, transposed, transposed_gradient, windows,
};
use super::float::sample;
use super::numeric::{ADDITION, COMPARISON, DIVISION, ELEMENTARY, MULTIPLICATION};
use super::shape::{bytes, elements, last, side};
use crate::formulas::inner_products;
use crate::kind::Kind;
use crate::window::Window;
use crate::work::Work;

pub(super) fn rule(operation: &ModuleOperationIr) -> Rule {
    use ModuleOperationIr as Op;
    match operation {
        Op::Conv1d(op) => {
            let padding = op.options.padding.map(|(begin, _)| begin);
            forward("conv1d", &op.weight, op.bias.as_ref(), &op.out).with_windows(windows(
                &op.weight,
                op.options.stride,
                padding,
                op.options.dilation,
            ))
        }
        Op::Conv2d(op) => {
            let padding = op.options.padding.map(|(begin, _)| begin);
            forward("conv2d", &op.weight, op.bias.as_ref(), &op.out).with_windows(windows(
                &op.weight,
                op.options.stride,
                padding,
                op.options.dilation,
            ))
        }
        Op::Conv3d(op) => {
            forward("conv3d", &op.weight, op.bias.as_ref(), &op.out).with_windows(windows(
                &op.weight,
                op.options.stride,
                op.options.padding,
                op.options.dilation,
            ))
        }
        Op::ConvTranspose1d(op) => transposed(
            "conv_transpose1d",
            &op.x,
            &op.weight,
            op.bias.as_ref(),
            &op.out,
        )
        .with_windows(windows(
            &op.weight,
            op.options.stride,
            op.options.padding,
            op.options.dilation,
        )),
        Op::ConvTranspose2d(op) => transposed(
            "conv_transpose2d",
            &op.x,
            &op.weight,
            op.bias.as_ref(),
            &op.out,
        )
        .with_windows(windows(
            &op.weight,
            op.options.stride,
            op.options.padding,
            op.options.dilation,
        )),
        Op::ConvTranspose3d(op) => transposed(
            "conv_transpose3d",
            &op.x,
            &op.weight,
            op.bias.as_ref(),
            &op.out,
        )
        .with_windows(windows(
            &op.weight,
            op.options.stride,
            op.options.padding,
            op.options.dilation,
        )),
        Op::DeformableConv2d(op) => deformable(op),
        Op::DeformableConv2dBackward(op) => {
            // The gradients of the samples and of the weights are a convolution's; the samples
            // hand theirs on to four neighbours and two coordinates.
            let rule = gradient(
                "deform_conv2d_backward",
                &op.weight,
                &op.out_grad,
                &op.weight_grad,
            );
            let samples = elements(&op.offset) / 2 / (op.options.offset_groups.max(1) as u128)
                * side(&op.x, 1);
            let sampling = (MULTIPLICATION * 12 + ADDITION * 12) * samples;
            Rule {
                kind: Kind::DeformableConvolution,
                work: rule.work.map(|work| work * 2 + sampling),
                ..rule
            }
        }
        Op::Conv1dXBackward(op) => {
            gradient("conv1d_x_backward", &op.weight, &op.output_grad, &op.out)
        }
        Op::Conv2dXBackward(op) => {
            gradient("conv2d_x_backward", &op.weight, &op.output_grad, &op.out)
        }
        Op::Conv3dXBackward(op) => {
            gradient("conv3d_x_backward", &op.weight, &op.output_grad, &op.out)
        }
        Op::Conv1dWeightBackward(op) => gradient(
            "conv1d_weight_backward",
            &op.weight,
            &op.output_grad,
            &op.out,
        ),
        Op::Conv2dWeightBackward(op) => gradient(
            "conv2d_weight_backward",
            &op.weight,
            &op.output_grad,
            &op.out,
        ),
        Op::Conv3dWeightBackward(op) => gradient(
            "conv3d_weight_backward",
            &op.weight,
            &op.output_grad,
            &op.out,
        ),
        Op::ConvTranspose1dWeightBackward(op) => transposed_gradient(
            "conv_transpose1d_weight_backward",
            &op.x,
            &op.weight,
            &op.out,
        ),
        Op::ConvTranspose2dWeightBackward(op) => transposed_gradient(
            "conv_transpose2d_weight_backward",
            &op.x,
            &op.weight,
            &op.out,
        ),
        Op::ConvTranspose3dWeightBackward(op) => transposed_gradient(
            "conv_transpose3d_weight_backward",
            &op.x,
            &op.weight,
            &op.out,
        ),
        Op::Conv1dBiasBackward(op) => {
            bias_gradient("conv1d_bias_backward", &op.output_grad, &op.out)
        }
        Op::Conv2dBiasBackward(op) => {
            bias_gradient("conv2d_bias_backward", &op.output_grad, &op.out)
        }
        Op::Conv3dBiasBackward(op) => {
            bias_gradient("conv3d_bias_backward", &op.output_grad, &op.out)
        }
        Op::ConvTranspose1dBiasBackward(op) => {
            bias_gradient("conv_transpose1d_bias_backward", &op.output_grad, &op.out)
        }
        Op::ConvTranspose2dBiasBackward(op) => {
            bias_gradient("conv_transpose2d_bias_backward", &op.output_grad, &op.out)
        }
        Op::ConvTranspose3dBiasBackward(op) => {
            bias_gradient("conv_transpose3d_bias_backward", &op.output_grad, &op.out)
        }

        Op::Linear(op) => {
            let outputs = elements(&op.out);
            let work = inner_products(outputs, last(&op.x), op.bias.is_some());
            let biased = if op.bias.is_some() { outputs } else { 0 };
            Rule::new("linear", Kind::Linear, work).with_bias(biased)
        }
        Op::LinearXBackward(op) => {
            let work = inner_products(elements(&op.out), last(&op.output_grad), false);
            Rule::new("linear_x_backward", Kind::Linear, work)
        }
        Op::LinearWeightBackward(op) => {
            let rows = elements(&op.output_grad) / last(&op.output_grad).max(1);
            let work = inner_products(elements(&op.out), rows, false);
            Rule::new("linear_weight_backward", Kind::Linear, work)
        }
        Op::LinearBiasBackward(op) => {
            bias_gradient("linear_bias_backward", &op.output_grad, &op.out)
        }
        Op::Attention(op) => attention(op),
        Op::BatchNorm(op) => batch_norm(op),
        Op::LayerNorm(op) => layer_norm(op),

        Op::Embedding(op) => {
            Rule::free("embedding", Kind::Embedding).reading(bytes(&op.indices) + bytes(&op.out))
        }
        Op::EmbeddingBackward(op) => Rule::new(
            "embedding_backward",
            Kind::Embedding,
            ADDITION * elements(&op.out_grad),
        ),
        Op::Unfold4d(_) => Rule::free("unfold4d", Kind::Movement),

        Op::MaxPool1d(op) => max_pool("max_pool1d", &op.out, &[op.kernel_size]),
        Op::MaxPool1dWithIndices(op) => {
            max_pool("max_pool1d_with_indices", &op.out, &[op.kernel_size])
        }
        Op::MaxPool2d(op) => max_pool("max_pool2d", &op.out, &op.kernel_size),
        Op::MaxPool2dWithIndices(op) => {
            max_pool("max_pool2d_with_indices", &op.out, &op.kernel_size)
        }
        // Each value of the gradient goes to the cell that was the largest.
        Op::MaxPool1dWithIndicesBackward(op) => {
            spread("max_pool1d_backward", Kind::MaxPool, elements(&op.grad))
        }
        Op::MaxPool2dWithIndicesBackward(op) => {
            spread("max_pool2d_backward", Kind::MaxPool, elements(&op.grad))
        }
        Op::AvgPool1d(op) => {
            let window = pool(op.kernel_size, op.stride, op.padding);
            let read = averaged(&op.x, &op.out, &[window], op.count_include_pad);
            average("avg_pool1d", Kind::AveragePool, &op.out, read)
        }
        Op::AvgPool2d(op) => {
            let window = |side| pool(op.kernel_size[side], op.stride[side], op.padding[side]);
            let windows = [window(0), window(1)];
            let read = averaged(&op.x, &op.out, &windows, op.count_include_pad);
            average("avg_pool2d", Kind::AveragePool, &op.out, read)
        }
        Op::AvgPool1dBackward(op) => {
            let cells = elements(&op.grad).saturating_mul(product(&[op.kernel_size]));
            spread("avg_pool1d_backward", Kind::AveragePool, cells)
        }
        Op::AvgPool2dBackward(op) => {
            let cells = elements(&op.grad).saturating_mul(product(&op.kernel_size));
            spread("avg_pool2d_backward", Kind::AveragePool, cells)
        }
        Op::AdaptiveAvgPool1d(op) => adaptive("adaptive_avg_pool1d", &op.x, &op.out, 1),
        Op::AdaptiveAvgPool2d(op) => adaptive("adaptive_avg_pool2d", &op.x, &op.out, 2),
        Op::AdaptiveAvgPool3d(op) => adaptive("adaptive_avg_pool3d", &op.x, &op.out, 3),
        Op::AdaptiveAvgPool1dBackward(op) => {
            let cells = adaptive_cells(&op.x, &op.grad, 1);
            spread(
                "adaptive_avg_pool1d_backward",
                Kind::AdaptiveAveragePool,
                cells,
            )
        }
        Op::AdaptiveAvgPool2dBackward(op) => {
            let cells = adaptive_cells(&op.x, &op.grad, 2);
            spread(
                "adaptive_avg_pool2d_backward",
                Kind::AdaptiveAveragePool,
                cells,
            )
        }
        Op::AdaptiveAvgPool3dBackward(op) => {
            let cells = adaptive_cells(&op.x, &op.grad, 3);
            spread(
                "adaptive_avg_pool3d_backward",
                Kind::AdaptiveAveragePool,
                cells,
            )
        }

        Op::Interpolate(op) => Rule::new(
            "interpolate",
            Kind::Interpolation,
            sample(&op.options.mode) * elements(&op.out),
        ),
        // The same weights hand each value of the gradient back to its neighbours.
        Op::InterpolateBackward(op) => {
            let each = sample(&op.options.mode);
            let work =
                MULTIPLICATION * each.multiplications + ADDITION * each.multiplications.max(1);
            Rule::new(
                "interpolate_backward",
                Kind::Interpolation,
                work * elements(&op.grad),
            )
        }
        Op::CtcLoss(op) => Rule::new("ctc_loss", Kind::Loss, ctc(op)),
        // The backward variables, then the gradient from both.
        Op::CtcLossBackward(op) => {
            let cells = elements(&op.log_probs);
            let states = 2 * side(&op.targets, 1) + 1;
            let steps = cells / last(&op.log_probs).max(1) * states;
            let work = lattice(steps) * 2 + (ADDITION * 2 + ELEMENTARY) * cells;
            Rule::new("ctc_loss_backward", Kind::Loss, work)
        }
    }
}

fn product(sides: &[usize]) -> u128 {
    let sides = sides.iter().map(|&side| side as u128);
    sides.fold(1, u128::saturating_mul)
}

/// The largest of n cells takes n − 1 comparisons.
fn max_pool(name: &'static str, out: &TensorIr, kernel: &[usize]) -> Rule {
    let comparisons = elements(out).saturating_mul(product(kernel).saturating_sub(1));
    Rule::new(name, Kind::MaxPool, COMPARISON * comparisons)
}

fn pool(kernel: usize, stride: usize, padding: usize) -> Window {
    Window {
        kernel,
        stride,
        padding,
        dilation: 1,
    }
}

/// The cells that all windows of a pooling average: those inside the image, or inside its padding.
fn averaged(input: &TensorIr, out: &TensorIr, windows: &[Window], padding: bool) -> u128 {
    let planes: u128 = out.shape.iter().take(2).map(|&side| side as u128).product();
    let sides = input.shape.iter().zip(out.shape.iter()).skip(2);
    let cells = windows
        .iter()
        .zip(sides)
        .map(|(window, (&length, &positions))| match padding {
            true => Window {
                padding: 0,
                ..*window
            }
            .cells(positions, length + 2 * window.padding),
            false => window.cells(positions, length),
        });
    cells.fold(planes, u128::saturating_mul)
}

/// Means over windows that cover `read` cells in all.
fn average(name: &'static str, kind: Kind, out: &TensorIr, read: u128) -> Rule {
    let outputs = elements(out);
    let work = ADDITION * read.saturating_sub(outputs) + DIVISION * outputs;
    Rule::new(name, kind, work)
}

/// One addition for each cell that a gradient is spread over.
fn spread(name: &'static str, kind: Kind, cells: u128) -> Rule {
    Rule::new(name, kind, ADDITION * cells)
}

fn adaptive(name: &'static str, input: &TensorIr, out: &TensorIr, dimensions: usize) -> Rule {
    let read = adaptive_cells(input, out, dimensions);
    average(name, Kind::AdaptiveAveragePool, out, read)
}

/// The cells that all windows of an adaptive pooling cover: along each dimension, window i goes
/// from ⌊i·n / m⌋ to ⌈(i + 1)·n / m⌉. Neighbours share a cell wherever m does not divide i·n, which
/// is at all but gcd(n, m) − 1 of the m − 1 borders, so there are n + m − gcd(n, m) cells.
fn adaptive_cells(input: &TensorIr, out: &TensorIr, dimensions: usize) -> u128 {
    let rank = input.shape.iter().count();
    let planes: u128 = out
        .shape
        .iter()
        .take(rank.saturating_sub(dimensions))
        .map(|&side| side as u128)
        .product();
    (rank.saturating_sub(dimensions)..rank)
        .map(|axis| {
            let (n, m) = (side(input, axis), side(out, axis));
            n + m - greatest_common_divisor(n, m)
        })
        .fold(planes, u128::saturating_mul)
}

fn greatest_common_divisor(a: u128, b: u128) -> u128 {
    match b {
        0 => a,
        b => greatest_common_divisor(b, a % b),
    }
}

/// y = x·s + t with s = γ / √(σ² + ε) and t = β − μ·s, as implementations compute it: s and t
/// once for each channel, then one multiplication and one addition for each value.
fn batch_norm(op: &BatchNormOpIr) -> Rule {
    let channels = elements(&op.gamma);
    let work = (MULTIPLICATION + ADDITION) * elements(&op.out)
        + (ADDITION * 2 + MULTIPLICATION + DIVISION + ELEMENTARY) * channels;
    Rule::new("batch_norm", Kind::BatchNorm, work)
}

/// (x − μ) / √(σ² + ε)·γ + β with the mean and the variance of each row of n values.
fn layer_norm(op: &LayerNormOpIr) -> Rule {
    let (values, n) = (elements(&op.out), elements(&op.gamma).max(1));
    let rows = values / n;
    let mean = ADDITION * (values - rows) + DIVISION * rows;
    let variance = ADDITION * values + MULTIPLICATION * values + mean;
    let scale = (ADDITION + ELEMENTARY + DIVISION) * rows;
    let mut work = mean + variance + scale + MULTIPLICATION * (2 * values);
    if op.beta.is_some() {
        work += ADDITION * values;
    }
    Rule::new("layer_norm", Kind::LayerNorm, work)
}

/// softmax(s·Q·Kᵀ + mask)·V. A causal mask saves nothing here: every score is counted.
fn attention(op: &AttentionOpIr) -> Rule {
    let keys = op.key.shape.iter().rev().nth(1).copied().unwrap_or(1) as u128;
    let rows = elements(&op.query) / last(&op.query).max(1);
    let scores = rows * keys;
    let mut work = inner_products(scores, last(&op.query), false)
        + inner_products(elements(&op.out), keys, false)
        + MULTIPLICATION * scores
        // The softmax of each row of scores.
        + (ADDITION + ELEMENTARY + DIVISION) * scores
        + (COMPARISON + ADDITION) * (scores - rows);
    if op.options.softcap.is_some() {
        work += (DIVISION + ELEMENTARY + MULTIPLICATION) * scores;
    }
    if op.mask.is_some() || op.options.is_causal {
        work += COMPARISON * scores;
    }
    if op.attn_bias.is_some() {
        work += ADDITION * scores;
    }
    Rule::new("attention", Kind::Attention, work)
}

/// The forward variables: for each step and each of the 2·L + 1 states.
fn ctc(op: &CtcLossOpIr) -> Work {
    let steps = elements(&op.log_probs) / last(&op.log_probs).max(1);
    lattice(steps * (2 * side(&op.targets, 1) + 1))
}

/// log Σ e^x of three predecessors, plus the label's own logarithm.
fn lattice(cells: u128) -> Work {
    (COMPARISON * 2 + ADDITION * 7 + ELEMENTARY * 4) * cells
}
