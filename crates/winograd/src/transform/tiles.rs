//! Tiles on their way between an activation and the points of Winograd's transform.
#![allow(unsafe_code)]

use std::mem::MaybeUninit;
use std::ops::Range;

use crate::convolution::tail::Tail;
use crate::maps::line::Line;
use crate::memory::shared::Shared;
use crate::simd::Vector;
use crate::transform::grid::{Grid, Place};
use crate::transform::tile::Tile;

/// Some tiles, in some of the lines of channels of an activation.
#[derive(Clone)]
pub(crate) struct Tiles<'a> {
    pub(crate) grid: &'a Grid,
    pub(crate) range: Range<usize>,
    pub(crate) lines: Range<usize>,
    /// Lines of channels that the activation has.
    pub(crate) all_lines: usize,
}

/// How the points of tiles lie in a buffer, in lines: `[point][channel line][tile]`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PointLayout {
    /// From one point to the next.
    pub(crate) point: usize,
    /// From one line of channels to the next.
    pub(crate) channels: usize,
}

impl PointLayout {
    /// `tiles` tiles with `lines` lines of channels each. An odd number of lines between points keeps
    /// the points of a tile in different sets of the cache.
    pub(crate) fn new(tiles: usize, lines: usize) -> Self {
        Self {
            point: (tiles * lines) | 1,
            channels: tiles,
        }
    }

    /// Lines of a buffer for `points` points.
    pub(crate) fn lines(&self, points: usize) -> usize {
        points * self.point
    }
}

/// The pixels under a tile, in one line of channels.
struct Window<'a> {
    image: &'a [Line],
    height: usize,
    width: usize,
    y: isize,
    x: isize,
    /// Whether all pixels lie inside of the image.
    inside: bool,
}

impl<'a> Window<'a> {
    #[inline(always)]
    fn new(
        image: &'a [Line],
        (height, width): (usize, usize),
        (y, x): (isize, isize),
        size: usize,
    ) -> Self {
        let fits = |at: isize, length: usize| at >= 0 && at as usize + size <= length;
        Self {
            image,
            height,
            width,
            y,
            x,
            inside: fits(y, height) && fits(x, width),
        }
    }

    /// Row `r`, with zeros outside of the image.
    #[inline(always)]
    fn row<V: Vector, const N: usize>(&self, r: usize) -> [V; N] {
        let mut row = [V::splat(0.0); N];
        let y = self.y + r as isize;
        if self.inside {
            let start = y as usize * self.width + self.x as usize;
            // What the tile after the next one needs anew: the processor does not see it coming.
            for c in 2..N {
                V::prefetch(
                    self.image
                        .as_ptr()
                        .wrapping_add(start + 2 * N - 4 + c)
                        .cast(),
                );
            }
            for (pixel, line) in row.iter_mut().zip(&self.image[start..start + N]) {
                *pixel = V::load(&line.0);
            }
        } else if y >= 0 && (y as usize) < self.height {
            for (c, pixel) in row.iter_mut().enumerate() {
                let x = self.x + c as isize;
                if x >= 0 && (x as usize) < self.width {
                    *pixel = V::load(&self.image[y as usize * self.width + x as usize].0);
                }
            }
        }
        row
    }
}

/// Column `column` of rows.
///
/// # Safety
/// All rows have been written. (They are not set to zero before: that would take as long as to write them.)
#[inline(always)]
unsafe fn column<V: Vector, const ROWS: usize, const COLUMNS: usize>(
    rows: &[MaybeUninit<[V; COLUMNS]>; ROWS],
    column: usize,
) -> [V; ROWS] {
    let mut values = [V::splat(0.0); ROWS];
    for (value, row) in values.iter_mut().zip(rows) {
        // SAFETY: the row has been written, says the caller.
        *value = unsafe { row.assume_init_ref() }[column];
    }
    values
}

/// Transforms the input under tiles: `Bᵀ d B`. `points` receives the first of the tiles at 0, the lines of
/// channels at their own places.
///
/// # Safety
/// No other thread reaches these tiles and channels in `points` meanwhile.
#[inline(always)]
pub(crate) unsafe fn input_tiles<V: Vector, const N: usize, const M: usize>(
    input: &[Line],
    tiles: &Tiles,
    points: &Shared,
    layout: PointLayout,
) {
    let grid = tiles.grid;
    let image = grid.height * grid.width;
    for line in tiles.lines.clone() {
        let places = grid.places(tiles.range.clone());
        for (to, place) in (line * layout.channels..).zip(places) {
            let plane = (place.image * tiles.all_lines + line) * image;
            let window = Window::new(
                &input[plane..plane + image],
                (grid.height, grid.width),
                (
                    place.y as isize - grid.padding as isize,
                    place.x as isize - grid.padding as isize,
                ),
                N,
            );
            let mut rows = [MaybeUninit::<[V; N]>::uninit(); N];
            for (r, row) in rows.iter_mut().enumerate() {
                row.write(Tile::<N, M>::input(window.row(r)));
            }
            for c in 0..N {
                // SAFETY: all rows have been written.
                let values = Tile::<N, M>::input(unsafe { column(&rows, c) });
                for (r, value) in values.into_iter().enumerate() {
                    // SAFETY: the tile is ours alone, says the caller.
                    let line = unsafe { points.line((r * N + c) * layout.point + to) };
                    value.store(&mut line.0);
                }
            }
        }
    }
}

