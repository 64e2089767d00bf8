//! Closed formulas for layers, with their derivation.
//!
//! The rules of this crate count operations by the same functions, so what is documented here
//! is what is reported. [`crate::guide`] explains them for a first reading.

use crate::work::Work;

/// The work of `outputs` inner products of `terms` terms each, with an added bias or not.
///
/// One inner product of n terms has n multiplications and n − 1 additions, as n products are
/// put together by n − 1 plus signs; a bias is one more term to add. With a bias that is
/// 2·n operations, without one 2·n − 1.
pub fn inner_products(outputs: u128, terms: u128, bias: bool) -> Work {
    Work {
        macs: outputs * terms,
        multiplications: outputs * terms,
        additions: outputs * (terms.saturating_sub(1) + u128::from(bias)),
        ..Work::default()
    }
}

/// The side of an output: `⌊(input + begin + end − dilation·(kernel − 1) − 1) / stride⌋ + 1`.
///
/// The kernel, spread out by its dilation, covers `dilation·(kernel − 1) + 1` cells. Its first
/// position is the left edge of the padded input; from there it can be moved on by `stride` as
/// long as it stays inside. 0 where the kernel does not fit at all.
///
/// ```
/// use cost::formulas::output_size;
///
/// assert_eq!(output_size(224, 3, 1, (1, 1), 1), 224); // a VGG's convolution keeps the size
/// assert_eq!(output_size(224, 2, 2, (0, 0), 1), 112); // its pooling halves it
/// ```
pub fn output_size(
    input: usize,
    kernel: usize,
    stride: usize,
    (begin, end): (usize, usize),
    dilation: usize,
) -> usize {
    let covered = dilation * kernel.saturating_sub(1) + 1;
    match (input + begin + end).checked_sub(covered) {
        Some(room) if stride > 0 => room / stride + 1,
        _ => 0,
    }
}

/// A two-dimensional convolution, described by what its cost depends on.
///
/// ```
/// use cost::formulas::Convolution;
///
/// // The second layer of a VGG: 64 → 64 channels, 3×3, on a 28×28 image.
/// let layer = Convolution { in_channels: 64, out_channels: 64, groups: 1, kernel: [3, 3], bias: true };
/// assert_eq!(layer.parameters(), 36_928);
/// assert_eq!(layer.macs([28, 28]), 28_901_376);
/// assert_eq!(layer.flops([28, 28]), 2 * 28_901_376);
/// assert_eq!(layer.flops_paper([28, 28]), 28_901_376 + 64 * 28 * 28);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Convolution {
    /// Channels of the input.
    pub in_channels: usize,
    /// Channels of the output.
    pub out_channels: usize,
    /// Groups: each output channel sees `in_channels / groups` input channels.
    pub groups: usize,
    /// Height and width of the kernel.
    pub kernel: [usize; 2],
    /// Whether a bias is added.
    pub bias: bool,
}

impl Convolution {
    /// The terms of one output value: `(c_in / groups)·k1·k2`. The kernel has that many
    /// weights for each output channel.
    pub fn terms(&self) -> u128 {
        (self.in_channels / self.groups.max(1) * self.kernel[0] * self.kernel[1]) as u128
    }

    /// `(k1·k2·c_in/groups + bias)·c_out`, bias being 0 or 1.
    pub fn parameters(&self) -> u128 {
        (self.terms() + u128::from(self.bias)) * self.out_channels as u128
    }

    /// Output values of one image: `c_out·h_out·w_out`.
    pub fn outputs(&self, [height, width]: [usize; 2]) -> u128 {
        (self.out_channels * height * width) as u128
    }

    /// Multiply-accumulates of one image with an output of `size` `[h_out, w_out]`:
    /// [`outputs`](Self::outputs) times [`terms`](Self::terms). Products with the zeros of the
    /// padding are counted, as everywhere in the literature.
    pub fn macs(&self, size: [usize; 2]) -> u128 {
        self.outputs(size) * self.terms()
    }

    /// Multiplications: as many as [`macs`](Self::macs).
    pub fn multiplications(&self, size: [usize; 2]) -> u128 {
        self.macs(size)
    }

    /// Additions: `terms − 1` for each output value, one more with a bias.
    pub fn additions(&self, size: [usize; 2]) -> u128 {
        inner_products(self.outputs(size), self.terms(), self.bias).additions
    }

    /// Multiplications and additions: `c_out·h_out·w_out·2·terms` with a bias,
    /// `c_out·h_out·w_out·(2·terms − 1)` without.
    pub fn flops(&self, size: [usize; 2]) -> u128 {
        self.multiplications(size) + self.additions(size)
    }

