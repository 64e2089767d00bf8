//! What several of the measurements share.

#![deny(missing_docs)]

mod peer;
mod process_memory;
mod statistics;
mod workload;

pub use peer::{Peers, Run, peer_workload};
pub use process_memory::{available_memory, held_memory, peak_memory, reset_peak_memory};
pub use statistics::{median, quantile};
pub use workload::{Call, Count, Workload};
