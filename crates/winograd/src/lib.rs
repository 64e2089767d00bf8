#![doc = include_str!("../README.md")]
#![deny(missing_docs)]
// Vector instructions and memory shared between threads need `unsafe`; each module that does allows it.
#![deny(unsafe_code)]

mod activation;
mod algorithm;
mod batch_norm;
#[cfg(feature = "burn")]
pub mod burn;
mod conv;
mod direct;
mod elementwise;
mod error;
mod fold;
mod gemm;
mod grid;
mod half;
mod im2col;
mod layer;
mod line;
mod linear;
#[cfg(feature = "burn")]
mod linear_gradient;
mod linear_weights;
#[cfg(feature = "burn")]
mod matrix;
mod memory;
mod options;
mod parallel;
mod shared;
mod simd;
mod spare;
mod tail;
mod tile;
mod tiles;
mod weight_gradient;
mod weights;
mod winograd;

pub use activation::Activation;
pub use algorithm::{Algorithm, LayerSize};
pub use batch_norm::{
    BatchNormGradient, BatchNormLayer, BatchStatistics, batch_norm, batch_norm_gradient,
};
pub use conv::{Conv3x3, convolve_once};
pub use elementwise::{max_pool, max_pool_gradient, relu_gradient};
pub use error::Error;
pub use fold::{BatchNorm, fold_batch_norm};
pub use line::{LANES, Line};
pub use linear::{Linear, LinearOptions, Storage, WeightOrder};
pub use options::ConvOptions;
pub use parallel::{Workspace, on_pool};
pub use simd::Kernel;
pub use weight_gradient::weight_gradient;
