//! The backward pass, derived from the recorded forward pass by differentiation rules.
//!
//! Burn does not record backward passes, and needs not to: which gradients there are follows from
//! the graph, and what each takes from the operation. A gradient is computed for a tensor only
//! where something trainable lies behind it, so the first convolution of a network has no
//! gradient of its input, and frozen parameters have none at all.

use crate::kind::Kind;
use crate::record::{Operation, Origin, Record, TensorInfo};
use crate::tree::Role;
use crate::work::Work;

/// The computation of one gradient.
#[derive(Debug, Clone)]
pub(crate) struct Gradient {
    /// The forward operation that it reverses.
    pub(crate) operation: usize,
    /// The tensor whose gradient it is.
    pub(crate) tensor: usize,
    /// `None` where no rule covers it.
    pub(crate) work: Option<Work>,
}

/// The backward pass.
#[derive(Debug)]
pub(crate) struct Backward {
    /// In the order of execution.
    pub(crate) gradients: Vec<Gradient>,
    /// For each tensor, whether a gradient flows through it.
    pub(crate) flows: Vec<bool>,
}

/// Derives the backward pass from gradients of the outputs. `inputs` says whether the gradients
/// of the forward pass's inputs are wanted too.
pub(crate) fn backward(record: &Record, inputs: bool) -> Backward {
    let needed = needed(record, inputs);
    let mut flows = vec![false; record.tensors.len()];
    // Operations that put the gradients of several uses of one tensor together.
    let mut contributions = vec![0u128; record.tensors.len()];
    for &output in &record.outputs {
        flows[output] = needed[output];
    }
    let mut gradients = Vec::new();
    for (index, operation) in record.operations.iter().enumerate().rev() {
        if !operation.outputs.iter().any(|&output| flows[output]) {
            continue;
        }
        for (position, &input) in operation.inputs.iter().enumerate() {
            if !needed[input] {
                continue;
            }
            flows[input] = true;
            contributions[input] += 1;
            let mut work = rule(record, operation, position);
            if contributions[input] > 1
                && let Some(work) = &mut work
            {
                work.additions += record.tensors[input].elements();
            }
            gradients.push(Gradient {
                operation: index,
                tensor: input,
                work,
            });
        }
    }
    Backward { gradients, flows }
}

/// For each tensor, whether something trainable lies behind it.
fn needed(record: &Record, inputs: bool) -> Vec<bool> {
    let mut needed: Vec<_> = record
        .tensors
        .iter()
        .map(|tensor| match tensor.origin {
            Origin::Parameter(index) => record.tree.parameters[index].role == Role::Trainable,
            Origin::Input => inputs && tensor.dtype.is_float(),
            Origin::Constant | Origin::Operation(_) => false,
        })
        .collect();
    for operation in &record.operations {
        let any = operation.inputs.iter().any(|&input| needed[input]);
        for &output in &operation.outputs {
            needed[output] = any && record.tensors[output].dtype.is_float();
        }
    }
    needed
}

/// Sizes that a rule depends on.
struct Sizes {
    /// Elements of the first output and of the input that is differentiated.
    out: u128,
    input: u128,
    /// Multiply-accumulates of the forward operation.
    macs: u128,
}

/// The work of the gradient of input `position`.
fn rule(record: &Record, operation: &Operation, position: usize) -> Option<Work> {
    let tensor = |index: &usize| -> &TensorInfo { &record.tensors[*index] };
    let input = tensor(operation.inputs.get(position)?);
    let output = tensor(operation.outputs.first()?);
    let sizes = Sizes {
        out: output.elements(),
        input: input.elements(),
        macs: operation.work.unwrap_or_default().macs,
    };
    let channels = || {
        operation
            .inputs
            .get(1)
            .map_or(0, |index| tensor(index).elements())
    };
    let mut work = match operation.kind {
        Kind::Convolution | Kind::TransposedConvolution | Kind::Linear | Kind::Matmul => {
            products(operation, position, &sizes)
        }
        Kind::DeformableConvolution => deformable(operation, position, &sizes),
        Kind::Attention => attention(operation, position, &sizes),
        Kind::BatchNorm | Kind::LayerNorm => normalisation(position, &sizes, channels()),
        Kind::Activation => activation(&operation.name, &sizes)?,
        Kind::Softmax => softmax(&operation.name, output, &sizes),
        Kind::MaxPool => add(sizes.out),
        Kind::AveragePool | Kind::AdaptiveAveragePool => {
            let cells = operation.work.unwrap_or_default().additions + sizes.out;
            add(cells) + divide(sizes.out)
        }
        Kind::Interpolation => {
            let forward = operation.work.unwrap_or_default();
            multiply(forward.multiplications) + add(forward.multiplications.max(sizes.out))
        }
        Kind::Embedding => add(sizes.out),
        Kind::LinearBias | Kind::Elementwise => elementwise(&operation.name, position, &sizes),
        Kind::Reduction => reduction(&operation.name, &sizes),
        Kind::Sort => add(sizes.out),
        Kind::View | Kind::Movement => movement(&operation.name, &sizes),
        Kind::Quantization => multiply(sizes.input),
        Kind::Loss => operation.work.unwrap_or_default(),
        Kind::Creation | Kind::Collective | Kind::Optimizer => Work::default(),
        Kind::Custom => return None,
    };
    if operation.kind != Kind::View {
        // The output's gradient and what was saved are read, the input's gradient is written.
        work.read = output.bytes() + input.bytes();
        work.written = input.bytes();
    }
    Some(work)
}

