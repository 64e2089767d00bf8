//! What is known of a device.

use std::fmt::{self, Display};

/// Something that a backend can run on.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DeviceInfo {
    /// What it calls itself.
    pub name: String,
    /// What sort of device it is: `CPU`, `discrete GPU`, `software GPU`, …
    pub kind: &'static str,
    /// Bytes of memory, where that is known.
    pub memory: Option<u64>,
    /// Bytes of the largest tensor that it can compute with, where there is a limit below its memory.
    pub largest_tensor: Option<u64>,
}

impl Display for DeviceInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {}", self.name, self.kind)?;
        if let Some(bytes) = self.memory {
            write!(f, ", {:.1} GB", bytes as f64 / 1e9)?;
        }
        if let Some(bytes) = self.largest_tensor {
            write!(f, ", tensors up to {:.1} GB", bytes as f64 / 1e9)?;
        }
        Ok(())
    }
}
