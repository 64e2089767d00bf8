//! How sums over a map are taken.

use crate::maps::line::LANES;

/// Lines that are added up in single precision, before double precision takes over.
pub(super) const CHUNK: usize = 512;

/// Sixteen channels' sums.
pub(super) type Sums = [f64; LANES];
