//! Large buffers.
#![allow(unsafe_code)]

use rayon::prelude::*;

use crate::maps::line::Line;

/// `count` zeros, on large pages where the system has them: the tables of 4 KiB pages of a network's
/// weights do not fit into the processor, and to set them up takes longer than to fill the pages.
pub(crate) fn zeros<T: Copy + Send + Sync>(zero: T, count: usize) -> Vec<T> {
    let mut buffer: Vec<T> = Vec::with_capacity(count);
    advise(buffer.spare_capacity_mut());
    // The threads share the work of the system, which clears a page when it is first touched.
    buffer.par_extend(rayon::iter::repeat_n(zero, count));
    buffer
}

/// Makes `buffer` at least `count` lines long. Its old content is lost if it has to grow.
pub(crate) fn grow(buffer: &mut Vec<Line>, count: usize) {
    if buffer.len() < count {
        // First the old memory goes, so that not both are held at a time.
        *buffer = Vec::new();
        *buffer = zeros(Line::ZERO, count);
    }
}

/// Asks for large pages for the whole ones inside of a buffer that has not been touched. Miri has no pages.
#[cfg(all(target_os = "linux", not(miri)))]
fn advise<T>(buffer: &mut [std::mem::MaybeUninit<T>]) {
    use std::ffi::{c_int, c_void};
    unsafe extern "C" {
        fn madvise(address: *mut c_void, length: usize, advice: c_int) -> c_int;
    }
    const LARGE_PAGE: usize = 2 << 20;
    const MADV_HUGEPAGE: c_int = 14;
    let start = buffer.as_mut_ptr().cast::<u8>();
    let skipped = start.align_offset(LARGE_PAGE);
    let inside = size_of_val(buffer).saturating_sub(skipped) / LARGE_PAGE * LARGE_PAGE;
    if inside > 0 {
        // SAFETY: the range lies inside of the buffer, and the advice does not change what it holds. If the
        // system refuses, the pages stay small.
        unsafe { madvise(start.add(skipped).cast(), inside, MADV_HUGEPAGE) };
    }
}

#[cfg(not(all(target_os = "linux", not(miri))))]
fn advise<T>(_buffer: &mut [std::mem::MaybeUninit<T>]) {}
