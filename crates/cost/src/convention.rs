//! Conventions: what each kind of operation weighs.
//!
//! A convention is a list of lines; a line says which operations it is about, which quantity of
//! theirs counts, and how often. All conventions read the same record, so they differ in nothing
//! but these lines.

use std::str::FromStr;

use thiserror::Error;

use crate::kind::Kind;
use crate::record::{Operation, Record, TensorInfo};
use crate::tree::Role;
use crate::work::Work;

/// A way to count.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Convention {
    /// Its name, such as `macs`.
    pub name: &'static str,
    /// What one unit of it is: `MAC` or `FLOP`.
    pub unit: &'static str,
    /// One line that defines it.
    pub definition: &'static str,
    lines: &'static [Line],
    /// Lines whose sum is divided by the batch size.
    per_sample: &'static [Line],
}

/// Which operations, which quantity, how often.
type Line = (Which, Quantity, u128);

#[derive(Debug, Clone, Copy, PartialEq)]
enum Which {
    Any,
    Of(Kind),
    Named(&'static str),
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Quantity {
    Macs,
    /// Multiplications, additions and divisions.
    Flops,
    /// Output values that a convolution's own bias is added to.
    BiasedOutputs,
    /// Elements of the first input.
    Inputs,
    /// Elements of the first output.
    Outputs,
    /// Elements of the parameters that it reads, for each sample of the batch. Buffers are left
    /// out.
    Parameters,
    /// Products of a transposed convolution if every output met all weights: some tools take it
    /// for a plain one.
    OutputMacs,
    /// thop's estimate of an adaptive pooling: ⌊(Π input side / output side + 1)·outputs⌋.
    AdaptiveEstimate,
}

use Kind::{
    AdaptiveAveragePool, Attention, AveragePool, BatchNorm, Convolution, Elementwise, Embedding,
    LayerNorm, Linear, LinearBias, Matmul, MaxPool, TransposedConvolution, View,
};
use Quantity::{
    AdaptiveEstimate, BiasedOutputs, Flops, Inputs, Macs, OutputMacs, Outputs, Parameters,
};
use Which::{Any, Named, Of};

/// Multiply-accumulates of convolutions and matrix products.
pub const MACS: Convention = Convention {
    name: "macs",
    unit: "MAC",
    definition: "multiply-accumulates of convolutions and matrix products, nothing else",
    lines: &[(Any, Macs, 1)],
    per_sample: &[],
};

/// Every multiplication, addition and division.
pub const FLOPS: Convention = Convention {
    name: "flops",
    unit: "FLOP",
    definition: "every multiplication, addition and division, of all operations: a·b + c is 2",
    lines: &[(Any, Flops, 1)],
    per_sample: &[],
};

/// The closed sums of the text that this project started from.
pub const PAPER: Convention = Convention {
    name: "paper",
    unit: "FLOP",
    definition: "c_out·h·w·(c_in·k·k + bias) for a convolution, out·(in + bias) for a linear layer",
    lines: &[
        (Any, Macs, 1),
        (Any, BiasedOutputs, 1),
        (Of(LinearBias), Outputs, 1),
    ],
    per_sample: &[],
};

/// What `torchinfo` 1.8 reports as `total_mult_adds`.
pub const TORCHINFO: Convention = Convention {
    name: "torchinfo",
    unit: "MAC",
    definition: "torchinfo's mult-adds: MACs and biases of convolutions, parameters of all other layers",
    lines: &[
        (Of(Convolution), Macs, 1),
        (Of(Convolution), BiasedOutputs, 1),
        (Of(TransposedConvolution), OutputMacs, 1),
        (Of(TransposedConvolution), BiasedOutputs, 1),
        (Of(Linear), Parameters, 1),
        (Of(BatchNorm), Parameters, 1),
        (Of(LayerNorm), Parameters, 1),
        (Of(Embedding), Parameters, 1),
        (Of(Elementwise), Parameters, 1),
        // Biases and scales are reshaped before they are added or multiplied.
        (Of(View), Parameters, 1),
    ],
    per_sample: &[],
};

/// What `fvcore` 0.1.5's `FlopCountAnalysis` reports.
pub const FVCORE: Convention = Convention {
    name: "fvcore",
    unit: "MAC",
    definition: "fvcore's flops: MACs without biases, 2 per batch-normalised element, adaptive 2-d pool inputs",
    lines: &[
        (Of(Convolution), Macs, 1),
        (Of(TransposedConvolution), Macs, 1),
        (Of(Linear), Macs, 1),
        (Of(Matmul), Macs, 1),
        (Of(BatchNorm), Inputs, 2),
        (Of(LayerNorm), Inputs, 5),
        (Named("adaptive_avg_pool2d"), Inputs, 1),
    ],
    per_sample: &[],
};

/// What `fvcore` 0.1.5's `ActivationCountAnalysis` reports.
pub const FVCORE_ACTIVATIONS: Convention = Convention {
    name: "fvcore-activations",
    unit: "element",
    definition: "fvcore's activations: elements that convolutions, linear layers and matrix products put out",
    lines: &[
        (Of(Convolution), Outputs, 1),
        (Of(TransposedConvolution), Outputs, 1),
        (Of(Linear), Outputs, 1),
        (Of(Matmul), Outputs, 1),
    ],
    per_sample: &[],
};

/// What `thop` 0.1.1 reports as MACs.
pub const THOP: Convention = Convention {
    name: "thop",
    unit: "MAC",
    definition: "thop's MACs: without biases, 4 per normalised element, an estimate for adaptive pools",
    lines: &[
        (Of(Convolution), Macs, 1),
        (Of(TransposedConvolution), OutputMacs, 1),
        (Of(Linear), Macs, 1),
        (Of(BatchNorm), Inputs, 4),
        (Of(LayerNorm), Inputs, 4),
        (Of(AveragePool), Outputs, 1),
        (Of(AdaptiveAveragePool), AdaptiveEstimate, 1),
        (Named("prelu"), Inputs, 1),
    ],
    per_sample: &[],
};

/// What `ptflops` 0.7.5 reports with its backend `aten`.
pub const PTFLOPS_ATEN: Convention = Convention {
    name: "ptflops-aten",
    unit: "MAC",
    definition: "ptflops' aten backend: MACs and biases of convolutions, linear layers, matrix products",
    lines: &[
        (Of(Convolution), Macs, 1),
        (Of(Convolution), BiasedOutputs, 1),
        (Of(TransposedConvolution), Macs, 1),
        (Of(TransposedConvolution), BiasedOutputs, 1),
        (Of(Linear), Macs, 1),
        (Of(LinearBias), Outputs, 1),
        (Of(Matmul), Macs, 1),
    ],
    per_sample: &[],
};

/// What `ptflops` 0.7.5 reports with its backend `pytorch`, which counts activations and poolings
/// twice, and divides all but the second time by the batch size.
pub const PTFLOPS_PYTORCH: Convention = Convention {
    name: "ptflops-pytorch",
    unit: "MAC",
    definition: "ptflops' pytorch backend: per sample MACs, biases, norms; ReLUs and pools twice",
    lines: &[
        (Named("relu"), Inputs, 1),
        (Named("gelu"), Inputs, 1),
        (Named("prelu"), Inputs, 1),
        (Of(MaxPool), Inputs, 1),
        (Of(AveragePool), Inputs, 1),
        (Of(AdaptiveAveragePool), Inputs, 1),
        (Of(Matmul), Macs, 1),
    ],
    per_sample: &[
        (Of(Convolution), Macs, 1),
        (Of(Convolution), BiasedOutputs, 1),
        (Of(TransposedConvolution), Macs, 1),
        (Of(TransposedConvolution), BiasedOutputs, 1),
        (Of(Linear), Macs, 1),
        (Of(LinearBias), Outputs, 1),
        (Of(BatchNorm), Inputs, 2),
        (Of(LayerNorm), Inputs, 1),
        (Named("relu"), Inputs, 1),
        (Named("gelu"), Inputs, 1),
        (Named("prelu"), Inputs, 1),
        (Named("leaky_relu"), Inputs, 1),
        (Of(MaxPool), Inputs, 1),
        (Of(AveragePool), Inputs, 1),
        (Of(AdaptiveAveragePool), Inputs, 1),
    ],
};

/// What `calflops` 0.3.2 reports as FLOPs.
pub const CALFLOPS: Convention = Convention {
    name: "calflops",
    unit: "FLOP",
    definition: "calflops' FLOPs: 2 per MAC, convolution biases, norms, activations, pool inputs",
    lines: &[
        (Of(Convolution), Macs, 2),
        (Of(Convolution), BiasedOutputs, 1),
        (Of(TransposedConvolution), Macs, 2),
        (Of(TransposedConvolution), BiasedOutputs, 1),
        (Of(Linear), Macs, 2),
        (Of(Matmul), Macs, 2),
        (Of(BatchNorm), Inputs, 2),
        (Of(LayerNorm), Inputs, 5),
        (Named("relu"), Inputs, 1),
        (Named("gelu"), Inputs, 1),
        (Named("prelu"), Inputs, 1),
        (Named("leaky_relu"), Inputs, 1),
        (Named("softmax"), Inputs, 1),
        (Of(MaxPool), Inputs, 1),
        (Of(AveragePool), Inputs, 1),
        (Of(AdaptiveAveragePool), Inputs, 1),
    ],
    per_sample: &[],
};

/// What PyTorch 2.15's `FlopCounterMode` reports, its mistakes in the backward pass of grouped
/// convolutions left out.
pub const TORCH: Convention = Convention {
    name: "torch",
    unit: "FLOP",
    definition: "FlopCounterMode's: 2 per MAC of convolutions, matrix products and attention",
    lines: &[
        (Of(Convolution), Macs, 2),
        (Of(TransposedConvolution), Macs, 2),
        (Of(Linear), Macs, 2),
        (Of(Matmul), Macs, 2),
        (Of(Attention), Macs, 2),
    ],
    per_sample: &[],
};

/// All conventions, ours first.
pub const ALL: &[Convention] = &[
    MACS,
    FLOPS,
    PAPER,
    TORCHINFO,
    FVCORE,
    FVCORE_ACTIVATIONS,
    THOP,
    PTFLOPS_ATEN,
    PTFLOPS_PYTORCH,
    CALFLOPS,
    TORCH,
];

/// A name that is no convention.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("there is no convention `{name}`; there are {}", names())]
pub struct UnknownConvention {
    name: String,
}

fn names() -> String {
    let names: Vec<_> = ALL.iter().map(|convention| convention.name).collect();
    names.join(", ")
}

impl FromStr for Convention {
    type Err = UnknownConvention;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        ALL.iter()
            .find(|convention| convention.name == name)
            .copied()
            .ok_or_else(|| UnknownConvention { name: name.into() })
    }
}

impl Convention {
    /// What an operation costs, `work` being its own.
    pub(crate) fn cost(&self, record: &Record, operation: &Operation, work: &Work) -> u128 {
        let sum = |lines: &[Line]| sum(lines, record, operation, work);
        let per_sample = match self.per_sample {
            [] => 0,
            lines => sum(lines) / record.batch().max(1),
        };
        sum(self.lines) + per_sample
    }

