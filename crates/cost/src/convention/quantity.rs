//! Which quantity of an operation counts.

use crate::record::{Operation, Record, TensorInfo};
use crate::tree::{Parameter, Role};
use crate::work::Work;

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Quantity {
    Macs,
    /// Multiplications, additions and divisions.
    Flops,
    /// Multiply-accumulates without those of a convolution that meet the zeros of the padding, or
    /// fall off the edges of a transposed one's output.
    ValidMacs,
    /// Arithmetic of any type, and comparisons.
    Operations,
    Comparisons,
    /// Elementary functions.
    Elementary,
    /// Output values that a bias is added to as a part of the operation.
    BiasedOutputs,
    /// Elements of the first input.
    Inputs,
    /// Elements of the first output.
    Outputs,
    /// Elements of the first output that are of one sample: the first of the batch.
    OneSample,
    /// Elements of the parameters that it reads, for each sample of its output. Buffers are left
    /// out, and so are parameters of a module that holds others: only leaves count.
    Parameters,
    /// Products of a transposed convolution if every output met all weights: some tools take it
    /// for a plain one.
    OutputMacs,
    /// thop's estimate of an adaptive pooling: ⌊(Π input side / output side + 1)·outputs⌋.
    AdaptiveEstimate,
    /// ptflops' estimate of a deformable convolution: 24 operations beside the products for each
    /// cell of the window at each place, 25 with a mask, and the biases.
    DeformableEstimate,
    /// calflops' estimate of a transposed convolution: 2·inputs·Π kernel·⌊weights' second side /
    /// groups⌋, and biases of as many outputs as a plain convolution had.
    TransposedEstimate,
}

impl Quantity {
    /// Whether it is a part of the work, so that gradients have it too.
    pub(super) fn is_arithmetic(self) -> bool {
        matches!(
            self,
            Self::Macs | Self::Flops | Self::ValidMacs | Self::Operations
        )
    }

    pub(super) fn of(self, record: &Record, operation: &Operation, work: &Work) -> u128 {
        let tensor = |tensors: &[usize], index: usize| {
            let tensor = tensors.get(index);
            tensor.map(|&tensor| &record.tensors[tensor])
        };
        let elements = |tensor: Option<&TensorInfo>| tensor.map_or(0, TensorInfo::elements);
        let input = tensor(&operation.inputs, 0);
        let output = tensor(&operation.outputs, 0);
        match self {
            Self::Macs => work.macs,
            Self::Flops => work.flops(),
            Self::ValidMacs => valid_macs(operation, input, output, work.macs),
            Self::Operations => work.flops() + work.comparisons + work.integer,
            Self::Comparisons => work.comparisons,
            Self::Elementary => work.elementary,
            Self::BiasedOutputs => operation.bias_outputs,
            Self::Inputs => elements(input),
            Self::Outputs => elements(output),
            Self::OneSample => elements(output) / output.map_or(1, |tensor| side(tensor, 0)),
            Self::Parameters => parameters(record, operation),
            Self::OutputMacs => {
                let weights = elements(tensor(&operation.inputs, 1));
                elements(output) * weights / output.map_or(1, |tensor| side(tensor, 1))
            }
            Self::AdaptiveEstimate => {
                let (Some(input), Some(output)) = (input, output) else {
                    return 0;
                };
                let sides = input.shape.iter().zip(&output.shape).skip(2);
                let ratio: f64 = sides.map(|(&i, &o)| i as f64 / o.max(1) as f64).product();
                ((ratio + 1.0) * output.elements() as f64) as u128
            }
            Self::DeformableEstimate => {
                let (Some(weight), Some(output)) = (tensor(&operation.inputs, 2), output) else {
                    return 0;
                };
                // Inputs: x, offset, weight, mask, bias.
                let biased = usize::from(operation.bias_outputs > 0);
                let each = if operation.inputs.len() - biased > 3 {
                    25
                } else {
                    24
                };
                let cells = output.elements() / side(output, 1) * product(&weight.shape[2..]);
                work.macs + each * cells + operation.bias_outputs
            }
            Self::TransposedEstimate => {
                let weight = tensor(&operation.inputs, 1);
                let (Some(input), Some(weight), Some(output)) = (input, weight, output) else {
                    return 0;
                };
                let groups = side(output, 1) / side(weight, 1);
                let filters = side(weight, 1) / groups.max(1);
                let products = input.elements() * product(&weight.shape[2..]) * filters;
                let plain = operation.windows.iter().zip(&input.shape[2..]);
                let plain = plain.map(|(window, &length)| window.positions(length) as u128);
                let biased = match operation.bias_outputs {
                    0 => 0,
                    _ => side(input, 0) * side(weight, 1) * plain.product::<u128>(),
                };
                2 * products + biased
            }
        }
    }
}

/// The length of a dimension, at least 1.
fn side(tensor: &TensorInfo, axis: usize) -> u128 {
    let side = tensor.shape.get(axis).copied().unwrap_or(1);
    side.max(1) as u128
}

fn product(sides: &[usize]) -> u128 {
    sides.iter().map(|&side| side as u128).product()
}

/// `macs` are those of all places of the window; the share of the ones inside is the product of
/// each side's.
fn valid_macs(
    operation: &Operation,
    input: Option<&TensorInfo>,
    output: Option<&TensorInfo>,
    macs: u128,
) -> u128 {
    use crate::kind::Kind::TransposedConvolution;

    let (Some(input), Some(output)) = (input, output) else {
        return macs;
    };
    let sides = input.shape.iter().zip(&output.shape).skip(2);
    let (mut all, mut inside) = (1, 1);
    for (window, (&input, &output)) in operation.windows.iter().zip(sides) {
        let (positions, length) = match operation.kind {
            TransposedConvolution => (input, output),
            _ => (output, input),
        };
        all *= positions as u128 * window.kernel as u128;
        inside *= window.cells(positions, length);
    }
    macs / all.max(1) * inside
}

fn parameters(record: &Record, operation: &Operation) -> u128 {
    let parameters = operation.inputs.iter();
    let parameters = parameters.filter_map(|&input| record.parameter(input));
    parameters
        .filter(|parameter| parameter.role != Role::Buffer && is_leaf(record, parameter.node))
        .map(Parameter::elements)
        .sum::<u128>()
        * samples(record, operation)
}

/// The first side of a layer's output: torchinfo's batch. Of layers whose operations may have
/// other shapes (rows put together, parameters reshaped) the first side of the network's input.
fn samples(record: &Record, operation: &Operation) -> u128 {
    use crate::kind::Kind::{BatchNorm, Embedding, LayerNorm};

    match (operation.kind, operation.outputs.first()) {
        (BatchNorm | Embedding | LayerNorm, Some(&output)) => side(&record.tensors[output], 0),
        _ => record.batch(),
    }
}

/// Whether a module holds no modules.
fn is_leaf(record: &Record, node: usize) -> bool {
    let nodes = &record.tree.nodes;
    let mut held = nodes[node].children.iter().map(|&child| &nodes[child]);
    held.all(|child| child.hidden || child.module.is_empty())
}
