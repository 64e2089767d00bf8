//! Tasks on the threads of the current rayon pool, each with scratch memory of its own.

mod pool;
mod tasks;
mod workspace;

pub use pool::on_pool;
pub(crate) use tasks::{for_each_task, part, planes_per_task};
pub use workspace::Workspace;
pub(crate) use workspace::{Parts, Slot, reserve, scratch};
