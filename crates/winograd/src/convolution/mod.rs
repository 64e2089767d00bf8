//! Convolution 3x3 with stride 1, and the gradient of its weights.
//!
//! A [`conv::Conv3x3`] is a [`layer::Layer`] with packed [`weights`]. The layer runs one of the algorithms:
//! [`winograd`], [`im2col`] or [`direct`], which multiply by way of [`gemm`] and finish with the [`tail`].

pub(crate) mod algorithm;
pub(crate) mod by_size;
pub(crate) mod conv;
pub(crate) mod direct;
pub(crate) mod gemm;
pub(crate) mod im2col;
pub(crate) mod layer;
pub(crate) mod options;
pub(crate) mod tail;
pub(crate) mod weight_gradient;
mod weight_sums;
pub(crate) mod weights;
pub(crate) mod winograd;
