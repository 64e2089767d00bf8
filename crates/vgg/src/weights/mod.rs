//! Weight files. Written are safetensors with torchvision's names and layout, so that PyTorch reads
//! them, with the configuration in the metadata: a weight file needs nothing beside it. Read are
//! also other tools' safetensors and files of `torch.save`, in torchvision's or timm's names.

mod error;
mod header;
mod keys;
mod load;
mod save;
mod tensor_file;

pub use error::WeightsError;
pub use header::WeightsHeader;
#[cfg(feature = "winograd")]
pub(crate) use load::Loader;
pub use load::{LoadReport, Part};
pub use save::Precision;
