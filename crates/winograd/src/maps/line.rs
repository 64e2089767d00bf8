//! The unit of all memory in this crate: sixteen channels of one pixel.

/// Channels in a [`Line`].
pub const LANES: usize = 16;

/// Sixteen neighbouring channels of one pixel: 64 bytes, one cache line, one AVX-512 register or two
/// AVX2 registers.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[repr(C, align(64))]
pub struct Line(pub [f32; LANES]);

impl Line {
    /// All channels zero.
    pub const ZERO: Line = Line([0.0; LANES]);
}

/// How many lines hold `channels` channels; the last one is filled up with zeros.
pub(crate) const fn lines_for(channels: usize) -> usize {
    channels.div_ceil(LANES)
}
