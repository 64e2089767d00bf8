//! Weights of a 3x3 convolution on their way into the layout of the kernels.

use rayon::prelude::*;

use crate::line::{LANES, Line, lines_for};
use crate::memory::grow;
use crate::simd::{Kernel, Op, Vector};
use crate::tile::Tile;

/// Weights `[out, in, 3, 3]`, or the same seen from the other side: the gradient of a convolution's input
/// is the convolution of the output's gradient with the taps turned by 180 degrees and the two kinds of
/// channels exchanged.
#[derive(Clone, Copy)]
pub(crate) struct Weights<'a> {
    pub(crate) data: &'a [f32],
    pub(crate) out_channels: usize,
    pub(crate) in_channels: usize,
    /// Whether `data` is `[in, out, 3, 3]` with the taps in opposite order.
    pub(crate) turned: bool,
}

impl Weights<'_> {
    /// The nine taps from input channel `i` to the output channels `16·line ..`, zero beyond the last
    /// one.
    #[inline(always)]
    fn taps(&self, line: usize, i: usize, taps: &mut [Line; 9]) {
        let first = line * LANES;
        let count = LANES.min(self.out_channels - first);
        if i >= self.in_channels || count < LANES {
            *taps = [Line::ZERO; 9];
        }
        if i >= self.in_channels {
            return;
        }
        for lane in 0..count {
            let o = first + lane;
            let start = if self.turned {
                i * self.out_channels + o
            } else {
                o * self.in_channels + i
            };
            let from = &self.data[start * 9..start * 9 + 9];
            for (t, tap) in taps.iter_mut().enumerate() {
                tap.0[lane] = from[if self.turned { 8 - t } else { t }];
            }
        }
    }
}

/// A packed matrix for each of `points` points: `[panel][point][in][line of panel]`.
#[derive(Default)]
pub(crate) struct Packing {
    /// Lines of output channels.
    pub(crate) out_lines: usize,
    /// Input channels, filled up with zeros to whole lines where the layout asks for it.
    pub(crate) depth: usize,
    pub(crate) points: usize,
    /// Lines side by side in a panel; the last panel may have fewer.
    pub(crate) panel_lines: usize,
}

impl Packing {
    pub(crate) fn panels(&self) -> usize {
        self.out_lines.div_ceil(self.panel_lines)
    }

    /// Lines of output channels of a panel.
    #[inline(always)]
    pub(crate) fn cols(&self, panel: usize) -> usize {
        self.panel_lines
            .min(self.out_lines - panel * self.panel_lines)
    }

    /// The lines of one point of a panel.
    #[inline(always)]
    pub(crate) fn point<'a>(&self, packed: &'a [Line], panel: usize, point: usize) -> &'a [Line] {
        let matrix = self.depth * self.cols(panel);
        let start = panel * self.panel_lines * self.points * self.depth + point * matrix;
        &packed[start..start + matrix]
    }

    /// Lines of all panels.
    pub(crate) fn lines(&self) -> usize {
        self.out_lines * self.points * self.depth
    }
}

/// Transforms weights to the `N²` points of `F(M, 3)`, `G g Gᵀ`, and packs them.
pub(crate) fn pack_tiles<const N: usize, const M: usize>(
    kernel: Kernel,
    weights: Weights,
    packed: &mut Vec<Line>,
) -> Packing {
    let packing = Packing {
        out_lines: lines_for(weights.out_channels),
        depth: lines_for(weights.in_channels) * LANES,
        points: N * N,
        panel_lines: kernel.panel_lines(),
    };
    fill(packed, &packing, |panel, lines| {
        kernel.run(PackTiles::<N, M> {
            weights,
            packing: &packing,
            panel,
            lines,
        });
    });
    packing
}

/// Packs weights for a product over taps and input channels: `[panel][tap][in][line of panel]`. Input
/// channels are filled up to whole lines if `whole_lines`; otherwise the order is `[panel][in][tap]`.
pub(crate) fn pack_taps(
    kernel: Kernel,
    weights: Weights,
    whole_lines: bool,
    packed: &mut Vec<Line>,
) -> Packing {
    let depth = if whole_lines {
        lines_for(weights.in_channels) * LANES
    } else {
        weights.in_channels
    };
    let packing = Packing {
        out_lines: lines_for(weights.out_channels),
        depth,
        points: 9,
        panel_lines: kernel.panel_lines(),
    };
    fill(packed, &packing, |panel, lines| {
        let cols = packing.cols(panel);
        let mut taps = [Line::ZERO; 9];
        for i in 0..depth {
            for col in 0..cols {
                weights.taps(panel * packing.panel_lines + col, i, &mut taps);
                for (t, tap) in taps.iter().enumerate() {
                    let row = if whole_lines {
                        t * depth + i
                    } else {
                        i * 9 + t
                    };
                    lines[row * cols + col] = *tap;
                }
            }
        }
    });
    packing
}

/// Calls `pack` for each panel with the panel's own part of `packed`, in parallel.
fn fill(packed: &mut Vec<Line>, packing: &Packing, pack: impl Fn(usize, &mut [Line]) + Sync) {
    grow(packed, packing.lines());
    packed[..packing.lines()]
        .par_chunks_mut(packing.panel_lines * packing.points * packing.depth)
        .enumerate()
        .for_each(|(panel, lines)| pack(panel, lines));
}

struct PackTiles<'a, const N: usize, const M: usize> {
    weights: Weights<'a>,
    packing: &'a Packing,
    panel: usize,
    lines: &'a mut [Line],
}

impl<const N: usize, const M: usize> Op for PackTiles<'_, N, M> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector>(self) {
        let cols = self.packing.cols(self.panel);
        let depth = self.packing.depth;
        let mut taps = [Line::ZERO; 9];
        for i in 0..depth {
            for col in 0..cols {
                let line = self.panel * self.packing.panel_lines + col;
                self.weights.taps(line, i, &mut taps);
                let mut rows = [[V::splat(0.0); N]; 3];
                for (r, row) in rows.iter_mut().enumerate() {
                    let g = [
                        V::load(&taps[3 * r].0),
                        V::load(&taps[3 * r + 1].0),
                        V::load(&taps[3 * r + 2].0),
                    ];
                    *row = Tile::<N, M>::kernel(g);
                }
                let columns = rows[0].into_iter().zip(rows[1]).zip(rows[2]);
                for (column, ((a, b), c)) in columns.enumerate() {
                    let g = [a, b, c];
                    for (r, value) in Tile::<N, M>::kernel(g).into_iter().enumerate() {
                        let point = r * N + column;
                        value.stream(&mut self.lines[(point * depth + i) * cols + col]);
                    }
                }
            }
        }
        V::fence();
    }
}
