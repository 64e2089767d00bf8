//! Winograd's algorithm on a GPU: F(4, 3) in both directions, as kernels that Burn's CubeCL compiles for each of them.
//!
//! A convolution is three steps: tiles of the map are transformed, 36 products of matrices are computed, and their
//! results are transformed back, with bias, ReLU and pooling. Maps stay as Burn has them, `[batch, channels, height,
//! width]`, as neighbouring units then read and write neighbouring memory in all three.

// Kernels are launched without checks of each index.
#![allow(unsafe_code)]

mod convolution;
mod cubes;
mod direct;
mod elementwise;
mod linear;
mod lines;
mod memory;
mod product;
mod sizes;
mod sums;
mod tensors;
mod tiling;
mod transform;
mod update;
mod weight_gradient;

pub(crate) use convolution::fits;
pub(crate) use direct::takes as is_direct;
pub(crate) use linear::takes as takes_product;
pub(crate) use sizes::{Convolution, Tail};
pub(crate) use tensors::*;