/// Transforms the gradient of the outputs of tiles, `A ∂y Aᵀ`, as [`input_tiles`] does the input.
///
/// # Safety
/// No other thread reaches these tiles and channels in `points` meanwhile.
#[inline(always)]
pub(crate) unsafe fn gradient_tiles<V: Vector, const N: usize, const M: usize>(
    gradient: &[Line],
    tiles: &Tiles,
    points: &Shared,
    layout: PointLayout,
) {
    let (height, width) = (tiles.grid.out_height, tiles.grid.out_width);
    for line in tiles.lines.clone() {
        let places = tiles.grid.places(tiles.range.clone());
        for (to, place) in (line * layout.channels..).zip(places) {
            let plane = (place.image * tiles.all_lines + line) * height * width;
            let window = Window::new(
                &gradient[plane..plane + height * width],
                (height, width),
                (place.y as isize, place.x as isize),
                M,
            );
            let mut rows = [MaybeUninit::<[V; N]>::uninit(); M];
            for (r, row) in rows.iter_mut().enumerate() {
                row.write(Tile::<N, M>::output_adjoint(window.row(r)));
            }
            for c in 0..N {
                // SAFETY: all rows have been written.
                let values = Tile::<N, M>::output_adjoint(unsafe { column(&rows, c) });
                for (r, value) in values.into_iter().enumerate() {
                    // SAFETY: the tile is ours alone, says the caller.
                    let line = unsafe { points.line((r * N + c) * layout.point + to) };
                    value.store(&mut line.0);
                }
            }
        }
    }
}

/// Turns products at the points into outputs, `Aᵀ m A`, and finishes them with the tail. `points` holds the
/// first of the tiles and the first of the lines of channels at 0.
///
/// # Safety
/// No other thread reaches these tiles and channels of `output` meanwhile.
#[inline(always)]
pub(crate) unsafe fn output_tiles<V: Vector, const N: usize, const M: usize>(
    points: &[Line],
    layout: PointLayout,
    tiles: &Tiles,
    output: &Shared,
    tail: &Tail,
) {
    let (height, width) = tail.size(tiles.grid.out_height, tiles.grid.out_width);
    for (j, line) in tiles.lines.clone().enumerate() {
        let bias = V::load(&tail.bias[line].0);
        let places = tiles.grid.places(tiles.range.clone());
        for (from, place) in (j * layout.channels..).zip(places) {
            let plane = (place.image * tiles.all_lines + line) * height * width;
            let step = if tail.pool { M / 2 } else { M };
            let (top, left) = tail.size(place.y, place.x);
            // The rows of an image are too short for the processor to see them coming.
            for r in 0..step {
                for c in 0..step {
                    output.prefetch::<V>(plane + (top + r) * width + left + 2 * step + c);
                }
            }
            let mut rows = [MaybeUninit::<[V; M]>::uninit(); N];
            for (r, row) in rows.iter_mut().enumerate() {
                let mut m = [V::splat(0.0); N];
                for (c, m) in m.iter_mut().enumerate() {
                    *m = V::load(&points[(r * N + c) * layout.point + from].0);
                }
                row.write(Tile::<N, M>::output(m));
            }
            let target = Target {
                tail,
                bias,
                place,
                size: (height, width),
                plane,
                output,
            };
            for pair in 0..M / 2 {
                // SAFETY: all rows have been written.
                let (left, right) =
                    unsafe { (column(&rows, 2 * pair), column(&rows, 2 * pair + 1)) };
                let (left, right) = (Tile::<N, M>::output(left), Tile::<N, M>::output(right));
                // SAFETY: the tile is ours alone, says the caller.
                unsafe {
                    if tail.pool {
                        target.store_pooled(&left, &right, pair);
                    } else {
                        target.store(&left, 2 * pair);
                        target.store(&right, 2 * pair + 1);
                    }
                }
            }
        }
    }
}

/// Where the outputs of a tile go.
struct Target<'a, V> {
    tail: &'a Tail<'a>,
    bias: V,
    place: Place,
    size: (usize, usize),
    /// The plane's first line.
    plane: usize,
    output: &'a Shared<'a>,
}

impl<V: Vector> Target<'_, V> {
    /// Stores column `c` of the tile.
    ///
    /// # Safety
    /// The tile's lines of the output are reached by nobody else.
    #[inline(always)]
    unsafe fn store<const M: usize>(&self, values: &[V; M], c: usize) {
        let (height, width) = self.size;
        if self.place.x + c >= width {
            return;
        }
        let start = self.plane + self.place.y * width + self.place.x + c;
        for (r, &value) in values.iter().enumerate() {
            if self.place.y + r < height {
                // SAFETY: the tile is ours alone, says the caller.
                let line = unsafe { self.output.line(start + r * width) };
                self.tail.activate(value, self.bias).store(&mut line.0);
            }
        }
    }

    /// Stores column `c` of the pooled tile, from two columns of the tile.
    ///
    /// # Safety
    /// The tile's lines of the output are reached by nobody else.
    #[inline(always)]
    unsafe fn store_pooled<const M: usize>(&self, left: &[V; M], right: &[V; M], c: usize) {
        let (height, width) = self.size;
        let (y, x) = (self.place.y / 2, self.place.x / 2 + c);
        if x >= width {
            return;
        }
        for r in 0..M / 2 {
            if y + r < height {
                let upper = left[2 * r].max(right[2 * r]);
                let lower = left[2 * r + 1].max(right[2 * r + 1]);
                // SAFETY: the tile is ours alone, says the caller.
                let line = unsafe { self.output.line(self.plane + (y + r) * width + x) };
                self.tail
                    .activate(upper.max(lower), self.bias)
                    .store(&mut line.0);
            }
        }
    }
}
