//! From a network into a file.

use std::path::Path;

use burn::config::Config;
use burn::store::{
    BurnToPyTorchAdapter, FloatCastAdapter, KeyRemapper, ModuleAdapter, ModuleSnapshot,
    SafetensorsStore,
};
use burn::tensor::DType;

use super::error::WeightsError;
use super::header::CONFIG_KEY;
use super::keys::{Layout, module_paths};
use crate::config::VggConfig;
use crate::model::Vgg;

/// How numbers are stored.
#[derive(Config, Debug, PartialEq, Eq, Copy)]
pub enum Precision {
    /// 32 bits, exactly what was trained.
    F32,
    /// 16 bits: half the size, 11 significant bits.
    F16,
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
            .remap(to_torchvision(path, self.config())?);
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
            .map_err(|error| WeightsError::store(path, error))?;
        make_readable(path).map_err(|source| WeightsError::io(path, source))
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

/// Renames ours to torchvision's.
fn to_torchvision(path: &Path, config: &VggConfig) -> Result<KeyRemapper, WeightsError> {
    module_paths(config, Layout::Torchvision)
        .into_iter()
        .try_fold(KeyRemapper::new(), |map, (own, torch)| {
            let pattern = format!(r"^{}\.(\w+)$", own.replace('.', r"\."));
            map.add_pattern(pattern, format!("{torch}.$1"))
                .map_err(|error| WeightsError::store(path, error))
        })
}
