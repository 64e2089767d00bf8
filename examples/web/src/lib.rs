//! What the page calls: recognising pictures, looking inside the network, counting what it costs.
//!
//! Compiled twice, once with feature `cpu` and once with `webgpu`: both modules have the same functions, so that the
//! page's worker takes either. On anything but wasm this crate is empty.

#![deny(missing_docs)]
#![cfg(target_arch = "wasm32")]

#[cfg(feature = "cpu")]
mod counting;
mod inside;
mod network;
mod panic;

#[cfg(feature = "cpu")]
pub use counting::{Costs, conventions, networks};
pub use inside::{FeatureMap, Inside};
pub use network::{Answer, Backend, Network, open_backend};
