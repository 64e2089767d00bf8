//! What several examples need: a network to look through, pictures and values in and out, folders of runs.

pub mod classes;
pub mod data;
pub mod finetuning;
pub mod font;
pub mod foreign;
pub mod network;
pub mod picture;
pub mod runs;
pub mod stop;
mod values;
pub mod workers;

pub use values::values;
