//! From a file into a network.

use burn::tensor::Device;

use super::check::plan;
use super::error::WeightsError;
use super::header::WeightsHeader;
use super::loader::Loader;
use super::options::{LoadOptions, LoadReport, Part};
use super::tensor_file::TensorFile;
use crate::model::Vgg;
use crate::source::Source;

impl Vgg {
    /// The network with the weights of a file: safetensors, or with feature `pytorch` a file of `torch.save` on disk,
    /// in torchvision's, timm's or Caffe's names. Numbers of other precisions become `f32`; `num_batches_tracked` is
    /// ignored, and so is what `DataParallel`, `torch.compile` and checkpoints put into names.
    ///
    /// # Errors
    /// A file that cannot be read or was cut off, or the weights of another network, with the
    /// names of what does not fit; [`WeightsError::NotFinite`] for NaN and infinite weights.
    pub fn load<'a>(self, source: impl Into<Source<'a>>) -> Result<Self, WeightsError> {
        let source = source.into();
        let (network, report) = self.load_with(&source, &LoadOptions::default())?;
        match report.not_finite.is_empty() {
            true => Ok(network),
            false => Err(WeightsError::NotFinite {
                path: source.name().to_owned(),
                tensors: report.not_finite,
            }),
        }
    }

    /// [`Vgg::load`] of what `options` say, with what was noticed on the way.
    ///
    /// ```no_run
    /// use burn::tensor::Device;
    /// use vgg::{LoadOptions, Part, VggConfig};
    ///
    /// // A head of our own on published features.
    /// let network = VggConfig::named("vgg16")?.with_classes(5).init(&Device::flex())?;
    /// let (network, report) = network.load_with("vgg16.pth", &Part::WithoutOutput.into())?;
    /// assert!(report.not_finite.is_empty());
    ///
    /// // A checkpoint of timm's training, of a network of some other classes.
    /// let options = LoadOptions {
    ///     key: Some("state_dict_ema".to_owned()),
    ///     classes_of_file: true,
    ///     ..LoadOptions::default()
    /// };
    /// let network = VggConfig::named("vgg16")?.init(&Device::flex())?;
    /// let (network, report) = network.load_with("last.pth", &options)?;
    /// println!("{} classes from {}", network.config().classes, report.key);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As for [`Vgg::load`]; also a key that the file has no weights behind. Weights that are not finite are reported
    /// instead.
    pub fn load_with<'a>(
        self,
        source: impl Into<Source<'a>>,
        options: &LoadOptions,
    ) -> Result<(Self, LoadReport), WeightsError> {
        let source = source.into();
        Loader::load(self, TensorFile::open(&source)?, options)
    }

    /// The network that a file of this crate describes, with its weights, on `device`.
    ///
    /// # Errors
    /// As for [`Vgg::load`], and a file that was not written by this crate.
    pub fn from_file<'a>(
        source: impl Into<Source<'a>>,
        device: &Device,
    ) -> Result<Self, WeightsError> {
        let source = source.into();
        let config = WeightsHeader::read(&source)?.config()?;
        let network = config.init(device).map_err(|error| WeightsError::Config {
            path: source.name().to_owned(),
            source: error,
        })?;
        network.load(&source)
    }

    /// Whether a file holds what [`Vgg::load_with`] would take for `part`, by names, shapes and the file's length;
    /// no number is read.
    ///
    /// # Errors
    /// As for [`Vgg::load`].
    pub fn check_file<'a>(
        &self,
        source: impl Into<Source<'a>>,
        part: Part,
    ) -> Result<(), WeightsError> {
        let source = source.into();
        let mut file = TensorFile::open(&source)?;
        file.choose(None)?;
        plan(&file, self, &part.into()).map(drop)
    }
}
