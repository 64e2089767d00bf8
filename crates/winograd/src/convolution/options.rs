//! What a convolution does, and how.

use crate::convolution::algorithm::{Algorithm, LayerSize};
use crate::simd::Kernel;

/// What a [`Conv3x3`](crate::Conv3x3) does beside the convolution, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConvOptions {
    /// Rows and columns of zeros on each side of the input: 0, 1 or 2.
    pub padding: usize,
    /// Whether negative outputs become zero.
    pub relu: bool,
    /// Whether a 2x2 max pooling with stride 2 follows; an odd last row or column is dropped.
    pub pool: bool,
    /// The algorithm.
    pub algorithm: Algorithm,
    /// The instruction set.
    pub kernel: Kernel,
}

impl ConvOptions {
    /// Padding 1, no ReLU, pooling as in `size`, the fastest kernel, and the fastest algorithm for `size`. A
    /// layer takes inputs of any size; this one only decides on the algorithm.
    pub fn for_size(size: &LayerSize) -> Self {
        Self {
            padding: 1,
            relu: false,
            pool: size.pool,
            algorithm: Algorithm::choose(size),
            kernel: Kernel::detect(),
        }
    }

    /// Sets the padding.
    pub fn with_padding(self, padding: usize) -> Self {
        Self { padding, ..self }
    }

    /// Sets whether a ReLU follows.
    pub fn with_relu(self, relu: bool) -> Self {
        Self { relu, ..self }
    }

    /// Sets whether a 2x2 max pooling follows.
    pub fn with_pool(self, pool: bool) -> Self {
        Self { pool, ..self }
    }

    /// Sets the algorithm.
    pub fn with_algorithm(self, algorithm: Algorithm) -> Self {
        Self { algorithm, ..self }
    }

    /// Sets the instruction set.
    pub fn with_kernel(self, kernel: Kernel) -> Self {
        Self { kernel, ..self }
    }
}
