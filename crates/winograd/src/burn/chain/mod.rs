//! Convolutions one after the other.

mod forward;
mod gradient;
mod layer;
mod sizes;
mod types;

use burn::tensor::{DType, Tensor};

use super::backend::{BackendKind, CpuBackend, with_backend};
use super::tensors::{TensorSource, Untracked, vector};
use forward::{Forward, Forwarded};
use layer::LayerTensors;

use types::as_tensors;

pub(super) use layer::Convolution;
pub(super) use sizes::Sizes;
pub use types::{ChainLayer, ChainNorm, ChainStatistics, Chained};

/// The layers one after the other, then a 2x2 max pooling with stride 2 if `pool` is set.
///
/// # Shapes
/// - `input`: `[batch, in_channels, height, width]`
/// - output: `[batch, out_channels, height, width]`, half as high and wide, rounded down, with pooling
///
/// `None` if the tensors are not 32-bit floating-point numbers on a CPU backend, or on a GPU without norms, if some are on an autodiff
/// device and others are not, if gradients are checkpointed, if there are no layers, or if the shapes do not
/// fit together.
pub fn chain(input: Tensor<4>, layers: &[ChainLayer], pool: bool) -> Option<Chained> {
    if layers.is_empty() {
        return None;
    }
    let layers: Vec<_> = layers.iter().map(Convolution::of_layer).collect();
    // As many layers as one step of the backward pass takes.
    let mut pieces = layers.chunks(gradient::MOST_LAYERS).peekable();
    let mut chained = Chained {
        output: beside(input, layers[0].weight),
        statistics: Vec::new(),
    };
    while let Some(piece) = pieces.next() {
        let next = run(&chained.output, piece, pool && pieces.peek().is_none())?;
        chained.output = next.output;
        chained.statistics.extend(next.statistics);
    }
    Some(chained)
}

/// The input with automatic differentiation where a layer's weight has it: it is a constant then.
fn beside(input: Tensor<4>, weight: &Tensor<4>) -> Tensor<4> {
    match weight.is_autodiff() {
        true => input.autodiff(),
        false => input,
    }
}

/// Whether [`chain`] can take such an input: 32-bit floating-point numbers on a CPU backend or a GPU. Worth asking
/// before layers are made ready for it.
pub fn takes(input: &Tensor<4>) -> bool {
    input.dtype() == DType::F32 && (BackendKind::of(input).is_some() || on_gpu(input))
}

#[cfg(feature = "gpu")]
use super::gpu::chain as elsewhere;

/// On a device that is no CPU.
#[cfg(not(feature = "gpu"))]
fn elsewhere(_: &Tensor<4>, _: &[Convolution], _: bool) -> Option<Chained> {
    None
}

/// Whether a GPU holds the tensor and its kernels are there.
fn on_gpu(input: &Tensor<4>) -> bool {
    #[cfg(feature = "gpu")]
    return super::gpu::holds(input);
    #[cfg(not(feature = "gpu"))]
    return {
        let _ = input;
        false
    };
}

/// One step of the backward pass, or none where the input is not tracked.
pub(super) fn run(input: &Tensor<4>, layers: &[Convolution], pool: bool) -> Option<Chained> {
    let sizes = Sizes::of(input, layers, pool)?;
    with_backend!(input, B => run_on::<B>(input, layers, &sizes), else elsewhere(input, layers, pool))
}

fn run_on<B: CpuBackend>(
    input: &Tensor<4>,
    layers: &[Convolution],
    sizes: &Sizes,
) -> Option<Chained> {
    let Some(maps) = TensorSource::<B>::contiguous(&mut Untracked, input) else {
        return gradient::run::<B>(input, layers, sizes);
    };
    let tensors = LayerTensors::<B>::all(layers, &mut Untracked)?;
    let Forwarded { output, statistics } = Forward::new(&maps, &tensors, sizes).inference()?;
    Some(Chained {
        output: B::from_untracked(output),
        statistics: as_tensors(&statistics, |values| B::from_untracked(vector::<B>(values))),
    })
}
