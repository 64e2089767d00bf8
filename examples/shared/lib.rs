//! What several examples need: a network to look through, pictures in and out, folders of runs, and an end.

pub mod exit;
pub mod font;
pub mod network;
pub mod picture;
pub mod runs;
