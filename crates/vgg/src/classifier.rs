//! A trained network with all it needs to name what an image shows.

use std::path::Path;

use burn::tensor::{Device, Tensor};
use thiserror::Error;

use crate::data::{DataError, Preprocessing, imagenet_classes};
use crate::device::failure;
use crate::model::{InputError, Vgg};
use crate::weights::{LoadReport, Part, Precision, WeightsError, WeightsHeader};

/// Metadata keys beside the configuration.
const CLASSES_KEY: &str = "vgg.classes";
const PREPROCESSING_KEY: &str = "vgg.preprocessing";

/// A network, the names of its classes, and what is done to an image first. Saved in one file.
#[derive(Debug, Clone)]
pub struct Classifier {
    /// The network.
    pub network: Vgg,
    /// Names of the classes, in the order of the network's outputs.
    pub classes: Vec<String>,
    /// What is done to an image before the network sees it.
    pub preprocessing: Preprocessing,
}

/// Images that cannot be classified.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ClassifyError {
    /// The pixels are no whole images.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The images do not fit the network.
    #[error("the images do not fit the network: {0}")]
    Input(#[from] InputError),
    /// The result cannot be read from its device.
    #[error("the probabilities cannot be read: {0}")]
    Values(String),
}

impl Classifier {
    /// Saves everything to the safetensors file at `path`, which is there whole or not at all.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn save(&self, path: &Path, precision: Precision) -> Result<(), WeightsError> {
        let failed = |key: &str, error: serde_json::Error| WeightsError::Metadata {
            path: path.to_owned(),
            key: key.to_owned(),
            reason: error.to_string(),
        };
        let classes =
            serde_json::to_string(&self.classes).map_err(|error| failed(CLASSES_KEY, error))?;
        let preprocessing = serde_json::to_string(&self.preprocessing)
            .map_err(|error| failed(PREPROCESSING_KEY, error))?;
        let entries = [(CLASSES_KEY, classes), (PREPROCESSING_KEY, preprocessing)];
        self.network.save(path, precision, &entries)
    }

    /// Loads what [`Classifier::save`] wrote.
    ///
    /// # Errors
    /// A file that cannot be read, was cut off, or does not describe itself.
    pub fn from_file(path: &Path, device: &Device) -> Result<Self, WeightsError> {
        let header = WeightsHeader::read(path)?;
        Self::with_header(path, &header, device, |network| network.load(path))
    }

    /// A network of ImageNet's 1,000 classes with the weights of another tool, from the file at
    /// `path`: see [`Vgg::load`]. Images are prepared as torchvision does.
    ///
    /// # Errors
    /// As for [`Vgg::load`]; also a network of another number of classes or channels.
    pub fn from_weights(network: Vgg, path: &Path) -> Result<(Self, LoadReport), WeightsError> {
        let (network, report) = network.load_part(path, Part::Whole)?;
        let classifier = Self {
            network,
            classes: imagenet_classes(),
            preprocessing: Preprocessing::imagenet(),
        };
        classifier.check(path)?;
        Ok((classifier, report))
    }

    /// [`Classifier::from_weights`] from a whole safetensors file in memory; `name` is for messages
    /// only.
    ///
    /// # Errors
    /// As for [`Classifier::from_weights`].
    pub fn from_weights_bytes(
        network: Vgg,
        name: &Path,
        bytes: &[u8],
    ) -> Result<Self, WeightsError> {
        let classifier = Self {
            network: network.load_bytes(name, bytes)?,
            classes: imagenet_classes(),
            preprocessing: Preprocessing::imagenet(),
        };
        classifier.check(name)?;
        Ok(classifier)
    }

    /// [`Classifier::from_file`] from a whole file in memory; `name` is for messages only.
    ///
    /// # Errors
    /// As for [`Classifier::from_file`].
    pub fn from_bytes(name: &Path, bytes: &[u8], device: &Device) -> Result<Self, WeightsError> {
        let header = WeightsHeader::from_bytes(name, bytes)?;
        Self::with_header(name, &header, device, |network| {
            network.load_bytes(name, bytes)
        })
    }

    /// The small network that is shipped: a VGG-16 with batch normalisation at a quarter of the
    /// width, trained on all of Fashion-MNIST.
    ///
    /// # Errors
    /// None, unless the build is damaged.
    #[cfg(feature = "embedded")]
    pub fn shipped(device: &Device) -> Result<Self, WeightsError> {
        let name = "fashion-mnist.safetensors";
        let bytes = include_bytes!("../weights/fashion-mnist.safetensors");
        Self::from_bytes(Path::new(name), bytes, device)
    }

    fn with_header(
        path: &Path,
        header: &WeightsHeader,
        device: &Device,
        load: impl FnOnce(Vgg) -> Result<Vgg, WeightsError>,
    ) -> Result<Self, WeightsError> {
        let config = header.config()?;
        let classes: Vec<String> = header.entry(CLASSES_KEY)?;
        let preprocessing: Preprocessing = header.entry(PREPROCESSING_KEY)?;
        let network = config.init(device).map_err(|source| WeightsError::Config {
            path: path.to_owned(),
            source,
        })?;
        let mut classifier = Self {
            network,
            classes,
            preprocessing,
        };
        classifier.check(path)?;
        classifier.network = load(classifier.network)?;
        Ok(classifier)
    }

    /// Whether its parts fit together.
    fn check(&self, path: &Path) -> Result<(), WeightsError> {
        let config = self.network.config();
        let inconsistent = |key: &str, reason: String| WeightsError::Metadata {
            path: path.to_owned(),
            key: key.to_owned(),
            reason,
        };
        if self.classes.len() != config.classes {
            let reason = format!(
                "{} names for {} classes",
                self.classes.len(),
                config.classes
            );
            return Err(inconsistent(CLASSES_KEY, reason));
        }
        if self.preprocessing.shape[0] != config.input_channels {
            let reason = format!(
                "images of {} channels for a network of {}",
                self.preprocessing.shape[0], config.input_channels
            );
            return Err(inconsistent(PREPROCESSING_KEY, reason));
        }
        Ok(())
    }

    /// Probabilities of the classes, for each of the images whose `pixels` are given one behind
    /// the other, as [`Preprocessing::read`] gives them.
    ///
    /// # Errors
    /// Pixels that are no whole images, or images that do not fit the network.
    pub fn classify(&self, pixels: &[u8]) -> Result<Vec<Vec<f32>>, ClassifyError> {
        let images = self.images(pixels)?;
        let probabilities = self.network.probabilities(images)?;
        let probabilities = probabilities
            .try_into_vec_as::<f32>()
            .map_err(|error| ClassifyError::Values(failure(error)))?;
        Ok(probabilities
            .chunks_exact(self.classes.len())
            .map(<[f32]>::to_vec)
            .collect())
    }

    /// The images whose `pixels` are given as the network's input `[batch, channels, height,
    /// width]`, on its device.
    ///
    /// # Errors
    /// Pixels that are no whole images.
    pub fn images(&self, pixels: &[u8]) -> Result<Tensor<4>, DataError> {
        let device = self.network.output.weight.lazy_device();
        self.preprocessing.images(pixels, &device)
    }
}