    /// What one of an operation's gradients costs, `work` being the gradient's. Lines that count
    /// something else than arithmetic say nothing of gradients.
    pub(crate) fn backward_cost(
        &self,
        record: &Record,
        operation: &Operation,
        work: &Work,
    ) -> u128 {
        let lines = self.lines.iter().chain(self.per_sample);
        let arithmetic = lines.filter(|(_, quantity, _)| matches!(quantity, Macs | Flops));
        arithmetic
            .map(|line| sum(std::slice::from_ref(line), record, operation, work))
            .sum()
    }
}

fn sum(lines: &[Line], record: &Record, operation: &Operation, work: &Work) -> u128 {
    lines
        .iter()
        .filter(|(which, ..)| match which {
            Any => true,
            Of(kind) => *kind == operation.kind,
            Named(name) => *name == operation.name,
        })
        .map(|(_, quantity, times)| times * quantity.of(record, operation, work))
        .sum()
}

impl Quantity {
    fn of(self, record: &Record, operation: &Operation, work: &Work) -> u128 {
        let first = |tensors: &[usize]| tensors.first().map(|&tensor| &record.tensors[tensor]);
        let elements = |tensor: Option<&TensorInfo>| tensor.map_or(0, TensorInfo::elements);
        let (input, output) = (first(&operation.inputs), first(&operation.outputs));
        match self {
            Macs => work.macs,
            Flops => work.flops(),
            BiasedOutputs => operation.bias_outputs,
            Inputs => elements(input),
            Outputs => elements(output),
            Parameters => {
                let parameters = operation.inputs.iter();
                let parameters = parameters.filter_map(|&input| record.parameter(input));
                let parameters = parameters.filter(|parameter| parameter.role != Role::Buffer);
                parameters
                    .map(|parameter| parameter.elements())
                    .sum::<u128>()
                    * record.batch()
            }
            OutputMacs => {
                let weights = elements(first(operation.inputs.get(1..).unwrap_or_default()));
                let channels = output.and_then(|tensor| tensor.shape.get(1)).copied();
                elements(output) * weights / channels.unwrap_or(1).max(1) as u128
            }
            AdaptiveEstimate => {
                let (Some(input), Some(output)) = (input, output) else {
                    return 0;
                };
                let sides = input.shape.iter().zip(&output.shape).skip(2);
                let ratio: f64 = sides.map(|(&i, &o)| i as f64 / o.max(1) as f64).product();
                ((ratio + 1.0) * output.elements() as f64) as u128
            }
        }
    }
}
