//! Fully connected layers.

#[cfg(feature = "burn")]
pub(crate) mod gradient;
pub(crate) mod half;
pub(crate) mod layer;
#[cfg(feature = "burn")]
pub(crate) mod matrix;
pub(crate) mod order;
pub(crate) mod weights;
