//! Tiles on their way between an activation and the points of Winograd's transform.
#![allow(unsafe_code)]

use std::ops::Range;

use crate::grid::{Grid, Place};
use crate::line::Line;
use crate::shared::Shared;
use crate::simd::Vector;
use crate::tail::Tail;
use crate::tile::Tile;

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

/// The pixels `[N][N]` under a tile, from one line of channels; zero outside of the image.
#[inline(always)]
fn window<V: Vector, const N: usize>(
    image: &[Line],
    height: usize,
    width: usize,
    y: isize,
    x: isize,
) -> [[V; N]; N] {
    let mut pixels = [[V::splat(0.0); N]; N];
    let inside = y >= 0 && x >= 0 && y as usize + N <= height && x as usize + N <= width;
    if inside {
        for (r, row) in pixels.iter_mut().enumerate() {
            let start = (y as usize + r) * width + x as usize;
            // What the tile after the next one needs anew.
            for c in 2..N {
                V::prefetch(image.as_ptr().wrapping_add(start + 2 * N - 4 + c).cast());
            }
            let line = &image[start..start + N];
            for (pixel, line) in row.iter_mut().zip(line) {
                *pixel = V::load(&line.0);
            }
        }
    } else {
        for (r, row) in pixels.iter_mut().enumerate() {
            let y = y + r as isize;
            if y < 0 || y as usize >= height {
                continue;
            }
            for (c, pixel) in row.iter_mut().enumerate() {
                let x = x + c as isize;
                if x >= 0 && (x as usize) < width {
                    *pixel = V::load(&image[y as usize * width + x as usize].0);
                }
            }
        }
    }
    pixels
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
            let mut pixels = window::<V, N>(
                &input[plane..plane + image],
                grid.height,
                grid.width,
                place.y as isize - grid.padding as isize,
                place.x as isize - grid.padding as isize,
            );
            for row in &mut pixels {
                *row = Tile::<N, M>::input(*row);
            }
            for column in 0..N {
                let mut one = pixels[0];
                for (one, row) in one.iter_mut().zip(&pixels) {
                    *one = row[column];
                }
                for (row, value) in Tile::<N, M>::input(one).into_iter().enumerate() {
                    let index = (row * N + column) * layout.point + to;
                    // SAFETY: the tile is ours alone, says the caller.
                    value.store(unsafe { &mut points.line(index).0 });
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
            let pixels = window::<V, M>(
                &gradient[plane..plane + height * width],
                height,
                width,
                place.y as isize,
                place.x as isize,
            );
            let mut rows = [[V::splat(0.0); N]; M];
            for (row, pixels) in rows.iter_mut().zip(pixels) {
                *row = Tile::<N, M>::output_adjoint(pixels);
            }
            for column in 0..N {
                let mut one = [V::splat(0.0); M];
                for (one, row) in one.iter_mut().zip(&rows) {
                    *one = row[column];
                }
                for (row, value) in Tile::<N, M>::output_adjoint(one).into_iter().enumerate() {
                    let index = (row * N + column) * layout.point + to;
                    // SAFETY: the tile is ours alone, says the caller.
                    value.store(unsafe { &mut points.line(index).0 });
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
            let y = products::<V, N, M>(points, layout, from);
            // SAFETY: the tile is ours alone, says the caller.
            unsafe {
                if tail.pool {
                    store_pooled(&y, tail, bias, place, (height, width), plane, output);
                } else {
                    store(&y, tail, bias, place, (height, width), plane, output);
                }
            }
        }
    }
}

/// `Aᵀ m A` of one tile and one line of channels.
#[inline(always)]
fn products<V: Vector, const N: usize, const M: usize>(
    points: &[Line],
    layout: PointLayout,
    from: usize,
) -> [[V; M]; M] {
    let mut rows = [[V::splat(0.0); M]; N];
    for (r, row) in rows.iter_mut().enumerate() {
        let mut m = [V::splat(0.0); N];
        for (c, m) in m.iter_mut().enumerate() {
            *m = V::load(&points[(r * N + c) * layout.point + from].0);
        }
        *row = Tile::<N, M>::output(m);
    }
    let mut y = [[V::splat(0.0); M]; M];
    for column in 0..M {
        let mut one = [V::splat(0.0); N];
        for (one, row) in one.iter_mut().zip(&rows) {
            *one = row[column];
        }
        for (y, value) in y.iter_mut().zip(Tile::<N, M>::output(one)) {
            y[column] = value;
        }
    }
    y
}

/// # Safety
/// The tile's lines of `output` are reached by nobody else.
#[inline(always)]
unsafe fn store<V: Vector, const M: usize>(
    y: &[[V; M]; M],
    tail: &Tail,
    bias: V,
    place: Place,
    (height, width): (usize, usize),
    plane: usize,
    output: &Shared,
) {
    for (r, row) in y.iter().enumerate() {
        if place.y + r >= height {
            break;
        }
        let start = plane + (place.y + r) * width + place.x;
        for (c, &value) in row.iter().enumerate() {
            if place.x + c < width {
                // SAFETY: the tile is ours alone, says the caller.
                let line = unsafe { output.line(start + c) };
                tail.activate(value, bias).store(&mut line.0);
            }
        }
    }
}

/// # Safety
/// The tile's lines of `output` are reached by nobody else.
#[inline(always)]
unsafe fn store_pooled<V: Vector, const M: usize>(
    y: &[[V; M]; M],
    tail: &Tail,
    bias: V,
    place: Place,
    (height, width): (usize, usize),
    plane: usize,
    output: &Shared,
) {
    for r in 0..M / 2 {
        for c in 0..M / 2 {
            let (row, column) = (place.y / 2 + r, place.x / 2 + c);
            if row < height && column < width {
                let upper = y[2 * r][2 * c].max(y[2 * r][2 * c + 1]);
                let lower = y[2 * r + 1][2 * c].max(y[2 * r + 1][2 * c + 1]);
                // SAFETY: the tile is ours alone, says the caller.
                let line = unsafe { output.line(plane + row * width + column) };
                tail.activate(upper.max(lower), bias).store(&mut line.0);
            }
        }
    }
}
