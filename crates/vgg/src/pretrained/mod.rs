//! Published weights: which there are, and how they come here.

mod registry;

use std::path::{Path, PathBuf};

use burn::tensor::Device;
use thiserror::Error;

pub use registry::{PretrainedWeights, pretrained_weights};

use crate::classifier::Classifier;
use crate::config::{ConfigError, VggConfig};
use crate::data::{DataError, Progress, Remote, cache_folder, fetch};
use crate::model::Vgg;
use crate::weights::{LoadReport, Part, WeightsError};

/// The largest of the files has 575 MB.
const MOST: u64 = 1 << 30;

/// Published weights that cannot be had.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PretrainedError {
    /// No published weights have this name.
    #[error("there are no published weights called \"{name}\"; there are {known}")]
    UnknownName {
        /// The name that was asked for.
        name: String,
        /// Every known name.
        known: String,
    },
    /// The download failed.
    #[error(
        "{source}. Run it again to go on from there. Without a network, get {address} by other \
         means and put it at {}, or name the file with --weights", path.display()
    )]
    Download {
        /// What went wrong.
        source: Box<DataError>,
        /// Where the file is.
        address: String,
        /// Where it should be.
        path: PathBuf,
    },
    /// The weights do not fit.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// The network cannot be made.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The weights are of the convolutions alone.
    #[error("\"{name}\" are weights of the convolutions alone, which tell no classes apart")]
    NoClasses {
        /// Their name.
        name: String,
    },
}

impl PretrainedWeights {
    /// The weights called `name`.
    ///
    /// # Errors
    /// [`PretrainedError::UnknownName`], which lists the names.
    pub fn named(name: &str) -> Result<Self, PretrainedError> {
        let all = pretrained_weights();
        let known = || {
            let names: Vec<_> = all.iter().map(|weights| weights.name.as_str()).collect();
            names.join(", ")
        };
        all.iter()
            .find(|weights| weights.name == name)
            .cloned()
            .ok_or_else(|| PretrainedError::UnknownName {
                name: name.to_owned(),
                known: known(),
            })
    }

    /// Where the file is kept on this machine: in `folder`/weights under the last part of its
    /// address (timm's: under its name).
    pub fn path(&self, folder: &Path) -> PathBuf {
        let file = match self.name.strip_prefix("timm/") {
            Some(name) => format!("{name}.safetensors"),
            None => self
                .address
                .rsplit('/')
                .next()
                .unwrap_or(&self.name)
                .to_owned(),
        };
        folder.join("weights").join(file)
    }

    /// The file on this machine, downloaded into [`cache_folder`] unless it is there. `progress`
    /// is called while it arrives. What had arrived of a download that broke off is kept.
    ///
    /// # Errors
    /// [`PretrainedError::Download`].
    pub fn file(&self, progress: Progress) -> Result<PathBuf, PretrainedError> {
        self.file_in(&cache_folder(), progress)
    }

    fn file_in(&self, folder: &Path, progress: Progress) -> Result<PathBuf, PretrainedError> {
        let path = self.path(folder);
        let remote = Remote {
            address: &self.address,
            sha256: self.sha256.unwrap_or_default(),
            most: MOST,
        };
        match fetch(remote, &path, progress) {
            Ok(()) => Ok(path),
            Err(source) => Err(PretrainedError::Download {
                source: Box::new(source),
                address: self.address.clone(),
                path,
            }),
        }
    }

    /// The network with these weights on `device`. A head that they are not good for is fresh.
    ///
    /// # Errors
    /// Weights that cannot be had.
    pub fn network(
        &self,
        device: &Device,
        progress: Progress,
    ) -> Result<(Vgg, LoadReport), PretrainedError> {
        let path = self.file(progress)?;
        let network = VggConfig::named(&self.network)?.init(device)?;
        Ok(network.load_part(&path, self.part)?)
    }

    /// The network with its preprocessing and the names of ImageNet's classes.
    ///
    /// # Errors
    /// Weights that cannot be had, or that are of the convolutions alone.
    pub fn classifier(
        &self,
        device: &Device,
        progress: Progress,
    ) -> Result<Classifier, PretrainedError> {
        if self.part != Part::Whole {
            return Err(PretrainedError::NoClasses {
                name: self.name.clone(),
            });
        }
        let (network, _) = self.network(device, progress)?;
        Ok(Classifier {
            network,
            classes: crate::data::imagenet_classes(),
            preprocessing: self.preprocessing.clone(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_listed_and_files_have_their_places() {
        let error = PretrainedWeights::named("vgg17")
            .expect_err("unknown")
            .to_string();
        assert!(
            error.contains("vgg16-features, timm/vgg11.tv_in1k"),
            "{error}"
        );
        let folder = Path::new("cache");
        for (name, path) in [
            ("vgg16", "cache/weights/vgg16-397923af.pth"),
            (
                "timm/vgg16_bn.tv_in1k",
                "cache/weights/vgg16_bn.tv_in1k.safetensors",
            ),
        ] {
            let weights = PretrainedWeights::named(name).expect("known");
            assert_eq!(weights.path(folder), Path::new(path));
        }
    }

    #[test]
    fn a_file_in_the_cache_needs_no_network_and_a_missing_one_says_where_to_put_it() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut weights = PretrainedWeights::named("vgg16").expect("known");
        weights.address = "http://127.0.0.1:9/vgg16-397923af.pth".to_owned();
        let path = weights.path(folder.path());
        let error = weights
            .file_in(folder.path(), &mut |_, _| {})
            .expect_err("no server");
        assert!(
            error
                .to_string()
                .contains(&format!("put it at {}", path.display())),
            "{error}"
        );
        std::fs::write(&path, "weights").expect("written");
        assert_eq!(
            weights
                .file_in(folder.path(), &mut |_, _| {})
                .expect("there"),
            path
        );
    }
}
