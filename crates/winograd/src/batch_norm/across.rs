//! Statistics of a batch whose parts lie with several workers.

use std::fmt;

/// How the workers that hold the parts of one batch add up numbers.
///
/// A normalisation over all parts sums once in the forward pass and once in the backward pass: the number of the part's
/// pixels, then two numbers for each channel. A worker whose part has no images takes part with zeros.
pub trait SumAcross: fmt::Debug + Send + Sync {
    /// Each worker calls this with as many numbers, and finds the sums over all workers in their place, the same ones
    /// everywhere.
    fn sum(&self, values: &mut [f64]);
}
