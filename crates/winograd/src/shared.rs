//! Memory that several threads write at the same time, each its own lines.
#![allow(unsafe_code)]

use std::marker::PhantomData;
use std::ops::Range;

use crate::line::Line;
use crate::simd::Vector;

/// A mutable slice of lines that can be handed to several threads. A tile's outputs are scattered over
/// the rows of an image, so the slice cannot be split into one contiguous part per thread.
pub(crate) struct Shared<'a> {
    start: *mut Line,
    len: usize,
    slice: PhantomData<&'a mut [Line]>,
}

// SAFETY: a line is reached only by `line`, whose caller promises that nobody else reaches it meanwhile.
unsafe impl Sync for Shared<'_> {}

impl<'a> Shared<'a> {
    pub(crate) fn new(slice: &'a mut [Line]) -> Self {
        Self {
            start: slice.as_mut_ptr(),
            len: slice.len(),
            slice: PhantomData,
        }
    }

    /// Line `index`; panics if there is none.
    ///
    /// # Safety
    /// Nobody else reaches this line as long as the reference lives.
    #[inline(always)]
    #[allow(clippy::mut_from_ref)]
    pub(crate) unsafe fn line(&self, index: usize) -> &mut Line {
        assert!(index < self.len);
        // SAFETY: the index is in bounds, and the caller says that the line is not shared.
        unsafe { &mut *self.start.add(index) }
    }

    /// Asks for line `index`, which may be out of bounds.
    #[inline(always)]
    pub(crate) fn prefetch<V: Vector>(&self, index: usize) {
        V::prefetch(self.start.wrapping_add(index).cast());
    }

    /// Lines `range`; panics if there are fewer.
    ///
    /// # Safety
    /// Nobody else reaches these lines as long as the reference lives.
    #[inline(always)]
    #[allow(clippy::mut_from_ref)]
    pub(crate) unsafe fn lines(&self, range: Range<usize>) -> &mut [Line] {
        assert!(range.start <= range.end && range.end <= self.len);
        // SAFETY: the range is in bounds, and the caller says that the lines are not shared.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(range.start), range.len()) }
    }
}
