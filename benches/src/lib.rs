//! What several of the measurements share.

#![deny(missing_docs)]

mod peer;
mod process_memory;
mod statistics;
mod workload;

pub use peer::{Peers, Run, peer_workload};
pub use process_memory::{available_memory, peak_memory};
pub use statistics::{median, quantile};
pub use workload::{Call, Count, Workload};
