use thiserror::Error;

/// A backend or a device that cannot be had.
#[derive(Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum DeviceError {
    /// No backend has this name.
    #[error("there is no backend named \"{name}\"; compiled in: {compiled}{others}")]
    Unknown {
        /// The name that was asked for.
        name: String,
        /// The names that would work.
        compiled: String,
        /// The other backends and the features that add them.
        others: String,
    },
    /// The backend exists, but is not part of this build.
    #[error(
        "the backend \"{name}\" is not compiled in: build with --features {name}; \
         compiled in: {compiled}{others}"
    )]
    NotCompiled {
        /// The name that was asked for.
        name: String,
        /// The names that would work.
        compiled: String,
        /// The other backends and the features that add them.
        others: String,
    },
    /// What stands behind the colon of `NAME:INDEX` is no number.
    #[error("\"{name}\": a device is a number, counted from 0, found \"{found}\"")]
    BadNumber {
        /// What was asked for.
        name: String,
        /// The part that is no number.
        found: String,
    },
    /// The backend has fewer devices.
    #[error("the backend \"{backend}\" has no device {index}; it has {found}")]
    NoSuchDevice {
        /// The backend.
        backend: String,
        /// The number that was asked for.
        index: usize,
        /// The devices that there are.
        found: String,
    },
    /// A tensor is larger than the device can compute with.
    #[error(
        "a tensor of {:.1} GB is too large for the backend \"{backend}\" on {device}",
        *bytes as f64 / 1e9
    )]
    TooLarge {
        /// The backend.
        backend: String,
        /// The device, and what it can compute with.
        device: String,
        /// Bytes of the tensor.
        bytes: u64,
    },
    /// The backend found nothing to run on.
    #[error("the backend \"{name}\" found no device to run on: {reason}")]
    Unavailable {
        /// The backend.
        name: String,
        /// What was looked for, and what happened.
        reason: String,
    },
}
