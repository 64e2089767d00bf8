#![doc = include_str!("../README.md")]
#![deny(missing_docs)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod analysis;
mod attribution;
pub mod bounds;
mod build;
mod calls;
mod capture;
pub mod compare;
pub mod convention;
mod error;
pub mod formulas;
mod gradient;
mod hint;
mod in_training;
mod inputs;
mod kind;
mod lend;
pub mod limits;
mod memory;
mod notes;
pub mod onnx;
mod optimizer;
mod outputs;
mod pass;
mod record;
pub mod render;
pub mod report;
mod rules;
mod stack;
mod training;
mod tree;
mod window;
mod work;

pub use analysis::{Analysis, Analyzer, analyse, analyse_init};
pub use build::Options;
pub use convention::Convention;
pub use error::Error;
pub use in_training::analyse_training;
pub use inputs::Inputs;
pub use kind::Kind;
pub use optimizer::{Optimizer, UnknownOptimizer};
pub use outputs::{OutputId, Outputs};
pub use report::Report;
pub use work::Work;

#[doc = include_str!("guide.md")]
pub mod guide {}