fn multiply(count: u128) -> Work {
    Work {
        multiplications: count,
        ..Work::default()
    }
}

fn add(count: u128) -> Work {
    Work {
        additions: count,
        ..Work::default()
    }
}

fn divide(count: u128) -> Work {
    Work {
        divisions: count,
        ..Work::default()
    }
}

fn compare(count: u128) -> Work {
    Work {
        comparisons: count,
        ..Work::default()
    }
}

fn evaluate(count: u128) -> Work {
    Work {
        elementary: count,
        ..Work::default()
    }
}

/// `macs` products, put together into `results` sums.
fn sums(macs: u128, results: u128) -> Work {
    Work {
        macs,
        ..multiply(macs) + add(macs.saturating_sub(results))
    }
}

/// The gradients of both factors have one product for each product of the forward pass: each
/// pair of a weight and an input value that met there meets its output's gradient here. That
/// holds for any grouping, stride and dilation. A bias collects the gradient of its outputs.
fn products(operation: &Operation, position: usize, sizes: &Sizes) -> Work {
    match position {
        0 | 1 => sums(sizes.macs, sizes.input),
        _ => match operation.bias_outputs {
            0 => Work::default(),
            outputs => add(outputs.saturating_sub(sizes.input)),
        },
    }
}

/// Inputs `x, offset, weight, mask, bias`: the samples' gradient is a transposed product, then
/// goes to four neighbours (x), into two coordinates (offset), or to the mask.
fn deformable(operation: &Operation, position: usize, sizes: &Sizes) -> Work {
    let last = operation.inputs.len() - 1;
    let biased = operation.bias_outputs > 0;
    match position {
        0 => {
            let forward = operation.work.unwrap_or_default();
            let sampling = forward.multiplications.saturating_sub(sizes.macs);
            sums(sizes.macs, sizes.input) + multiply(sampling) + add(sampling)
        }
        1 => multiply(8 * sizes.input) + add(6 * sizes.input),
        2 => sums(sizes.macs, sizes.input),
        _ if biased && position == last => add(sizes.out.saturating_sub(sizes.input)),
        _ => multiply(sizes.input) + add(sizes.input),
    }
}

/// With P = softmax(S): dV = Pᵀ·dO and dP = dO·Vᵀ, dS from dP, then dQ = dS·K and dK = dSᵀ·Q.
/// What both of Q and K need is counted with Q.
fn attention(operation: &Operation, position: usize, sizes: &Sizes) -> Work {
    // The forward pass is half Q·Kᵀ and half P·V, where keys and values have one width.
    let half = sizes.macs / 2;
    match position {
        0 => {
            let forward = operation.work.unwrap_or_default();
            let scores = forward.elementary;
            sums(2 * half, sizes.input) + multiply(3 * scores) + add(2 * scores)
        }
        1 | 2 => sums(half, sizes.input),
        _ => Work::default(),
    }
}

/// Inputs `x, γ, β`; x̂ is the normalised x. dβ = Σ g, dγ = Σ g·x̂,
/// dx = s·(g − dβ / n − x̂·dγ / n).
fn normalisation(position: usize, sizes: &Sizes, channels: u128) -> Work {
    match position {
        0 => multiply(2 * sizes.out) + add(2 * sizes.out) + divide(2 * channels),
        1 => {
            // x̂ is computed anew.
            multiply(2 * sizes.out) + add(2 * sizes.out - sizes.input.min(sizes.out))
        }
        2 => add(sizes.out.saturating_sub(sizes.input)),
        _ => Work::default(),
    }
}

