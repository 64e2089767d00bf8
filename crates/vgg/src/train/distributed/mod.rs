//! Training by several workers: devices of one process, or processes on one or more machines.
//!
//! The workers of a [`Group`] hold the same network. Of each batch every worker computes a part, image after image dealt
//! out to them; gradients are added up, each part with the weight of its images, and all take the same step. So a
//! training comes to the same end as that of one worker, up to the order in which numbers are added. Rank 0 alone keeps
//! the run's folder.
//!
//! [`threads`] are workers in one process, [`train_on_devices`] gives each a device of its own. With the feature `mpi`
//! they are processes that `mpirun` has started, on as many machines as there are.

mod agreement;
mod devices;
mod error;
mod figures;
mod gradients;
mod group;
#[cfg(feature = "mpi")]
mod mpi;
mod norms;
mod strategy;
mod threads;

#[cfg(feature = "mpi")]
pub use self::mpi::MpiGroup;
pub use devices::train_on_devices;
pub use error::{GroupError, Member};
pub use group::{Group, Solo, Sum};
pub use threads::threads;

pub(super) use agreement::Footing;
pub(super) use norms::{check_sync, synchronised};
pub(super) use strategy::{Ending, Together};
