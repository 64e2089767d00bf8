//! Memory on large [`pages`], [`spare`] memory that is used again, and memory [`shared`] by threads.

pub(crate) mod pages;
pub(crate) mod shared;
pub(crate) mod spare;
