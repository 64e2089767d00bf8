//! How large a network may be: a few bytes of a file can ask for any size.

/// The most parameters that a configuration may ask for: 40 GB of `f32`.
pub(super) const MOST_PARAMETERS: u128 = 10_000_000_000;
/// The longest side of an input, in pixels: VGG-16's first map of such an image has 4 GB.
pub(crate) const MOST_SIDE: usize = 4096;
/// Each block halves the sides, so that an input survives no more blocks.
pub(super) const MOST_BLOCKS: usize = MOST_SIDE.ilog2() as usize;
/// Every layer costs something however narrow it is. VGG-19 has 16 convolutions.
pub(super) const MOST_CONVOLUTIONS: usize = 1000;
/// As many hidden layers. The published networks have two.
pub(super) const MOST_HIDDEN: usize = 100;
/// A hyperspectral image has hundreds.
pub(super) const MOST_INPUT_CHANNELS: usize = 1024;
