//! What several examples need: a network to look through, pictures and values in and out, folders of runs.

pub mod font;
pub mod foreign;
pub mod network;
pub mod picture;
pub mod runs;
mod values;

pub use values::values;
