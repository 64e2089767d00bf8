//! Feature maps by layer name, and what can be done with them.

mod error;
mod extract;
mod grad_cam;
mod layer;
mod trunk;

pub use error::FeatureError;
pub use extract::{PyramidLevel, VggFeatures};
pub use layer::{FeatureLayer, LayerError};
