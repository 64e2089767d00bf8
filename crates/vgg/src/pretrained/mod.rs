//! Published weights: which there are, and how they come here.

mod registry;

use std::path::{Path, PathBuf};

use burn::tensor::Device;
use thiserror::Error;

pub use registry::{PretrainedWeights, pretrained_weights};

use crate::classifier::{Classifier, ClassifierError};
use crate::config::{ConfigError, VggConfig};
use crate::fetch::{FetchError, Progress, Remote, arrived, cache_folder, fetch};
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
        "{source}{}. Without a network, get {address} by other means and put it at {}",
        kept_words(*kept), path.display()
    )]
    Download {
        /// What went wrong.
        source: Box<FetchError>,
        /// Bytes that arrived and are kept: the next try goes on behind them.
        kept: u64,
        /// Where the file is.
        address: String,
        /// Where it should be.
        path: PathBuf,
    },
    /// Something else arrived, or lies where the weights are kept.
    #[error("{}: not the weights \"{name}\"; remove it, and they are downloaded again: {source}", path.display())]
    Kept {
        /// The name of the weights.
        name: String,
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: Box<WeightsError>,
    },
    /// The weights do not fit, or are not finite.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// The network cannot be made.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The registry is wrong.
    #[error(transparent)]
    Classifier(#[from] ClassifierError),
    /// The weights are of the convolutions alone.
    #[error("\"{name}\" are weights of the convolutions alone, which tell no classes apart")]
    NoClasses {
        /// Their name.
        name: String,
    },
}

fn kept_words(kept: u64) -> String {
    match kept {
        0 => String::new(),
        _ => {
            format!("; the {kept} bytes that arrived are kept, and the next try goes on from there")
        }
    }
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
    /// is called while it arrives. What had arrived of a download that broke off is kept. Of a file that is there, or
    /// that arrived, it is checked that it holds the weights of this network, by their names, their shapes and its
    /// length; the checksum, where it is known, is that of a download. `device` is where its network
    /// would lie; nothing is put there.
    ///
    /// # Errors
    /// [`PretrainedError::Download`]; [`PretrainedError::Kept`] for a file in the cache that is something else.
    pub fn file(&self, device: &Device, progress: Progress) -> Result<PathBuf, PretrainedError> {
        self.file_in(&cache_folder(), device, progress)
    }

    fn file_in(
        &self,
        folder: &Path,
        device: &Device,
        progress: Progress,
    ) -> Result<PathBuf, PretrainedError> {
        let path = self.path(folder);
        // No weight of it is ever made.
        let network = VggConfig::named(&self.network)?.init(device)?;
        if path.is_file() {
            return match network.check_file(&path, self.part) {
                Ok(()) => Ok(path),
                Err(source) => Err(PretrainedError::Kept {
                    name: self.name.clone(),
                    path,
                    source: Box::new(source),
                }),
            };
        }
        let check = |part: &Path| {
            let found = network.check_file(part, self.part);
            found.map_err(|error| error.to_string())
        };
        let remote = Remote {
            address: &self.address,
            sha256: self.sha256.unwrap_or_default(),
            most: MOST,
            check: &check,
        };
        match fetch(remote, &path, progress) {
            Ok(()) => Ok(path),
            Err(source) => Err(PretrainedError::Download {
                source: Box::new(source),
                kept: arrived(&path),
                address: self.address.clone(),
                path,
            }),
        }
    }

    /// The network with these weights on `device`. A head that they are not good for is fresh.
    ///
    /// # Errors
    /// Weights that cannot be had, or that are not finite.
    pub fn network(
        &self,
        device: &Device,
        progress: Progress,
    ) -> Result<(Vgg, LoadReport), PretrainedError> {
        let path = self.file(device, progress)?;
        let network = VggConfig::named(&self.network)?.init(device)?;
        let (network, report) = network.load_with(&path, &self.part.into())?;
        match report.not_finite.is_empty() {
            true => Ok((network, report)),
            false => Err(PretrainedError::Weights(WeightsError::NotFinite {
                path,
                tensors: report.not_finite,
            })),
        }
    }

    /// The network with its preprocessing and the names of ImageNet's classes; see [`Classifier::pretrained`].
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
        let classes = crate::data::imagenet_classes();
        Ok(Classifier::new(
            network,
            classes,
            self.preprocessing.clone(),
        )?)
    }
}