    /// The sum of the text that this project started from: `c_out·h_out·w_out·(terms + bias)`.
    ///
    /// It leaves out the additions that put the products together, and so contradicts the
    /// definition in the same text (`a·b + c·d` is three operations), which
    /// [`flops`](Self::flops) follows.
    pub fn flops_paper(&self, size: [usize; 2]) -> u128 {
        self.outputs(size) * (self.terms() + u128::from(self.bias))
    }
}

/// A fully connected layer.
///
/// ```
/// use cost::formulas::Linear;
///
/// let layer = Linear { inputs: 512, outputs: 4096, bias: true };
/// assert_eq!(layer.parameters(), 2_101_248);
/// assert_eq!(layer.flops(1), 2 * 512 * 4096);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Linear {
    /// Values that go in.
    pub inputs: usize,
    /// Values that come out.
    pub outputs: usize,
    /// Whether a bias is added.
    pub bias: bool,
}

impl Linear {
    /// `(inputs + bias)·outputs`, bias being 0 or 1: the convolution's formula with a kernel
    /// of one cell.
    pub fn parameters(&self) -> u128 {
        (self.inputs as u128 + u128::from(self.bias)) * self.outputs as u128
    }

    /// Multiply-accumulates for `rows` rows of input: `rows·inputs·outputs`.
    pub fn macs(&self, rows: usize) -> u128 {
        (rows * self.inputs * self.outputs) as u128
    }

    /// Multiplications and additions: `rows·outputs·2·inputs` with a bias,
    /// `rows·outputs·(2·inputs − 1)` without.
    pub fn flops(&self, rows: usize) -> u128 {
        let outputs = (rows * self.outputs) as u128;
        inner_products(outputs, self.inputs as u128, self.bias).flops()
    }

    /// The closed sum in the manner of [`Convolution::flops_paper`]:
    /// `rows·outputs·(inputs + bias)`.
    pub fn flops_paper(&self, rows: usize) -> u128 {
        (rows * self.outputs) as u128 * (self.inputs as u128 + u128::from(self.bias))
    }
}

/// A pooling over windows of `kernel` cells.
///
/// ```
/// use cost::formulas::Pooling;
///
/// let pool = Pooling { channels: 64, kernel: [2, 2] };
/// assert_eq!(pool.comparisons([14, 14]), 64 * 14 * 14 * 3);
/// assert_eq!(pool.flops([14, 14]), 64 * 14 * 14 * 4);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pooling {
    /// Channels, the same going in and out.
    pub channels: usize,
    /// Height and width of the window.
    pub kernel: [usize; 2],
}

impl Pooling {
    fn outputs(&self, [height, width]: [usize; 2]) -> u128 {
        (self.channels * height * width) as u128
    }

    fn window(&self) -> u128 {
        (self.kernel[0] * self.kernel[1]) as u128
    }

    /// Max pooling to an output of `size`: the largest of n values takes n − 1 comparisons.
    /// It has no multiplications or additions, so its FLOPs are 0.
    pub fn comparisons(&self, size: [usize; 2]) -> u128 {
        self.outputs(size) * self.window().saturating_sub(1)
    }

    /// Average pooling to an output of `size`: n − 1 additions and one division for each
    /// output value.
    pub fn flops(&self, size: [usize; 2]) -> u128 {
        self.outputs(size) * self.window()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn definitions_of_the_text() {
        // a·b + c is 2 operations, a·b + c·d is 3.
        assert_eq!(inner_products(1, 1, true).flops(), 2);
        assert_eq!(inner_products(1, 2, false).flops(), 3);
    }

    #[test]
    fn output_sizes() {
        for (arguments, expected) in [
            ((28, 3, 1, (1, 1), 1), 28),
            ((28, 2, 2, (0, 0), 1), 14),
            ((7, 2, 2, (0, 0), 1), 3),
            ((7, 3, 2, (1, 1), 1), 4),
            ((7, 3, 1, (0, 0), 2), 3),
            ((5, 3, 1, (0, 1), 1), 4),
            ((2, 3, 1, (0, 0), 1), 0),
        ] {
            let (input, kernel, stride, padding, dilation) = arguments;
            let found = output_size(input, kernel, stride, padding, dilation);
            assert_eq!(found, expected, "{arguments:?}");
        }
    }

    #[test]
    fn groups_divide_the_terms() {
        let depthwise = Convolution {
            in_channels: 32,
            out_channels: 32,
            groups: 32,
            kernel: [3, 3],
            bias: false,
        };
        assert_eq!(depthwise.parameters(), 32 * 9);
        assert_eq!(depthwise.macs([10, 10]), 32 * 100 * 9);
        assert_eq!(depthwise.flops([10, 10]), 32 * 100 * 17);
    }
}
