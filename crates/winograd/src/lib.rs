#![doc = include_str!("../README.md")]
#![deny(missing_docs)]
// Vector instructions and memory shared between threads need `unsafe`; each module that does allows it.
#![deny(unsafe_code)]

mod activation;
mod algorithm;
#[cfg(feature = "burn")]
pub mod burn;
mod conv;
mod direct;
mod elementwise;
mod error;
mod gemm;
mod grid;
mod half;
mod im2col;
mod line;
mod linear;
mod memory;
mod norm;
mod parallel;
mod shared;
mod simd;
mod tail;
mod tile;
mod tiles;
mod weight_gradient;
mod weights;
mod winograd;

pub use activation::Activation;
pub use algorithm::{Algorithm, LayerSize};
pub use conv::{Conv3x3, ConvOptions};
pub use elementwise::{max_pool, max_pool_gradient, relu_gradient};
pub use error::Error;
pub use line::{LANES, Line};
pub use linear::{Linear, LinearOptions, Storage, WeightOrder};
pub use norm::{BatchNorm, fold_batch_norm};
pub use parallel::Workspace;
pub use simd::Kernel;
pub use weight_gradient::weight_gradient;
