//! Convolutions and linear layers of Burn's tensors.
//!
//! [`conv2d`](conv2d()), [`Conv2dExt`] and [`PreparedConv2d`] stand in for Burn's own convolutions, on whatever
//! device: they are faster where they can be.
//!
//! [`chain`] runs several 3x3 convolutions, one after the other, with batch normalisation and ReLU between
//! them, with automatic differentiation or without. [`linear`] is a linear layer, and [`adamw`] and [`sgd`] are
//! optimizer steps. Where they have nothing for a device they do nothing and say so, and the caller takes Burn's
//! own operations.
//!
//! The CPU backends are Flex and, with the feature `ndarray`, NdArray; on them the maps of a chain stay in the
//! layout of this crate. GPUs are those of Burn's CubeCL backends, with the feature `gpu`; there a chain has no
//! norms.
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

mod backend;
mod chain;
mod conv2d;
#[cfg(feature = "gpu")]
mod gpu;
mod linear;
mod prepared;
pub(crate) mod steps;
mod tensors;
mod update;
mod workspaces;

pub use chain::{ChainLayer, ChainNorm, ChainStatistics, Chained, chain, takes};
pub use conv2d::{Conv2dExt, conv2d};
pub use linear::linear;
pub use prepared::PreparedConv2d;
pub use steps::{AdamWStep, SgdStep};
pub use update::{adamw, sgd};
