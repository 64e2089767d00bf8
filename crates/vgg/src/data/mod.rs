//! Labelled images: where they come from and what is checked on the way.
//!
//! Every source ends as an [`ImageData`]: a training and a test [`ImageSet`] of one image size,
//! held as bytes in memory, with the names of the classes. The images of a large folder stay in their
//! files: a training reads them ahead of its steps.

mod channel_order;
#[cfg(feature = "train")]
mod cifar10;
mod decode;
#[cfg(feature = "embedded")]
mod embedded;
mod error;
#[cfg(feature = "train")]
mod fashion_mnist;
#[cfg(feature = "train")]
mod files;
#[cfg(feature = "train")]
mod folder;
#[cfg(feature = "train")]
mod idx;
mod image;
mod image_data;
mod image_set;
mod imagenet;
mod jpeg;
mod memory;
#[cfg(feature = "train")]
mod named;
mod normalization;
#[cfg(feature = "train")]
mod part;
mod preprocessing;
mod resize;

pub use channel_order::ChannelOrder;
pub use error::DataError;
#[cfg(feature = "train")]
pub use fashion_mnist::{DOWNLOAD_ADDRESS, fashion_mnist};
#[cfg(feature = "train")]
pub(crate) use files::digest_name;
#[cfg(feature = "train")]
pub use idx::{IdxImages, parse_idx_images, parse_idx_labels};
pub use image::{Fit, read_image, read_scaled};
pub use image_data::{DataState, ImageData, LeftOut};
pub use image_set::ImageSet;
#[cfg(feature = "train")]
pub use image_set::LabelledImage;
pub use imagenet::imagenet_classes;
#[cfg(feature = "train")]
pub use named::{DataOptions, load};
pub use normalization::Normalization;
#[cfg(feature = "train")]
pub(crate) use part::Part;
pub use preprocessing::Preprocessing;

/// The ten classes of Fashion-MNIST, in the order of their labels.
pub const FASHION_MNIST_CLASSES: [&str; 10] = [
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
];
