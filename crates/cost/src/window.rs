//! Windows that move along one side of a tensor.

use crate::formulas::output_size;

/// A window of `kernel` cells, `dilation` apart, that begins `padding` cells before the side and
/// moves on by `stride`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Window {
    pub(crate) kernel: usize,
    pub(crate) stride: usize,
    pub(crate) padding: usize,
    pub(crate) dilation: usize,
}

impl Window {
    /// The places of the window over a side of `length` that is padded at both ends.
    pub(crate) fn positions(&self, length: usize) -> usize {
        let padding = (self.padding, self.padding);
        output_size(length, self.kernel, self.stride, padding, self.dilation)
    }

    /// The cells that the windows at all `positions` have inside a side of `length`: pairs of a
    /// position i and a cell j with 0 ≤ i·stride + j·dilation − padding < length.
    ///
    /// Of a convolution, positions are those of the output, and the side is the input's; what is
    /// left out are products with the zeros of the padding. Of a transposed convolution it is the
    /// other way round, and what is left out falls off the output's edges.
    pub(crate) fn cells(&self, positions: usize, length: usize) -> u128 {
        let padding = self.padding as u128;
        self.before(positions, padding + length as u128) - self.before(positions, padding)
    }

    /// Pairs of a position i and a cell j with i·stride + j·dilation < `edge`: of ⌈(edge −
    /// i·stride) / dilation⌉ cells at position i, as many as the window has.
    fn before(&self, positions: usize, edge: u128) -> u128 {
        let [kernel, stride, dilation] =
            [self.kernel, self.stride.max(1), self.dilation.max(1)].map(|side| side as u128);
        let positions = (positions as u128).min(edge.div_ceil(stride));
        let inner = edge.saturating_sub(kernel.saturating_sub(1) * dilation);
        let whole = positions.min(inner.div_ceil(stride));
        let Some(last) = positions.checked_sub(1).filter(|_| whole < positions) else {
            return whole * kernel;
        };
        let rest = edge - last * stride + dilation - 1;
        whole * kernel + floors(positions - whole, stride, rest, dilation)
    }
}

/// Σ ⌊(a·i + b) / m⌋ for i from 0 to n − 1, by Euclid's steps: what is left of a and b below m is
/// the same sum with the roles of a and m exchanged.
fn floors(n: u128, a: u128, b: u128, m: u128) -> u128 {
    if n == 0 {
        return 0;
    }
    let whole = n * (n - 1) / 2 * (a / m) + n * (b / m);
    let (a, b) = (a % m, b % m);
    let top = a * n + b;
    match top / m {
        0 => whole,
        steps => whole + floors(steps, m, top % m, a),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Counted one by one.
    fn counted(window: Window, positions: usize, length: usize) -> u128 {
        let Window {
            kernel,
            stride,
            padding,
            dilation,
        } = window;
        let mut cells = 0;
        for position in 0..positions {
            for cell in 0..kernel {
                let at = position * stride + cell * dilation;
                cells += u128::from(at >= padding && at - padding < length);
            }
        }
        cells
    }

    #[test]
    fn every_cell_inside_is_counted_once() {
        for kernel in 1..5 {
            for stride in 1..4 {
                for padding in 0..5 {
                    for dilation in 1..4 {
                        let window = Window {
                            kernel,
                            stride,
                            padding,
                            dilation,
                        };
                        for (positions, length) in [(1, 1), (5, 5), (7, 3), (3, 7), (0, 4), (4, 0)]
                        {
                            let expected = counted(window, positions, length);
                            assert_eq!(
                                window.cells(positions, length),
                                expected,
                                "{window:?} {positions} {length}"
                            );
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn sides_beyond_any_image_take_no_time() {
        let window = Window {
            kernel: 1 << 40,
            stride: 3,
            padding: 1 << 39,
            dilation: 2,
        };
        assert!(window.cells(1 << 41, 1 << 42) > 1 << 80);
    }

    #[test]
    fn same_padding_leaves_out_the_edges() {
        // Three cells at each of seven places, less one at each end.
        let window = Window {
            kernel: 3,
            stride: 1,
            padding: 1,
            dilation: 1,
        };
        assert_eq!(window.cells(7, 7), 3 * 7 - 2);
    }
}
