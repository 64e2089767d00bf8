//! Files that are read with a limit, and written whole or not at all: what programs around the library need as well.

#[cfg(not(target_family = "wasm"))]
pub use crate::atomic::write_atomically;
pub use crate::file::read_at_most;
