//! What several of the measurements share.

#![deny(missing_docs)]

mod peer;
mod statistics;
mod workload;

pub use peer::{Peers, Run};
pub use statistics::{median, quantile};
pub use workload::{Call, Count, Workload};
