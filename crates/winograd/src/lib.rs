#![doc = include_str!("../README.md")]
#![deny(missing_docs)]
#![cfg_attr(docsrs, feature(doc_cfg))]
// Vector instructions and memory shared between threads need `unsafe`; each module that does allows it.
#![deny(unsafe_code)]

mod batch_norm;
#[cfg(feature = "burn")]
pub mod burn;
mod convolution;
mod error;
#[cfg(feature = "gpu")]
mod gpu;
mod linear;
mod maps;
mod memory;
mod simd;
mod threads;
mod transform;

pub use batch_norm::fold::{BatchNorm, fold_batch_norm};
pub use batch_norm::{
    BatchNormGradient, BatchNormLayer, BatchStatistics, SumAcross, batch_norm, batch_norm_gradient,
};
pub use convolution::algorithm::{Algorithm, LayerSize};
pub use convolution::by_size::ConvsBySize;
pub use convolution::conv::{Conv3x3, ConvParameters, convolve_once};
pub use convolution::options::ConvOptions;
pub use convolution::weight_gradient::{GradientInputs, weight_gradient};
pub use error::Error;
pub use linear::layer::{Linear, LinearOptions, Storage};
pub use linear::order::WeightOrder;
pub use maps::activation::Activation;
pub use maps::elementwise::{max_pool, max_pool_gradient, relu_gradient};
pub use maps::line::{LANES, Line};
pub use simd::Kernel;
pub use threads::{Workspace, on_pool};
