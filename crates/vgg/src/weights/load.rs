//! From a file into a network.

use std::path::Path;

use burn::tensor::Device;

use super::check::plan;
use super::error::WeightsError;
use super::header::WeightsHeader;
use super::loader::Loader;
use super::options::{LoadOptions, LoadReport, Part};
use super::tensor_file::TensorFile;
use crate::model::Vgg;

impl Vgg {
    /// The network with the weights of the file at `path`: safetensors, or with feature
    /// `pytorch` a file of `torch.save`, in torchvision's, timm's or Caffe's names. Numbers of other
    /// precisions become `f32`; `num_batches_tracked` is ignored, and so is what `DataParallel`, `torch.compile`
    /// and checkpoints put into names.
    ///
    /// # Errors
    /// A file that cannot be read or was cut off, or the weights of another network, with the
    /// names of what does not fit; [`WeightsError::NotFinite`] for NaN and infinite weights.
    pub fn load(self, path: &Path) -> Result<Self, WeightsError> {
        let (network, report) = self.load_with(path, &LoadOptions::default())?;
        finite(path, network, report)
    }

    /// [`Vgg::load`] of a part of the network, with what was noticed on the way.
    ///
    /// ```no_run
    /// use burn::tensor::Device;
    /// use vgg::{Part, VggConfig};
    ///
    /// // A head of our own on published features.
    /// let network = VggConfig::named("vgg16")?.with_classes(5).init(&Device::flex())?;
    /// let (network, report) = network.load_part("vgg16.pth".as_ref(), Part::WithoutOutput)?;
    /// assert!(report.not_finite.is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As for [`Vgg::load`]; weights that are not finite are reported instead.
    pub fn load_part(self, path: &Path, part: Part) -> Result<(Self, LoadReport), WeightsError> {
        let options = LoadOptions {
            part,
            ..LoadOptions::default()
        };
        self.load_with(path, &options)
    }

    /// [`Vgg::load`] of what `options` say, with what was noticed on the way.
    ///
    /// ```no_run
    /// use burn::tensor::Device;
    /// use vgg::{LoadOptions, VggConfig};
    ///
    /// // A checkpoint of timm's training, of a network of some other classes.
    /// let options = LoadOptions {
    ///     key: Some("state_dict_ema".to_owned()),
    ///     classes_of_file: true,
    ///     ..LoadOptions::default()
    /// };
    /// let network = VggConfig::named("vgg16")?.init(&Device::flex())?;
    /// let (network, report) = network.load_with("last.pth".as_ref(), &options)?;
    /// println!("{} classes from {}", network.config().classes, report.key);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As for [`Vgg::load_part`]; also a key that the file has no weights behind.
    pub fn load_with(
        self,
        path: &Path,
        options: &LoadOptions,
    ) -> Result<(Self, LoadReport), WeightsError> {
        Loader::load(self, TensorFile::open(path)?, options)
    }

    /// [`Vgg::load`] from a whole safetensors file in memory; `name` is for messages only.
    ///
    /// # Errors
    /// As for [`Vgg::load`].
    pub fn load_bytes(self, name: &Path, bytes: &[u8]) -> Result<Self, WeightsError> {
        let file = TensorFile::from_bytes(name, bytes)?;
        let (network, report) = Loader::load(self, file, &LoadOptions::default())?;
        finite(name, network, report)
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

    /// Whether the file at `path` holds what [`Vgg::load_part`] would take, by names, shapes and the file's
    /// length; no number is read.
    ///
    /// # Errors
    /// As for [`Vgg::load_part`].
    pub fn check_file(&self, path: &Path, part: Part) -> Result<(), WeightsError> {
        let mut file = TensorFile::open(path)?;
        file.choose(None)?;
        let options = LoadOptions {
            part,
            ..LoadOptions::default()
        };
        plan(&file, self, &options).map(drop)
    }
}

fn finite(path: &Path, network: Vgg, report: LoadReport) -> Result<Vgg, WeightsError> {
    match report.not_finite.is_empty() {
        true => Ok(network),
        false => Err(WeightsError::NotFinite {
            path: path.to_owned(),
            tensors: report.not_finite,
        }),
    }
}
