//! Feature maps by layer name, and what can be done with them.

mod error;
mod extract;
mod frozen;
mod grad_cam;
mod layer;
mod lpips;
mod perceptual;

pub use error::FeatureError;
pub use extract::{PyramidLevel, VggFeatures};
pub use layer::{FeatureLayer, LayerError};
pub use lpips::Lpips;
pub use perceptual::{LossParts, PerceptualLoss, PerceptualTarget, gram};
