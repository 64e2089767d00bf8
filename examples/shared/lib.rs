//! What several examples need: a network to look through, pictures in and out, and an end.

pub mod exit;
pub mod font;
pub mod network;
pub mod picture;
