//! Training a network on labelled images, with burn-train, so that it can be stopped, killed and
//! resumed, and repeated exactly.
//!
//! The way through: a [`RunConfig`] says what to do; [`train`] sets up a [`RunFolder`], feeds
//! batches from an [`EpochLoader`] to burn-train's learner, and after each epoch commits a
//! checkpoint; at the end the network is tested ([`evaluate`]) and the results are drawn.

mod ahead;
mod augment;
mod chart;
mod checkpoint;
mod config;
mod crop;
pub mod distributed;
mod error;
mod evaluate;
mod finish;
mod finite;
#[cfg(feature = "winograd")]
mod fused;
mod history;
mod loader;
mod lock;
mod optimizer;
mod output;
mod pieces;
mod portion;
mod progress;
mod run;
mod run_folder;
mod seal;
mod start;
mod step;
mod supply;
mod watch;

pub use augment::Augmentation;
pub use burn::train::Interrupter;
pub use config::{OptimizerKind, RunConfig, Start, TrainConfig};
pub use error::TrainError;
pub use evaluate::{ClassScore, Evaluation, evaluate};
pub use history::EpochMetrics;
pub use loader::{EpochLoader, ImageBatch};
pub use optimizer::optimizer;
pub use output::StepOutput;
pub use run::{Outcome, fit, train, train_in_group};
pub use run_folder::{ClassSummary, RunFolder, Summary};
pub use step::Learning;
pub use watch::{Line, Watch};
