//! Where the tiles of a convolution lie.

use std::ops::Range;

/// The tiles of all images of a batch, numbered image by image, row by row.
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
    pub(crate) tile: usize,
    pub(crate) tiles_down: usize,
    pub(crate) tiles_across: usize,
}

/// One tile: its image and its first output.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub(crate) image: usize,
    pub(crate) y: usize,
    pub(crate) x: usize,
}

impl Grid {
    /// The grid of a 3x3 convolution; the padded input has at least 3x3 pixels (4x4 with
    /// pooling).
    pub(crate) fn new(
        batch: usize,
        height: usize,
        width: usize,
        padding: usize,
        tile: usize,
        pool: bool,
    ) -> Self {
        let used = |size: usize| if pool { size & !1 } else { size };
        let out_height = used(height + 2 * padding - 2);
        let out_width = used(width + 2 * padding - 2);
        Self {
            batch,
            height,
            width,
            padding,
            out_height,
            out_width,
            tile,
            tiles_down: out_height.div_ceil(tile),
            tiles_across: out_width.div_ceil(tile),
        }
    }

    /// Tiles of the whole batch.
    pub(crate) fn tiles(&self) -> usize {
        self.batch * self.tiles_down * self.tiles_across
    }

    /// The points that count, of `n x n`: infinity gives only the last output along each side of a tile.
    /// A map that ends before it, such as 3x3 under a tile of 4x4, needs 25 points instead of 36.
    #[inline(always)]
    pub(crate) fn points(&self, n: usize) -> impl Iterator<Item = usize> + use<> {
        let (rows, columns) = self.points_used(n);
        (0..rows * columns).map(move |i| i / columns * n + i % columns)
    }

    /// Rows and columns of the points that count.
    #[inline(always)]
    pub(crate) fn points_used(&self, n: usize) -> (usize, usize) {
        let used = |size: usize| n - usize::from(size < self.tile);
        (used(self.out_height), used(self.out_width))
    }

    /// The places of the tiles `range`, in order.
    #[inline(always)]
    pub(crate) fn places(self, range: Range<usize>) -> Places {
        let per_image = self.tiles_down * self.tiles_across;
        let rest = range.start % per_image;
        Places {
            left: range.len(),
            next: Place {
                image: range.start / per_image,
                y: rest / self.tiles_across * self.tile,
                x: rest % self.tiles_across * self.tile,
            },
            grid: self,
        }
    }
}

/// Iterator over places; without a division per tile.
pub(crate) struct Places {
    grid: Grid,
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
        if self.next.x >= self.grid.out_width {
            self.next.x = 0;
            self.next.y += self.grid.tile;
            if self.next.y >= self.grid.out_height {
                self.next.y = 0;
                self.next.image += 1;
            }
        }
        Some(place)
    }
}
