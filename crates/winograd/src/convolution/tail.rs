//! What follows a convolution and is done while its outputs are still in registers.

use crate::maps::line::Line;
use crate::simd::Vector;

/// Bias, ReLU and 2x2 max pooling.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tail<'a> {
    /// One line for each line of output channels.
    pub(crate) bias: &'a [Line],
    pub(crate) relu: bool,
    pub(crate) pool: bool,
}

impl Tail<'_> {
    /// Bias and ReLU of a line of channels.
    #[inline(always)]
    pub(crate) fn activate<V: Vector>(&self, value: V, bias: V) -> V {
        let value = value.add(bias);
        if self.relu { value.relu() } else { value }
    }

    /// Height and width after pooling.
    pub(crate) fn size(&self, height: usize, width: usize) -> (usize, usize) {
        if self.pool {
            (height / 2, width / 2)
        } else {
            (height, width)
        }
    }
}
