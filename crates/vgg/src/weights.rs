//! Weight files: safetensors with torchvision's names and layout, so that PyTorch reads what is
//! written here and the other way round.
//!
//! The configuration is stored in the file's metadata: a weight file needs nothing beside it.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use burn::config::Config;
use burn::store::{
    ApplyError, BurnToPyTorchAdapter, FloatCastAdapter, KeyRemapper, ModuleAdapter, ModuleSnapshot,
    PyTorchToBurnAdapter, SafetensorsStore,
};
use burn::tensor::{DType, Device};
use safetensors::tensor::Metadata;
use thiserror::Error;

use crate::config::{ConfigError, VggConfig};
use crate::model::Vgg;

/// The metadata key of the configuration.
const CONFIG_KEY: &str = "vgg.config";
/// A header lists a hundred tensors; one of more bytes is not believed.
const MOST_HEADER_BYTES: u64 = 16 << 20;
/// So many wrong tensors are named in a message.
const MOST_NAMED: usize = 10;

/// How numbers are stored.
#[derive(Config, Debug, PartialEq, Eq, Copy)]
pub enum Precision {
    /// 32 bits, exactly what was trained.
    F32,
    /// 16 bits: half the size, 11 significant bits.
    F16,
}

/// A weight file that cannot be read or written.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum WeightsError {
    /// The system refused.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is no safetensors file.
    #[error("{}: not a safetensors file: {reason}", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The file is shorter or longer than its header says.
    #[error("{}: {expected} bytes expected by its header, found {found}", path.display())]
    Length {
        /// The file.
        path: PathBuf,
        /// Bytes that the header promises.
        expected: u64,
        /// Bytes that there are.
        found: u64,
    },
    /// The file says nothing about the network that its weights are of.
    #[error("{}: no \"{CONFIG_KEY}\" in its metadata, so it was not written by this crate; \
             load it into a network of a known configuration instead", path.display())]
    NoConfig {
        /// The file.
        path: PathBuf,
    },
    /// The configuration in the file makes no sense.
    #[error("{}: {source}", path.display())]
    Config {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: ConfigError,
    },
    /// A metadata entry cannot be understood.
    #[error("{}: metadata \"{key}\": {reason}", path.display())]
    Metadata {
        /// The file.
        path: PathBuf,
        /// The entry.
        key: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The weights are those of another network.
    #[error("{}: these are the weights of another network{}{}{}", path.display(),
            listing("missing", missing), listing("unexpected", unexpected),
            listing("of another shape", misshapen))]
    Mismatch {
        /// The file.
        path: PathBuf,
        /// Tensors that the network has and the file lacks.
        missing: Vec<String>,
        /// Tensors that the file has and the network lacks.
        unexpected: Vec<String>,
        /// Tensors of another shape, with both shapes.
        misshapen: Vec<String>,
    },
    /// Reading or writing a tensor failed.
    #[error("{}: {reason}", path.display())]
    Store {
        /// The file.
        path: PathBuf,
        /// What went wrong.
        reason: String,
    },
}

