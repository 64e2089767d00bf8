//! The header of a safetensors file.

use std::collections::HashMap;
use std::io::Read;
use std::path::{Path, PathBuf};

use safetensors::tensor::{Metadata, TensorInfo};

use super::error::{CONFIG_KEY, WeightsError};
use crate::config::VggConfig;
use crate::file::open_file;
use crate::source::Source;

/// A header lists a hundred tensors; one of more bytes is not believed.
const MOST_HEADER_BYTES: u64 = 16 << 20;
/// For messages.
const FORMAT: &str = "safetensors";

/// A weight file's header: what is known before any weight is read.
#[derive(Debug, Clone)]
pub struct WeightsHeader {
    path: PathBuf,
    metadata: Metadata,
    /// Where the numbers begin, in bytes from the beginning of the file.
    data_start: u64,
}

impl WeightsHeader {
    /// Reads the header of a file and checks the file's length against it.
    ///
    /// # Errors
    /// A file that cannot be read, is no safetensors file, or was cut off.
    pub fn read<'a>(source: impl Into<Source<'a>>) -> Result<Self, WeightsError> {
        match source.into() {
            Source::Path(path) => Self::of_file(&path),
            Source::Memory { name, bytes } => Self::of_bytes(&name, &bytes),
        }
    }

    fn of_file(path: &Path) -> Result<Self, WeightsError> {
        let error = |source| WeightsError::Io {
            path: path.to_owned(),
            source,
        };
        let mut file = open_file(path).map_err(error)?;
        let length = file.metadata().map_err(error)?.len();
        let mut size = [0; 8];
        let mut json = Vec::new();
        if length >= 8 {
            file.read_exact(&mut size).map_err(error)?;
            let header = u64::from_le_bytes(size).min(MOST_HEADER_BYTES);
            file.take(header).read_to_end(&mut json).map_err(error)?;
        }
        Self::parse(path, length, u64::from_le_bytes(size), &json)
    }

    fn of_bytes(name: &Path, bytes: &[u8]) -> Result<Self, WeightsError> {
        let size = bytes
            .first_chunk()
            .map_or(0, |size| u64::from_le_bytes(*size));
        let end = 8 + size.min(bytes.len() as u64) as usize;
        let json = bytes.get(8..end.min(bytes.len())).unwrap_or_default();
        Self::parse(name, bytes.len() as u64, size, json)
    }

    fn parse(path: &Path, length: u64, size: u64, json: &[u8]) -> Result<Self, WeightsError> {
        let path = path.to_owned();
        if length < 8 || size > MOST_HEADER_BYTES {
            let reason = match length {
                0..8 => format!("{length} bytes are too few"),
                _ => format!("its header would have {size} bytes"),
            };
            return Err(WeightsError::Format {
                path,
                format: FORMAT,
                reason,
            });
        }
        if (json.len() as u64) < size {
            return Err(WeightsError::Length {
                path,
                expected: 8 + size,
                found: length,
            });
        }
        let metadata: Metadata = match serde_json::from_slice(json) {
            Ok(metadata) => metadata,
            Err(error) => {
                return Err(WeightsError::Format {
                    path,
                    format: FORMAT,
                    reason: error.to_string(),
                });
            }
        };
        let expected = 8 + size + metadata.data_len() as u64;
        if expected != length {
            return Err(WeightsError::Length {
                path,
                expected,
                found: length,
            });
        }
        Ok(Self {
            path,
            metadata,
            data_start: 8 + size,
        })
    }

    /// Whether the file was written by this crate, and so says which network its weights are of.
    pub fn describes_network(&self) -> bool {
        self.text(CONFIG_KEY).is_some()
    }

    pub(super) fn tensors(&self) -> HashMap<String, &TensorInfo> {
        self.metadata.tensors()
    }

    pub(super) fn data_start(&self) -> u64 {
        self.data_start
    }

    fn text(&self, key: &str) -> Option<&String> {
        self.metadata.metadata().as_ref()?.get(key)
    }

    /// The metadata entry called `key`, parsed from JSON.
    ///
    /// # Errors
    /// No such entry, or one that is not what is asked for.
    pub fn entry<T: serde::de::DeserializeOwned>(&self, key: &str) -> Result<T, WeightsError> {
        let failed = |reason: String| WeightsError::Metadata {
            path: self.path.clone(),
            key: key.to_owned(),
            reason,
        };
        let text = self
            .text(key)
            .ok_or_else(|| failed("not there".to_owned()))?;
        serde_json::from_str(text).map_err(|error| failed(error.to_string()))
    }

    /// The configuration of the network that the weights are of.
    ///
    /// # Errors
    /// A file that was not written by this crate, or a configuration that makes no sense.
    pub fn config(&self) -> Result<VggConfig, WeightsError> {
        if !self.describes_network() {
            return Err(WeightsError::NoConfig {
                path: self.path.clone(),
            });
        }
        let config: VggConfig = self.entry(CONFIG_KEY)?;
        let checked = config.validate();
        checked.map_err(|source| WeightsError::Config {
            path: self.path.clone(),
            source,
        })?;
        Ok(config)
    }
}