fn activation(name: &str, sizes: &Sizes) -> Option<Work> {
    let n = sizes.out;
    Some(match name {
        "relu" => compare(n),
        "leaky_relu" | "prelu" => compare(n) + multiply(n) + broadcast(sizes),
        "gelu" => multiply(7 * n) + add(2 * n) + evaluate(2 * n),
        "sigmoid" => multiply(2 * n) + add(n),
        "hard_sigmoid" => compare(2 * n) + multiply(n),
        "log_sigmoid" => add(3 * n) + evaluate(n) + divide(n) + multiply(n),
        _ => return None,
    })
}

/// y·(g − Σ g·y); for the logarithm g − e^y·Σ g.
fn softmax(name: &str, output: &TensorInfo, sizes: &Sizes) -> Work {
    let n = sizes.out;
    let rows = n / output.shape.last().map_or(1, |&side| side as u128).max(1);
    let sum = add(n - rows);
    match name {
        "log_softmax" => sum + evaluate(n) + multiply(n) + add(n),
        _ => multiply(2 * n) + sum + add(n),
    }
}

/// The sum over the dimensions along which the operand was repeated.
fn broadcast(sizes: &Sizes) -> Work {
    add(sizes.out.saturating_sub(sizes.input))
}

fn elementwise(name: &str, position: usize, sizes: &Sizes) -> Work {
    let n = sizes.out;
    let own = match name {
        "add" | "add_scalar" | "sub_scalar" => Work::default(),
        "sub" if position == 0 => Work::default(),
        "sub" | "neg" => add(n),
        "mul" | "mul_scalar" => multiply(n),
        "div" if position == 0 => divide(n),
        "div" => multiply(n) + divide(n) + add(n),
        "div_scalar" => divide(n),
        "exp" => multiply(n),
        "log" | "log1p" => divide(n),
        "sqrt" => multiply(n) + divide(n),
        "recip" => multiply(2 * n) + add(n),
        "tanh" => multiply(2 * n) + add(n),
        "powi_scalar" | "powf_scalar" | "powi" | "powf" => multiply(2 * n) + evaluate(n),
        "abs" => multiply(n) + compare(n),
        "clamp" => compare(2 * n),
        "clamp_min" | "clamp_max" | "mask_where" | "mask_fill" => compare(n),
        // Steps have no gradient.
        "sign" | "round" | "floor" | "ceil" | "trunc" => Work::default(),
        // The derivative is an elementary function of the input, times the gradient.
        _ => evaluate(n) + multiply(2 * n),
    };
    own + broadcast(sizes)
}

fn reduction(name: &str, sizes: &Sizes) -> Work {
    match name {
        // Spread over the inputs without arithmetic.
        "sum" | "sum_dim" | "sum_dims" => Work::default(),
        "mean" | "mean_dim" => divide(sizes.out),
        "prod" | "prod_dim" => multiply(sizes.input) + divide(sizes.input),
        "cum_sum" => add(sizes.input),
        "cum_prod" => multiply(2 * sizes.input) + add(sizes.input) + divide(sizes.input),
        // Each value goes to the element that was chosen.
        _ => compare(sizes.input),
    }
}

fn movement(name: &str, sizes: &Sizes) -> Work {
    match name {
        "gather" | "gather_nd" | "select" => add(sizes.out),
        // Values that were repeated or that windows share are added up.
        "expand" | "repeat_dim" | "unfold" | "unfold4d" => broadcast(sizes),
        _ => Work::default(),
    }
}

/// The forward pass in training differs from inference where statistics come from the batch:
/// mean and variance of each channel, and their running averages.
pub(crate) fn training_forward(record: &Record, operation: &Operation) -> Option<Work> {
    let work = operation.work?;
    if operation.kind != Kind::BatchNorm {
        return Some(work);
    }
    let values = record.tensors[*operation.outputs.first()?].elements();
    let channels = record.tensors[*operation.inputs.get(1)?].elements();
    let mean = add(values.saturating_sub(channels)) + divide(channels);
    let variance = add(values) + multiply(values) + mean;
    let running = multiply(4 * channels) + add(2 * channels);
    Some(work + mean + variance + running)
}
