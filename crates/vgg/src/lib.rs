#![doc = include_str!("../README.md")]
#![deny(missing_docs)]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(not(target_family = "wasm"))]
mod atomic;
#[cfg(feature = "classify")]
mod classifier;
mod config;
#[cfg(feature = "classify")]
pub mod data;
mod dense;
pub mod device;
mod engine;
mod features;
#[cfg(feature = "fetch")]
mod fetch;
mod file;
pub mod files;
mod head;
mod input;
mod layers;
mod model;
mod onnx;
mod prepared;
#[cfg(feature = "pretrained")]
mod pretrained;
mod source;
#[cfg(feature = "train")]
pub mod train;
mod variants;
mod walk;
mod weights;
mod whole;

/// The framework, in the version that this crate is built on.
pub use burn;
/// What any module costs.
#[cfg(feature = "cost")]
pub use cost;

#[cfg(feature = "classify")]
pub use classifier::{Answer, Classifier, ClassifierError, ClassifyError, Guess};
pub use config::{BlockConfig, ConfigError, Pooling, VggConfig, WeightInit};
pub use dense::DenseVgg;
pub use device::{DeviceError, device};
pub use engine::{Engine, UnknownEngine};
pub use features::{
    FeatureError, FeatureLayer, LayerError, LossParts, Lpips, PerceptualLoss, PerceptualTarget,
    PyramidLevel, VggFeatures, gram,
};
#[cfg(feature = "fetch")]
pub use fetch::{FetchError, Progress, cache_folder};
pub use head::LayerGroup;
pub use input::InputError;
pub use layers::{Block, ConvLayer, HiddenLayer};
pub use model::Vgg;
pub use onnx::OnnxError;
pub use prepared::{PreparedError, PreparedVgg};
#[cfg(feature = "pretrained")]
pub use pretrained::{PretrainedError, PretrainedWeights, pretrained_weights};
pub use source::Source;
pub use walk::Stage;
pub use weights::{LoadOptions, LoadReport, Part, Precision, WeightsError, WeightsHeader};
