//! Weight files. Written are safetensors with torchvision's names and layout, so that PyTorch reads
//! them, with the configuration in the metadata: a weight file needs nothing beside it. Read are
//! also other tools' safetensors and files of `torch.save`, in
//! torchvision's, timm's or Caffe's names.

mod check;
mod error;
mod header;
mod keys;
mod load;
mod loader;
mod options;
mod parameters;
#[cfg(feature = "pytorch")]
mod pytorch;
mod save;
mod sets;
mod tensor_file;

pub(crate) use error::CONFIG_KEY;
pub use error::WeightsError;
pub use header::WeightsHeader;
pub(crate) use loader::is_finite;
pub use options::{LoadOptions, LoadReport, Part};
pub use save::Precision;
