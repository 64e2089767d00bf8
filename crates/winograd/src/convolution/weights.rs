//! Weights of a 3x3 convolution on their way into the layout of the kernels.

use std::ops::Range;

use rayon::prelude::*;

use crate::convolution::algorithm::Algorithm;
use crate::maps::line::{LANES, Line, lines_for};
use crate::memory::pages::grow;
use crate::simd::{Kernel, Op, Vector};
use crate::threads::scratch;
use crate::transform::tile::Tile;

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

/// The layout of packed weights, a matrix for each of `points` points: `[panel][point][in][line of panel]`.
pub(crate) struct Packing {
    order: Order,
    /// Lines of output channels.
    pub(crate) out_lines: usize,
    /// Input channels, filled up with zeros to whole lines where the layout asks for it.
    pub(crate) depth: usize,
    pub(crate) points: usize,
    /// Lines side by side in a panel; the last panel may have fewer.
    pub(crate) panel_lines: usize,
}

/// What a point of a [`Packing`] is.
#[derive(Clone, Copy)]
enum Order {
    /// One of Winograd's transform.
    Tiles,
    /// A tap: `[panel][tap][in][line of panel]`.
    Taps,
    /// A tap too, but `[panel][in][tap][line of panel]`, and input channels are not filled up.
    TapsInside,
}

impl Packing {
    /// That of a layer, for `algorithm` and `kernel`.
    pub(crate) fn new(
        algorithm: Algorithm,
        kernel: Kernel,
        in_channels: usize,
        out_channels: usize,
    ) -> Self {
        let (order, points) = match (algorithm, algorithm.tile()) {
            (_, Some(tile)) => (Order::Tiles, (tile + 2) * (tile + 2)),
            (Algorithm::Direct, None) => (Order::TapsInside, 9),
            (_, None) => (Order::Taps, 9),
        };
        Self {
            order,
            out_lines: lines_for(out_channels),
            depth: match order {
                Order::TapsInside => in_channels,
                Order::Tiles | Order::Taps => lines_for(in_channels) * LANES,
            },
            points,
            panel_lines: kernel.panel_lines(),
        }
    }

    pub(crate) fn panels(&self) -> usize {
        self.out_lines.div_ceil(self.panel_lines)
    }

    /// Lines of output channels of a panel.
    #[inline(always)]
    pub(crate) fn cols(&self, panel: usize) -> usize {
        self.panel_lines
            .min(self.out_lines - panel * self.panel_lines)
    }

    /// The lines of one of all packed panels.
    #[inline(always)]
    pub(crate) fn panel<'a>(&self, packed: &'a [Line], panel: usize) -> &'a [Line] {
        let start = panel * self.panel_lines * self.points * self.depth;
        &packed[start..start + self.cols(panel) * self.points * self.depth]
    }

    /// The lines of some neighbouring points of a packed panel.
    #[inline(always)]
    pub(crate) fn points<'a>(&self, panel: &'a [Line], points: Range<usize>) -> &'a [Line] {
        let matrix = panel.len() / self.points;
        &panel[points.start * matrix..points.end * matrix]
    }

    /// Lines of all panels.
    pub(crate) fn lines(&self) -> usize {
        self.out_lines * self.points * self.depth
    }

    /// Packs all panels, in parallel.
    pub(crate) fn pack(&self, kernel: Kernel, weights: Weights, packed: &mut Vec<Line>) {
        grow(packed, self.lines());
        packed[..self.lines()]
            .par_chunks_mut(self.panel_lines * self.points * self.depth)
            .enumerate()
            .for_each(|(panel, lines)| {
                kernel.run(PackPanel {
                    packing: self,
                    weights,
                    panel,
                    lines,
                    again: false,
                });
            });
    }
}

/// Where a pass has its weights from.
#[derive(Clone, Copy)]
pub(crate) enum Source<'a> {
    /// All panels, packed.
    Packed(&'a [Line]),
    /// Whoever multiplies with a panel packs it: for weights that serve a single time, and are so large that
    /// they would go to memory and come back.
    Given(Weights<'a>),
}

impl<'a> Source<'a> {
    /// Lines of memory that [`Source::panel`] needs.
    pub(crate) fn lines_to_pack(&self, packing: &Packing) -> usize {
        match self {
            Source::Packed(_) => 0,
            Source::Given(_) => packing.cols(0) * packing.points * packing.depth,
        }
    }

    /// A panel, packed in `memory` if it is not yet.
    pub(crate) fn panel<'b>(
        &self,
        kernel: Kernel,
        packing: &Packing,
        panel: usize,
        memory: &'b mut Vec<Line>,
    ) -> &'b [Line]
    where
        'a: 'b,
    {
        match *self {
            Source::Packed(packed) => packing.panel(packed, panel),
            Source::Given(weights) => {
                let count = packing.cols(panel) * packing.points * packing.depth;
                let lines = scratch(memory, count);
                kernel.run(PackPanel {
                    packing,
                    weights,
                    panel,
                    lines,
                    again: true,
                });
                lines
            }
        }
    }
}

/// Packs one panel.
struct PackPanel<'a> {
    packing: &'a Packing,
    weights: Weights<'a>,
    panel: usize,
    lines: &'a mut [Line],
    /// Whether the lines are read at once, so that they should stay in the caches.
    again: bool,
}

impl Op for PackPanel<'_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector>(self) {
        match (self.packing.order, self.packing.points) {
            (Order::Tiles, 16) => self.tiles::<V, 4, 2>(),
            (Order::Tiles, 36) => self.tiles::<V, 6, 4>(),
            (Order::Tiles, _) => self.tiles::<V, 8, 6>(),
            (Order::Taps, _) => self.taps(|depth, tap, i| tap * depth + i),
            (Order::TapsInside, _) => self.taps(|_, tap, i| i * 9 + tap),
        }
    }
}

impl PackPanel<'_> {
    /// Each tap in the row that `row` says of the depth, the tap and the input channel.
    #[inline(always)]
    fn taps(self, row: impl Fn(usize, usize, usize) -> usize) {
        let (cols, depth) = (self.packing.cols(self.panel), self.packing.depth);
        let mut taps = [Line::ZERO; 9];
        for i in 0..depth {
            for col in 0..cols {
                let line = self.panel * self.packing.panel_lines + col;
                self.weights.taps(line, i, &mut taps);
                for (t, tap) in taps.iter().enumerate() {
                    self.lines[row(depth, t, i) * cols + col] = *tap;
                }
            }
        }
    }

    /// The `N²` points of `F(M, 3)`, `G g Gᵀ`.
    #[inline(always)]
    fn tiles<V: Vector, const N: usize, const M: usize>(self) {
        let (cols, depth) = (self.packing.cols(self.panel), self.packing.depth);
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
                        let to = &mut self.lines[(point * depth + i) * cols + col];
                        match self.again {
                            true => value.store(&mut to.0),
                            false => value.stream(to),
                        }
                    }
                }
            }
        }
        V::fence();
    }
}