fn listing(what: &str, names: &[String]) -> String {
    match names.len() {
        0 => String::new(),
        count => {
            let named = names[..count.min(MOST_NAMED)].join(", ");
            let more = match count.saturating_sub(MOST_NAMED) {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            format!("; {what}: {named}{more}")
        }
    }
}

/// A weight file's header: what is known before any weight is read.
#[derive(Debug, Clone)]
pub struct WeightsHeader {
    path: PathBuf,
    entries: HashMap<String, String>,
}

impl WeightsHeader {
    /// Reads the header of the file at `path` and checks the file's length against it.
    ///
    /// # Errors
    /// A file that cannot be read, is no safetensors file, or was cut off.
    pub fn read(path: &Path) -> Result<Self, WeightsError> {
        let error = |source| WeightsError::Io {
            path: path.to_owned(),
            source,
        };
        let mut file = File::open(path).map_err(error)?;
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

    /// The header of a whole file in memory; `name` is for messages only.
    ///
    /// # Errors
    /// As for [`WeightsHeader::read`].
    pub fn from_bytes(name: &Path, bytes: &[u8]) -> Result<Self, WeightsError> {
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
            return Err(WeightsError::Format { path, reason });
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
        let entries = metadata.metadata().clone().unwrap_or_default();
        Ok(Self { path, entries })
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
            .entries
            .get(key)
            .ok_or_else(|| failed("not there".to_owned()))?;
        serde_json::from_str(text).map_err(|error| failed(error.to_string()))
    }

    /// The configuration of the network that the weights are of.
    ///
    /// # Errors
    /// A file that was not written by this crate, or a configuration that makes no sense.
    pub fn config(&self) -> Result<VggConfig, WeightsError> {
        if !self.entries.contains_key(CONFIG_KEY) {
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

impl Vgg {
    /// Saves the weights to the safetensors file at `path`, which is there whole or not at all.
    /// `entries` are further metadata: keys and texts.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn save(
        &self,
        path: &Path,
        precision: Precision,
        entries: &[(&str, String)],
    ) -> Result<(), WeightsError> {
        let config =
            serde_json::to_string(self.config()).map_err(|error| WeightsError::Metadata {
                path: path.to_owned(),
                key: CONFIG_KEY.to_owned(),
                reason: error.to_string(),
            })?;
        let mut store = SafetensorsStore::from_file(path)
            .overwrite(true)
            .metadata(CONFIG_KEY, config)
            .remap(key_map(path, self.config(), Direction::ToTorch)?);
        store = match precision {
            Precision::F32 => store.with_to_adapter(BurnToPyTorchAdapter),
            Precision::F16 => {
                store.with_to_adapter(BurnToPyTorchAdapter.chain(FloatCastAdapter::to(DType::F16)))
            }
        };
        for (key, text) in entries {
            store = store.metadata(*key, text);
        }
        self.save_into(&mut store)
            .map_err(|error| store_error(path, error))?;
        make_readable(path).map_err(|source| WeightsError::Io {
            path: path.to_owned(),
            source,
        })
    }

    /// The network with the weights of the safetensors file at `path`: one of this crate, or any
    /// with torchvision's names. Numbers of other precisions become `f32`.
    ///
    /// # Errors
    /// A file that cannot be read or was cut off, or the weights of another network, with the
    /// names of what does not fit.
    pub fn load(self, path: &Path) -> Result<Self, WeightsError> {
        WeightsHeader::read(path)?;
        self.apply(path, SafetensorsStore::from_file(path))
    }

    /// [`Vgg::load`] from a whole file in memory; `name` is for messages only.
    ///
    /// # Errors
    /// As for [`Vgg::load`].
    pub fn load_bytes(self, name: &Path, bytes: &[u8]) -> Result<Self, WeightsError> {
        WeightsHeader::from_bytes(name, bytes)?;
        self.apply(name, SafetensorsStore::from_bytes(Some(bytes.to_vec())))
    }

    /// The network that the file at `path` describes, with its weights, on `device`.
    ///
    /// # Errors
    /// As for [`Vgg::load`], and a file that was not written by this crate.
    pub fn from_file(path: &Path, device: &Device) -> Result<Self, WeightsError> {
        let config = WeightsHeader::read(path)?.config()?;
        let network = config.init(device);
        let config_error = |source| WeightsError::Config {
            path: path.to_owned(),
            source,
        };
        network.map_err(config_error)?.load(path)
    }

    fn apply(mut self, path: &Path, store: SafetensorsStore) -> Result<Self, WeightsError> {
        let adapter = PyTorchToBurnAdapter.chain(FloatCastAdapter::to(DType::F32));
        let mut store = store
            .with_from_adapter(adapter)
            .remap(key_map(path, self.config(), Direction::FromTorch)?)
            .validate(false)
            .allow_partial(true);
        let result = self
            .load_from(&mut store)
            .map_err(|error| store_error(path, error))?;
        let to_torch = key_map(path, self.config(), Direction::ToTorch)?;
        let name = |own: &str| torch_name(&to_torch, own);

        let mut misshapen = Vec::new();
        for error in &result.errors {
            match error {
                ApplyError::ShapeMismatch {
                    path,
                    expected,
                    found,
                } => misshapen.push(format!(
                    "{} (expected {:?}, found {:?})",
                    name(path),
                    expected.to_vec(),
                    found.to_vec()
                )),
                other => return Err(store_error(path, other)),
            }
        }
        let missing: Vec<_> = result.missing.iter().map(|(own, _)| name(own)).collect();
        let unexpected: Vec<_> = result
            .unused
            .iter()
            .filter(|name| !name.ends_with("num_batches_tracked"))
            .cloned()
            .collect();
        if missing.is_empty() && unexpected.is_empty() && misshapen.is_empty() {
            return Ok(self);
        }
        let path = path.to_owned();
        Err(WeightsError::Mismatch {
            path,
            missing,
            unexpected,
            misshapen,
        })
    }
}

/// Burn's store leaves the file to its owner alone; weights are as open as any other new file.
#[cfg(unix)]
fn make_readable(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn make_readable(_: &Path) -> std::io::Result<()> {
    Ok(())
}

fn store_error(path: &Path, error: impl std::fmt::Display) -> WeightsError {
    WeightsError::Store {
        path: path.to_owned(),
        reason: error.to_string(),
    }
}

#[derive(Clone, Copy)]
enum Direction {
    ToTorch,
    FromTorch,
}

/// Pairs of module paths, ours and torchvision's. There, `features` numbers convolutions, norms,
/// ReLUs and poolings through, and `classifier` linears, ReLUs and dropouts.
fn paths(config: &VggConfig) -> Vec<(String, String)> {
    let mut pairs = Vec::new();
    let mut index = 0;
    for (block, blocks) in config.blocks.iter().enumerate() {
        for layer in 0..blocks.convolutions {
            let own = format!("blocks.{block}.layers.{layer}");
            pairs.push((format!("{own}.conv"), format!("features.{index}")));
            index += 1;
            if config.batch_norm {
                pairs.push((format!("{own}.norm"), format!("features.{index}")));
                index += 1;
            }
            index += 1; // ReLU
        }
        index += 1; // pooling
    }
    for hidden in 0..config.hidden.len() {
        let own = format!("hidden.{hidden}.linear");
        pairs.push((own, format!("classifier.{}", 3 * hidden)));
    }
    pairs.push((
        "output".to_owned(),
        format!("classifier.{}", 3 * config.hidden.len()),
    ));
    pairs
}

fn key_map(
    path: &Path,
    config: &VggConfig,
    direction: Direction,
) -> Result<KeyRemapper, WeightsError> {
    paths(config)
        .into_iter()
        .try_fold(KeyRemapper::new(), |map, (own, torch)| {
            let (from, to) = match direction {
                Direction::ToTorch => (own, torch),
                Direction::FromTorch => (torch, own),
            };
            let pattern = format!(r"^{}\.(\w+)$", from.replace('.', r"\."));
            map.add_pattern(pattern, format!("{to}.$1"))
                .map_err(|error| store_error(path, error))
        })
}

fn torch_name(to_torch: &KeyRemapper, own: &str) -> String {
    let own = own.replace(".gamma", ".weight").replace(".beta", ".bias");
    to_torch
        .patterns
        .iter()
        .find(|(pattern, _)| pattern.is_match(&own))
        .map_or(own.clone(), |(pattern, to)| {
            pattern.replace(&own, to.as_str()).into_owned()
        })
}
