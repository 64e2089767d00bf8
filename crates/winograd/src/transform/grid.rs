//! Where the tiles of a convolution lie.

use std::ops::Range;

/// The tiles of all images of a batch.
///
/// Tiles at the right and the lower border may be short: they have fewer outputs than fit. The point at
/// infinity only gives the last output along each side, so that short tiles do without. To make those that
/// need a point neighbours, the tiles are numbered by kinds: short in width, then full, then short in height,
/// then short in both; within a kind image by image, row by row.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Grid {
    pub(crate) batch: usize,
    /// Size of the input in pixels.
    pub(crate) height: usize,
    pub(crate) width: usize,
    /// Pixels of padding on each side.
    pub(crate) padding: usize,
    /// Size of the output in pixels, before pooling; without the last row or column that pooling drops.
    pub(crate) out_height: usize,
    pub(crate) out_width: usize,
    /// Outputs along each side of a tile.
    tile: usize,
    /// For each kind, the number of the tile after its last one.
    ends: [usize; KINDS],
}

/// One tile: its image and its first output.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Place {
    pub(crate) image: usize,
    pub(crate) y: usize,
    pub(crate) x: usize,
}

const KINDS: usize = 4;

impl Grid {
    /// The grid of a 3x3 convolution; the padded input has at least 3x3 pixels (4x4 with pooling).
    pub(crate) fn new(
        batch: usize,
        height: usize,
        width: usize,
        padding: usize,
        tile: usize,
        pool: bool,
    ) -> Self {
        let used = |size: usize| if pool { size & !1 } else { size };
        let mut grid = Self {
            batch,
            height,
            width,
            padding,
            out_height: used(height + 2 * padding - 2),
            out_width: used(width + 2 * padding - 2),
            tile,
            ends: [0; KINDS],
        };
        let mut end = 0;
        for kind in 0..KINDS {
            let (rows, columns) = grid.area(kind);
            end += batch * grid.count(&rows) * grid.count(&columns);
            grid.ends[kind] = end;
        }
        grid
    }

    /// Tiles of the whole batch.
    pub(crate) fn tiles(&self) -> usize {
        self.ends[KINDS - 1]
    }

    /// Those of the tiles `range` that need a point of `n x n`, counted from the start of the range.
    #[inline(always)]
    pub(crate) fn needing(&self, point: usize, n: usize, range: &Range<usize>) -> Range<usize> {
        let [short_wide, full, short_high, all] = self.ends;
        let (last_row, last_column) = (point / n == n - 1, point % n == n - 1);
        let start = if last_column { short_wide } else { 0 };
        let end = match (last_row, last_column) {
            (true, _) => full,
            (false, true) => short_high,
            (false, false) => all,
        };
        let local = |tile: usize| tile.clamp(range.start, range.end) - range.start;
        local(start)..local(end)
    }

    /// The places of the tiles `range`, in order.
    #[inline(always)]
    pub(crate) fn places(&self, range: Range<usize>) -> Places {
        let ends = self.ends;
        let kind = (0..KINDS - 1)
            .find(|&k| range.start < ends[k])
            .unwrap_or(KINDS - 1);
        let (rows, columns) = self.area(kind);
        let index = range.start - if kind == 0 { 0 } else { ends[kind - 1] };
        let (down, across) = (self.count(&rows).max(1), self.count(&columns).max(1));
        Places {
            next: Place {
                image: index / (down * across),
                y: rows.start + index / across % down * self.tile,
                x: columns.start + index % across * self.tile,
            },
            left: range.len(),
            grid: *self,
            kind,
            rows,
            columns,
        }
    }

    /// Rows and columns of the outputs of a kind of tiles in each image.
    #[inline(always)]
    fn area(&self, kind: usize) -> (Range<usize>, Range<usize>) {
        let full = |size: usize| size / self.tile * self.tile;
        let (height, width) = (full(self.out_height), full(self.out_width));
        match kind {
            0 => (0..height, width..self.out_width),
            1 => (0..height, 0..width),
            2 => (height..self.out_height, 0..width),
            _ => (height..self.out_height, width..self.out_width),
        }
    }

    /// Tiles along a range of outputs.
    #[inline(always)]
    fn count(&self, outputs: &Range<usize>) -> usize {
        outputs.len().div_ceil(self.tile)
    }
}

/// Iterator over places; without a division per tile.
pub(crate) struct Places {
    grid: Grid,
    kind: usize,
    rows: Range<usize>,
    columns: Range<usize>,
    next: Place,
    left: usize,
}

impl Iterator for Places {
    type Item = Place;

    #[inline(always)]
    fn next(&mut self) -> Option<Place> {
        if self.left == 0 {
            return None;
        }
        self.left -= 1;
        let place = self.next;
        self.next.x += self.grid.tile;
        if self.next.x >= self.columns.end {
            self.next.x = self.columns.start;
            self.next.y += self.grid.tile;
            if self.next.y >= self.rows.end {
                self.next.y = self.rows.start;
                self.next.image += 1;
                if self.next.image == self.grid.batch && self.left > 0 {
                    self.next_kind();
                }
            }
        }
        Some(place)
    }
}

impl Places {
    /// Goes to the first tile of the next kind that has any.
    #[inline(always)]
    fn next_kind(&mut self) {
        while self.kind + 1 < KINDS {
            self.kind += 1;
            (self.rows, self.columns) = self.grid.area(self.kind);
            if !self.rows.is_empty() && !self.columns.is_empty() {
                break;
            }
        }
        self.next = Place {
            image: 0,
            y: self.rows.start,
            x: self.columns.start,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_output_is_in_one_tile_and_every_range_agrees() {
        for (height, width, tile) in [
            (1, 1, 4),
            (4, 4, 4),
            (7, 3, 4),
            (8, 9, 4),
            (13, 6, 6),
            (5, 2, 2),
        ] {
            let grid = Grid::new(3, height, width, 1, tile, false);
            let all: Vec<Place> = grid.places(0..grid.tiles()).collect();
            let mut seen = vec![0; 3 * height * width];
            for place in &all {
                for y in place.y..height.min(place.y + tile) {
                    for x in place.x..width.min(place.x + tile) {
                        seen[(place.image * height + y) * width + x] += 1;
                    }
                }
            }
            assert!(seen.iter().all(|&n| n == 1));
            let n = tile + 2;
            for start in 0..all.len() {
                for end in start..all.len() {
                    let some: Vec<Place> = grid.places(start..end).collect();
                    assert_eq!(some, all[start..end]);
                    for point in 0..n * n {
                        let needing = grid.needing(point, n, &(start..end));
                        for (i, place) in some.iter().enumerate() {
                            let rows = point / n < n - 1 || place.y + tile <= height;
                            let columns = point % n < n - 1 || place.x + tile <= width;
                            assert_eq!(needing.contains(&i), rows && columns);
                        }
                    }
                }
            }
        }
    }
}
