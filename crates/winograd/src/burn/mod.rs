//! Convolutions and linear layers of Burn's tensors.
//!
//! [`chain`] runs several 3x3 convolutions, one after the other, with batch normalisation and ReLU between
//! them, on tensors that lie on Burn's CPU backend Flex, with automatic differentiation or without. Between
//! them the feature maps stay in the layout of this crate. [`linear`] is a linear layer, and [`adamw`] and
//! [`sgd`] are optimizer steps. On any other device they do nothing and say so, and the caller takes Burn's
//! own operations.
//!
//! ```
//! use burn::tensor::{Device, Tensor};
//! use winograd::burn::{ChainLayer, chain};
//!
//! let device = Device::flex();
//! let layer = ChainLayer {
//!     weight: Tensor::ones([16, 3, 3, 3], &device),
//!     bias: Tensor::zeros([16], &device),
//!     norm: None,
//!     relu: true,
//! };
//! let images = Tensor::<4>::ones([2, 3, 8, 8], &device);
//! let pooled = chain(images, &[layer], true).expect("tensors on Flex");
//! assert_eq!(pooled.output.dims(), [2, 16, 4, 4]);
//! ```

mod forward;
mod gradient;
mod linear;
mod update;
mod workspaces;

use burn::tensor::{DType, Tensor};
use burn_autodiff::Autodiff;
use burn_autodiff::checkpoint::strategy::NoCheckpointing;
use burn_flex::{Flex, FlexTensor};

use forward::{Forward, Forwarded, LayerTensors, Sizes, Take, vector};

pub use linear::linear;
pub use update::{AdamWStep, SgdStep, adamw, sgd};

/// A 3x3 convolution with stride 1 and padding 1, and what follows it.
#[derive(Debug, Clone)]
pub struct ChainLayer {
    /// `[out_channels, in_channels, 3, 3]`
    pub weight: Tensor<4>,
    /// `[out_channels]`
    pub bias: Tensor<1>,
    /// Batch normalisation by the statistics of the batch, as in training. In inference the running
    /// statistics belong into weight and bias.
    pub norm: Option<ChainNorm>,
    /// Whether negative outputs become zero.
    pub relu: bool,
}

/// A batch normalisation.
#[derive(Debug, Clone)]
pub struct ChainNorm {
    /// Scale, `[out_channels]`.
    pub gamma: Tensor<1>,
    /// Shift, `[out_channels]`.
    pub beta: Tensor<1>,
    /// Added to the variance.
    pub epsilon: f64,
}

/// What a chain puts out.
#[derive(Debug, Clone)]
pub struct Chained {
    /// `[batch, out_channels, height, width]`
    pub output: Tensor<4>,
    /// Those of each normalisation, in order, on the device of the output and without gradients.
    pub statistics: Vec<ChainStatistics>,
}

/// The statistics of a batch.
#[derive(Debug, Clone)]
pub struct ChainStatistics {
    /// `[out_channels]`
    pub mean: Tensor<1>,
    /// `[out_channels]`, biased: divided by the number of pixels.
    pub variance: Tensor<1>,
}

/// The layers one after the other, then a 2x2 max pooling with stride 2 if `pool` is set.
///
/// # Shapes
/// - `input`: `[batch, in_channels, height, width]`
/// - output: `[batch, out_channels, height, width]`, half as high and wide, rounded down, with pooling
///
/// `None` if the tensors are not 32-bit floating-point numbers on Flex, if some are on an autodiff device
/// and others are not, if gradients are checkpointed, if only some layers have a norm, if there are no layers, or
/// if the shapes do not fit together.
pub fn chain(input: Tensor<4>, layers: &[ChainLayer], pool: bool) -> Option<Chained> {
    if layers.is_empty() {
        return None;
    }
    // As many layers as one step of the backward pass takes.
    let mut pieces = layers.chunks(gradient::MOST_LAYERS).peekable();
    let mut chained = Chained {
        output: input,
        statistics: Vec::new(),
    };
    while let Some(piece) = pieces.next() {
        let next = run(chained.output, piece, pool && pieces.peek().is_none())?;
        chained.output = next.output;
        chained.statistics.extend(next.statistics);
    }
    Some(chained)
}

/// Whether [`chain`] can take such an input: 32-bit floating-point numbers on Flex. Worth asking before
/// layers are made ready for it.
pub fn takes(input: &Tensor<4>) -> bool {
    let plain = || input.clone().try_into_primitive::<Flex>().is_ok();
    let tracked = || input.clone().try_into_primitive::<Tracked>().is_ok();
    input.dtype() == DType::F32 && (plain() || tracked())
}

fn run(input: Tensor<4>, layers: &[ChainLayer], pool: bool) -> Option<Chained> {
    let sizes = Sizes::of(&input, layers, pool)?;
    let Some(maps) = plain(&input) else {
        return gradient::run(&input, layers, &sizes);
    };
    let tensors = LayerTensors::all(layers, &mut Plain)?;
    let Forwarded { output, statistics } = Forward::new(&maps, &tensors, &sizes).inference()?;
    let statistics = statistics.iter().map(|statistics| ChainStatistics {
        mean: Tensor::from_primitive::<Flex>(vector(&statistics.mean)),
        variance: Tensor::from_primitive::<Flex>(vector(&statistics.variance)),
    });
    Some(Chained {
        output: Tensor::from_primitive::<Flex>(output),
        statistics: statistics.collect(),
    })
}

/// Takes tensors that lie on Flex itself.
struct Plain;

impl Take for Plain {
    fn take_as_it_is<const D: usize>(&mut self, tensor: &Tensor<D>) -> Option<FlexTensor> {
        tensor.clone().try_into_primitive::<Flex>().ok()
    }
}

/// The tensor as Flex has it, its values one after the other.
fn plain<const D: usize>(tensor: &Tensor<D>) -> Option<FlexTensor> {
    Plain.take(tensor)
}

fn contiguous(tensor: FlexTensor) -> Option<FlexTensor> {
    if tensor.dtype() != DType::F32 {
        return None;
    }
    Some(match tensor.as_slice::<f32>() {
        Some(_) => tensor,
        None => tensor.to_contiguous(),
    })
}

type Tracked = Autodiff<Flex, NoCheckpointing>;
