//! What several of the measurements share.

#![deny(missing_docs)]

mod call;
mod implementation;
mod peaks;
mod peer;
mod process;
mod process_memory;
mod processor;
mod statistics;
mod stop;
mod task;
mod workload;

pub use call::Call;
pub use implementation::Implementation;
pub use peaks::{Peaks, read};
pub use peer::{Elsewhere, PeerRun, Peers, peer_workload};
pub use process::Process;
pub use process_memory::{available_memory, peak_memory};
pub use processor::{Architecture, Processor};
pub use statistics::{median, quantile};
pub use stop::{STOPPED_CODE, Stopped, check_stopped, listen_for_stop};
pub use task::Task;
pub use workload::{Count, Workload};
