//! The parts that a VGG is put together from: a convolution with what follows it, a block, a
//! hidden linear layer.

mod batch_norm;
mod block;
mod conv;
mod linear;

pub use block::Block;
pub use conv::ConvLayer;
pub use linear::HiddenLayer;
pub(crate) use linear::{apply, linear};