impl Classifier {
    /// The published weights called `name` (see [`pretrained_weights`]): downloaded once and kept. For a download that
    /// shows how far it is, see [`PretrainedWeights::classifier`].
    ///
    /// ```no_run
    /// use burn::tensor::Device;
    /// use vgg::Classifier;
    ///
    /// let answer = Classifier::pretrained("vgg16", &Device::flex())?.classify("cat.jpg")?;
    /// println!("{:?}", answer.top(5));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// An unknown name, with those that there are; weights that cannot be had, or that are of the convolutions alone.
    pub fn pretrained(name: &str, device: &Device) -> Result<Self, PretrainedError> {
        PretrainedWeights::named(name)?.classifier(device, &mut |_, _| {})
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fetch::test_server::{UNKNOWN, serve};

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

    /// Weights of a small network, which are published at `address`.
    fn published(address: &str) -> PretrainedWeights {
        PretrainedWeights {
            network: "vgg11-cifar".to_owned(),
            sha256: None,
            address: address.to_owned(),
            ..PretrainedWeights::named("timm/vgg11.tv_in1k").expect("known")
        }
    }

    fn get(weights: &PretrainedWeights, folder: &Path) -> Result<PathBuf, String> {
        let file = weights.file_in(folder, &Device::flex(), &mut |_, _| {});
        file.map_err(|error| error.to_string())
    }

    /// The file that should arrive: 37 MB.
    fn contents() -> Vec<u8> {
        let config = VggConfig::named("vgg11-cifar").expect("known");
        let network = config.init(&Device::flex()).expect("valid");
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("weights");
        let saved = network.save(&path, crate::Precision::F16, &[]);
        saved.expect("saved");
        std::fs::read(path).expect("read")
    }

    #[test]
    fn a_file_in_the_cache_needs_no_network_and_a_missing_one_says_where_to_put_it() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let weights = published("http://127.0.0.1:9/model.safetensors");
        let path = weights.path(folder.path());
        let error = get(&weights, folder.path()).expect_err("no server");
        let advice = format!("put it at {}", path.display());
        assert!(error.contains(&advice), "{error}");
        // Nothing arrived, and the library knows no options.
        assert!(
            !error.contains("goes on") && !error.contains("--"),
            "{error}"
        );

        std::fs::write(&path, contents()).expect("written");
        assert_eq!(get(&weights, folder.path()).expect("there"), path);
        std::fs::write(&path, "<html>not found</html>").expect("written");
        let error = get(&weights, folder.path()).expect_err("something else");
        assert!(
            error.contains("remove it") && error.contains("not a safetensors file"),
            "{error}"
        );
        assert!(path.is_file(), "somebody's file");
    }

    #[test]
    fn what_arrives_must_be_the_weights_before_it_is_kept() {
        let whole = contents();
        let other = {
            let config = VggConfig::named("vgg16-28")
                .expect("known")
                .with_width(0.01);
            let network = config.init(&Device::flex()).expect("valid");
            let folder = tempfile::tempdir().expect("a temporary folder");
            let path = folder.path().join("weights");
            network
                .save(&path, crate::Precision::F32, &[])
                .expect("saved");
            std::fs::read(path).expect("read")
        };
        for (body, expected) in [
            (
                b"<!DOCTYPE html><html>sign in</html>".to_vec(),
                "not a safetensors file",
            ),
            (Vec::new(), "0 bytes are too few"),
            (
                whole[..whole.len() - 1].to_vec(),
                "bytes expected by its header",
            ),
            (whole[..1000].to_vec(), "bytes expected by its header"),
            (other, "these are the weights of another network"),
            (vec![0; 5000], "not a safetensors file"),
        ] {
            let folder = tempfile::tempdir().expect("a temporary folder");
            let weights = published(&serve(move |_| (200, body.clone(), Some(UNKNOWN))));
            let error = get(&weights, folder.path()).expect_err(expected);
            assert!(error.contains(expected), "{error}");
            assert!(!error.contains("goes on"), "{error}");
            let path = weights.path(folder.path());
            assert!(!path.exists() && arrived(&path) == 0);
        }
        let folder = tempfile::tempdir().expect("a temporary folder");
        let weights = published(&serve(move |_| (200, whole.clone(), Some(UNKNOWN))));
        get(&weights, folder.path()).expect("the weights");
    }

    #[test]
    fn only_what_is_kept_is_gone_on_with() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut weights = published(&serve(|_| (200, vec![1; 300], Some(900))));
        let error = get(&weights, folder.path()).expect_err("it broke off");
        assert!(
            error.contains("the 300 bytes that arrived are kept"),
            "{error}"
        );

        let folder = tempfile::tempdir().expect("a temporary folder");
        weights.sha256 = Some("12345678");
        weights.address = serve(|_| (200, vec![1; 300], None));
        let error = get(&weights, folder.path()).expect_err("another hash");
        assert!(
            error.contains("SHA-256") && !error.contains("goes on"),
            "{error}"
        );
    }
}
