//! Winograd's transforms: of one [`tile`], of all [`tiles`] of a map, which a [`grid`] cuts.

pub(crate) mod grid;
pub(crate) mod tile;
pub(crate) mod tiles;
