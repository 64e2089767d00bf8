//! What can be wrong with a call.

use crate::Kernel;

/// A call that does not fit together. Nothing has been written when it is returned.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A slice or a buffer has the wrong number of elements.
    #[error("{what}: expected {expected} elements, found {found}")]
    Length {
        /// Which argument.
        what: &'static str,
        /// Elements that the sizes ask for.
        expected: usize,
        /// Elements that it has.
        found: usize,
    },
    /// An activation has the wrong size in one dimension.
    #[error("{what}: expected {expected}, found {found}")]
    Size {
        /// Which dimension of which argument.
        what: &'static str,
        /// The size that the layer or another argument asks for.
        expected: usize,
        /// The size that it has.
        found: usize,
    },
    /// A size that must not be zero is zero.
    #[error("{0} must not be zero")]
    Zero(&'static str),
    /// Padding that would make rows of nothing but padding.
    #[error("padding: expected at most {max}, found {found}")]
    Padding {
        /// The largest padding that is allowed.
        max: usize,
        /// The padding that was asked for.
        found: usize,
    },
    /// The input is smaller than the 3x3 window, or the output smaller than the 2x2 pooling window.
    #[error("an input of {height}x{width} with padding {padding} has no output{}", if *.pool { " after 2x2 pooling" } else { "" })]
    TooSmall {
        /// Height of the input in pixels.
        height: usize,
        /// Width of the input in pixels.
        width: usize,
        /// Padding on each side in pixels.
        padding: usize,
        /// Whether a 2x2 pooling follows.
        pool: bool,
    },
    /// The sizes multiply to more than can be addressed.
    #[error("{0} has more elements than can be addressed")]
    TooLarge(&'static str),
    /// The processor has not the instructions of the kernel that was asked for.
    #[error("kernel {0:?} does not run on this processor")]
    KernelUnavailable(Kernel),
    /// An algorithm that does not serve this use.
    #[error("algorithm {algorithm:?} {reason}")]
    Unsupported {
        /// The algorithm that was asked for.
        algorithm: crate::Algorithm,
        /// Why it does not serve.
        reason: &'static str,
    },
}

/// `Ok` if `found` equals `expected`.
pub(crate) fn check_length(what: &'static str, expected: usize, found: usize) -> Result<(), Error> {
    if expected == found {
        Ok(())
    } else {
        Err(Error::Length {
            what,
            expected,
            found,
        })
    }
}

/// `Ok` if `found` equals `expected`.
pub(crate) fn check_size(what: &'static str, expected: usize, found: usize) -> Result<(), Error> {
    if expected == found {
        Ok(())
    } else {
        Err(Error::Size {
            what,
            expected,
            found,
        })
    }
}

/// `Ok` if `size` is not zero.
pub(crate) fn check_nonzero(what: &'static str, size: usize) -> Result<(), Error> {
    if size == 0 {
        Err(Error::Zero(what))
    } else {
        Ok(())
    }
}

/// The product of `sizes` if it can be addressed.
pub(crate) fn product(what: &'static str, sizes: &[usize]) -> Result<usize, Error> {
    sizes
        .iter()
        .try_fold(1usize, |product, &size| product.checked_mul(size))
        .filter(|&product| product <= isize::MAX as usize / 4)
        .ok_or(Error::TooLarge(what))
}

/// The kernel itself if this processor runs it.
pub(crate) fn check_kernel(kernel: Kernel) -> Result<Kernel, Error> {
    match kernel.is_available() {
        true => Ok(kernel),
        false => Err(Error::KernelUnavailable(kernel)),
    }
}
