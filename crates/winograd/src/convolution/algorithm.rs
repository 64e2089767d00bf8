//! The ways to compute a convolution and the choice among them.

/// A way to compute a 3x3 convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Algorithm {
    /// Winograd's `F(2x2, 3x3)`: 16 multiplications for 4 outputs instead of 36.
    F2x2,
    /// Winograd's `F(4x4, 3x3)`: 36 multiplications for 16 outputs instead of 144.
    F4x4,
    /// Winograd's `F(6x6, 3x3)`: 64 multiplications for 36 outputs instead of 324.
    F6x6,
    /// One matrix product over taps and channels: for maps smaller than a tile.
    Im2col,
    /// Direct convolution: for few input channels.
    Direct,
}

/// The size of a layer's work, from which an algorithm is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LayerSize {
    /// Images that are computed at a time.
    pub batch: usize,
    /// Channels of the input.
    pub in_channels: usize,
    /// Channels of the output.
    pub out_channels: usize,
    /// Height of the output in pixels, before pooling.
    pub out_height: usize,
    /// Width of the output in pixels, before pooling.
    pub out_width: usize,
    /// Whether a 2x2 max pooling follows, which drops an odd last row or column.
    pub pool: bool,
}

impl Algorithm {
    /// All algorithms.
    pub const ALL: [Algorithm; 5] = [
        Algorithm::F2x2,
        Algorithm::F4x4,
        Algorithm::F6x6,
        Algorithm::Im2col,
        Algorithm::Direct,
    ];

    /// Outputs along each side of a tile, for those that work on tiles.
    pub(crate) fn tile(self) -> Option<usize> {
        match self {
            Algorithm::F2x2 => Some(2),
            Algorithm::F4x4 => Some(4),
            Algorithm::F6x6 => Some(6),
            Algorithm::Im2col | Algorithm::Direct => None,
        }
    }

    /// The fastest algorithm for a layer, as [`Algorithm::choose_among`] finds it.
    pub fn choose(size: &LayerSize) -> Self {
        let candidates = [
            Algorithm::F4x4,
            Algorithm::F6x6,
            Algorithm::F2x2,
            Algorithm::Im2col,
        ];
        Self::choose_among(&candidates, size)
    }

    /// The fastest of `candidates` for a layer, by a model of the time it takes: arithmetic, and the
    /// weights that have to come from memory. [`Algorithm::Direct`] for up to four input channels in any
    /// case, and if there are no candidates.
    pub fn choose_among(candidates: &[Algorithm], size: &LayerSize) -> Self {
        if size.in_channels <= 4 {
            return Algorithm::Direct;
        }
        candidates
            .iter()
            .copied()
            .min_by(|a, b| a.cost(size).total_cmp(&b.cost(size)))
            .unwrap_or(Algorithm::Direct)
    }

    /// A time in units of a multiplication of two `f32` at the processor's best rate.
    ///
    /// The constants were fitted to `cargo bench -p winograd` on a Zen 4 with AVX-512. What matters is
    /// their order of magnitude: layers for which two algorithms come close are rare.
    fn cost(self, size: &LayerSize) -> f64 {
        /// Multiplications in the time in which one weight comes from memory.
        const LOAD: f64 = 8.0;
        /// The part of the shorter one of arithmetic and loads that is not hidden behind the longer one.
        const EXPOSED: f64 = 0.3;
        /// Multiplications in the time in which a number is transformed and goes through a near cache.
        const TRANSFORM: f64 = 8.0;
        let used = |size: usize, pool: bool| if pool { size & !1 } else { size };
        let height = used(size.out_height, size.pool);
        let width = used(size.out_width, size.pool);
        let (in_channels, out_channels) = (size.in_channels as f64, size.out_channels as f64);
        let weights = in_channels * out_channels;
        // Products of matrices, and the rows of all of them together.
        let (products, rows) = match self.tile() {
            Some(tile) => {
                // Short tiles at the border do without the point at infinity.
                let rows = |size: usize| {
                    let short = usize::from(!size.is_multiple_of(tile)) * (tile + 1);
                    (size / tile) as f64 * (tile + 2) as f64 + short as f64
                };
                ((tile + 2) * (tile + 2), rows(height) * rows(width))
            }
            None => (9, 9.0 * height as f64 * width as f64),
        };
        let (products, rows) = (products as f64, size.batch as f64 * rows);
        // The direct way reads its input by single numbers instead of by lines of channels.
        let slower = if self == Algorithm::Direct { 2.0 } else { 1.0 };
        let arithmetic = slower * rows * (weights + TRANSFORM * (in_channels + out_channels));
        let load = LOAD * products * weights;
        arithmetic.max(load) + EXPOSED * arithmetic.min(load)
    }
}
