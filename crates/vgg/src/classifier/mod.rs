//! A trained network with all it needs to name what an image shows.

mod error;
mod fit;
mod name;

use std::path::Path;

use burn::tensor::{Device, Tensor, activation::softmax};

use crate::data::{DataError, Preprocessing, imagenet_classes};
use crate::device::failure;
use crate::model::Vgg;
use crate::weights::{LoadOptions, LoadReport, Precision, WeightsError, WeightsHeader};

pub use error::{ClassifierError, ClassifyError};

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

impl Classifier {
    /// A classifier of these parts, which have to fit together. Class names are kept as lines of printable text of
    /// at most 200 characters: whatever else is in them is replaced.
    ///
    /// # Errors
    /// Another number of names than the network has classes; images that the network does not take, or of a size
    /// or with numbers that make no sense.
    pub fn new(
        network: Vgg,
        classes: Vec<String>,
        preprocessing: Preprocessing,
    ) -> Result<Self, ClassifierError> {
        fit::check(network.config(), classes.len(), &preprocessing)?;
        let classes = classes.iter().map(|name| name::printable(name)).collect();
        Ok(Self {
            network,
            classes,
            preprocessing,
        })
    }

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
    /// `path`: see [`Vgg::load`]. Images are prepared as torchvision does. For other classes and other images take
    /// [`Vgg::load_with`] and [`Classifier::new`].
    ///
    /// # Errors
    /// As for [`Vgg::load`]; also a network of another number of classes or channels. Weights that are not finite
    /// are reported.
    pub fn from_weights(network: Vgg, path: &Path) -> Result<(Self, LoadReport), WeightsError> {
        let (network, report) = network.load_with(path, &LoadOptions::default())?;
        Ok((Self::of_imagenet(network, path)?, report))
    }

    /// [`Classifier::from_weights`] from a whole safetensors file in memory; `name` is for messages
    /// only.
    ///
    /// # Errors
    /// As for [`Classifier::from_weights`]; also weights that are not finite.
    pub fn from_weights_bytes(
        network: Vgg,
        name: &Path,
        bytes: &[u8],
    ) -> Result<Self, WeightsError> {
        Self::of_imagenet(network.load_bytes(name, bytes)?, name)
    }

    fn of_imagenet(network: Vgg, path: &Path) -> Result<Self, WeightsError> {
        let made = Self::new(network, imagenet_classes(), Preprocessing::imagenet());
        made.map_err(|error| unfit(path, &error))
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
        let bytes = include_bytes!("../../weights/fashion-mnist.safetensors");
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
        // Before any weight is read.
        let mut classifier =
            Self::new(network, classes, preprocessing).map_err(|error| unfit(path, &error))?;
        classifier.network = load(classifier.network)?;
        Ok(classifier)
    }

    /// Probabilities of the classes, for each of the images whose `pixels` are given one behind
    /// the other, as [`Preprocessing::read`] gives them.
    ///
    /// # Errors
    /// Pixels that are no whole images, images that do not fit the network, or an answer that is not finite.
    pub fn classify(&self, pixels: &[u8]) -> Result<Vec<Vec<f32>>, ClassifyError> {
        let logits = self.network.forward(self.images(pixels)?)?;
        let failed = |error| ClassifyError::Values(failure(error));
        let values = logits.clone().try_into_vec_as::<f32>().map_err(failed)?;
        self.check_answer(&values)?;
        let probabilities = softmax(logits, 1)
            .try_into_vec_as::<f32>()
            .map_err(failed)?;
        Ok(probabilities
            .chunks_exact(self.classes.len())
            .map(<[f32]>::to_vec)
            .collect())
    }

    /// Whether all of `logits`, or probabilities, are numbers: the largest of others names a class, too.
    ///
    /// # Errors
    /// [`ClassifyError::NotFinite`], with the first image whose answer is not.
    pub fn check_answer(&self, logits: &[f32]) -> Result<(), ClassifyError> {
        match logits.iter().position(|value| !value.is_finite()) {
            Some(index) => Err(ClassifyError::NotFinite {
                image: index / self.classes.len().max(1),
            }),
            None => Ok(()),
        }
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

fn unfit(path: &Path, error: &ClassifierError) -> WeightsError {
    let key = match error {
        ClassifierError::Classes { .. } => CLASSES_KEY,
        _ => PREPROCESSING_KEY,
    };
    WeightsError::Metadata {
        path: path.to_owned(),
        key: key.to_owned(),
        reason: error.to_string(),
    }
}
