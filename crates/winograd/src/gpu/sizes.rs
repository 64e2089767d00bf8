//! What is convolved.

/// What follows a convolution.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Tail {
    pub(crate) relu: bool,
    /// 2x2 max pooling with stride 2, behind the ReLU.
    pub(crate) pool: bool,
}

/// A 3x3 convolution with stride 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Convolution {
    pub(crate) batch: usize,
    pub(crate) in_channels: usize,
    pub(crate) out_channels: usize,
    /// Of the input.
    pub(crate) height: usize,
    pub(crate) width: usize,
    /// Zeros on each side, two at most.
    pub(crate) padding: usize,
}

impl Convolution {
    pub(crate) fn out_height(&self) -> usize {
        self.height + 2 * self.padding - 2
    }

    pub(crate) fn out_width(&self) -> usize {
        self.width + 2 * self.padding - 2
    }

    /// The convolution that gives the gradient of the input from that of the output.
    pub(crate) fn turned(&self) -> Self {
        Self {
            in_channels: self.out_channels,
            out_channels: self.in_channels,
            height: self.out_height(),
            width: self.out_width(),
            padding: 2 - self.padding,
            ..*self
        }
    }

    /// Tiles of one map, down and across.
    pub(super) fn tiles(&self) -> [usize; 2] {
        [self.out_height().div_ceil(4), self.out_width().div_ceil(4)]
    }

    pub(super) fn input_numbers(&self) -> usize {
        self.batch * self.in_channels * self.height * self.width
    }
}
