//! Memory that several threads write at the same time, each its own lines.
#![allow(unsafe_code)]

use std::marker::PhantomData;
use std::ops::Range;

use crate::maps::line::Line;
use crate::simd::Vector;

/// A mutable slice, mostly of lines, that can be handed to several threads. A tile's outputs are scattered over
/// the rows of an image, so the slice cannot be split into one contiguous part per thread.
pub(crate) struct Shared<'a, T = Line> {
    start: *mut T,
    len: usize,
    slice: PhantomData<&'a mut [T]>,
}

// SAFETY: elements are reached only by `line` and `part`, whose callers promise that nobody else reaches
// them meanwhile.
unsafe impl<T: Send> Sync for Shared<'_, T> {}

impl<'a, T> Shared<'a, T> {
    pub(crate) fn new(slice: &'a mut [T]) -> Self {
        Self {
            start: slice.as_mut_ptr(),
            len: slice.len(),
            slice: PhantomData,
        }
    }

    /// Element `index`; panics if there is none.
    ///
    /// # Safety
    /// Nobody else reaches this element as long as the reference lives.
    #[inline(always)]
    #[allow(clippy::mut_from_ref)]
    pub(crate) unsafe fn line(&self, index: usize) -> &mut T {
        assert!(index < self.len);
        // SAFETY: the index is in bounds, and the caller says that the element is not shared.
        unsafe { &mut *self.start.add(index) }
    }

    /// Asks for element `index`, which may be out of bounds.
    #[inline(always)]
    pub(crate) fn prefetch<V: Vector>(&self, index: usize) {
        V::prefetch(self.start.wrapping_add(index).cast());
    }

    /// Elements `range`; panics if there are fewer.
    ///
    /// # Safety
    /// Nobody else reaches these elements as long as the reference lives.
    #[inline(always)]
    #[allow(clippy::mut_from_ref)]
    pub(crate) unsafe fn part(&self, range: Range<usize>) -> &mut [T] {
        assert!(range.start <= range.end && range.end <= self.len);
        // SAFETY: the range is in bounds, and the caller says that the elements are not shared.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(range.start), range.len()) }
    }
}
