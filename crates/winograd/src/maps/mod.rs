//! Feature maps between layers, and what happens to them there.

pub(crate) mod activation;
pub(crate) mod elementwise;
pub(crate) mod line;
