//! What several examples need: a network to look through, and pictures in and out.

pub mod font;
pub mod network;
pub mod picture;
