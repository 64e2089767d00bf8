//! A trained network with all it needs to name what an image shows.

mod answer;
mod error;
mod fit;
mod name;

use std::path::Path;
use std::sync::{Arc, OnceLock};

use burn::tensor::{Device, Tensor, activation::softmax};

use crate::data::{DataError, Preprocessing, imagenet_classes};
use crate::device::failure;
use crate::engine::Engine;
use crate::model::Vgg;
use crate::prepared::PreparedVgg;
use crate::source::Source;
use crate::weights::{LoadOptions, LoadReport, Precision, WeightsError, WeightsHeader};

pub use answer::{Answer, Guess};
pub use error::{ClassifierError, ClassifyError};

/// Metadata keys beside the configuration.
const CLASSES_KEY: &str = "vgg.classes";
const PREPROCESSING_KEY: &str = "vgg.preprocessing";

/// A network that is ready for inference, the names of its classes, and what is done to an image first. Saved in one
/// file.
///
/// ```
/// # #[cfg(all(feature = "flex", feature = "embedded"))] {
/// use burn::tensor::Device;
/// use vgg::Classifier;
///
/// let clothes = Classifier::shipped(&Device::flex())?;
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("shirt.png");
/// # image::GrayImage::from_fn(60, 60, |x, _| image::Luma([if (20..40).contains(&x) { 90 } else { 255 }])).save(&path)?;
/// let answer = clothes.classify(&path)?;
/// for guess in answer.top(3) {
///     println!("{} {:.1} %", guess.class, guess.probability * 100.0);
/// }
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Classifier {
    network: Vgg,
    /// Made when it is asked for: whoever goes on with the network, or saves it, has no use for it.
    prepared: OnceLock<Arc<PreparedVgg>>,
    classes: Arc<[String]>,
    preprocessing: Preprocessing,
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
        Ok(Self {
            network,
            prepared: OnceLock::new(),
            classes: classes.iter().map(|name| name::printable(name)).collect(),
            preprocessing,
        })
    }

    /// The network, to look into or to go on with.
    pub fn network(&self) -> &Vgg {
        &self.network
    }

    /// [`Classifier::network`] without the rest.
    pub fn into_network(self) -> Vgg {
        self.network
    }

    /// The same network, ready for inference.
    pub fn prepared(&self) -> &PreparedVgg {
        self.prepared
            .get_or_init(|| Arc::new(self.network.prepare()))
    }

    /// Names of the classes, in the order of the network's outputs.
    pub fn classes(&self) -> &[String] {
        &self.classes
    }

    /// What is done to an image before the network sees it.
    pub fn preprocessing(&self) -> &Preprocessing {
        &self.preprocessing
    }

    /// The classifier with another engine for its network.
    #[must_use]
    pub fn with_engine(self, engine: Engine) -> Self {
        Self {
            network: self.network.with_engine(engine),
            prepared: OnceLock::new(),
            ..self
        }
    }

    /// Saves everything to the safetensors file at `path`, which is there whole or not at all.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn save(&self, path: impl AsRef<Path>, precision: Precision) -> Result<(), WeightsError> {
        let path = path.as_ref();
        let entries = self.entries();
        let entries = entries.map_err(|(key, error)| WeightsError::Metadata {
            path: path.to_owned(),
            key: key.to_owned(),
            reason: error.to_string(),
        })?;
        self.network.save(path, precision, &entries)
    }

    /// What a file says beside the network and its configuration; or the entry that cannot be said.
    pub(crate) fn entries(
        &self,
    ) -> Result<[(&'static str, String); 2], (&'static str, serde_json::Error)> {
        let failed = |key| move |error| (key, error);
        let classes = serde_json::to_string(&*self.classes);
        let preprocessing = serde_json::to_string(&self.preprocessing);
        Ok([
            (CLASSES_KEY, classes.map_err(failed(CLASSES_KEY))?),
            (
                PREPROCESSING_KEY,
                preprocessing.map_err(failed(PREPROCESSING_KEY))?,
            ),
        ])
    }

    /// Loads what [`Classifier::save`] wrote.
    ///
    /// # Errors
    /// A file that cannot be read, was cut off, or does not describe itself.
    pub fn from_file<'a>(
        source: impl Into<Source<'a>>,
        device: &Device,
    ) -> Result<Self, WeightsError> {
        let source = source.into();
        let path = source.name();
        let header = WeightsHeader::read(&source)?;
        let config = header.config()?;
        let classes: Vec<String> = header.entry(CLASSES_KEY)?;
        let preprocessing: Preprocessing = header.entry(PREPROCESSING_KEY)?;
        // Before any weight is read.
        fit::check(&config, classes.len(), &preprocessing).map_err(|error| unfit(path, &error))?;
        let network = config.init(device).map_err(|error| WeightsError::Config {
            path: path.to_owned(),
            source: error,
        })?;
        let network = network.load(&source)?;
        Self::new(network, classes, preprocessing).map_err(|error| unfit(path, &error))
    }

    /// A network of ImageNet's 1,000 classes with the weights of another tool: see [`Vgg::load`]. Images are prepared
    /// as torchvision does. For other classes and other images take [`Vgg::load_with`] and [`Classifier::new`].
    ///
    /// # Errors
    /// As for [`Vgg::load`]; also a network of another number of classes or channels. Weights that are not finite
    /// are reported.
    pub fn from_weights<'a>(
        network: Vgg,
        source: impl Into<Source<'a>>,
    ) -> Result<(Self, LoadReport), WeightsError> {
        let source = source.into();
        let (network, report) = network.load_with(&source, &LoadOptions::default())?;
        let made = Self::new(network, imagenet_classes(), Preprocessing::imagenet());
        Ok((made.map_err(|error| unfit(source.name(), &error))?, report))
    }

    /// The small network that is shipped: a VGG-16 with batch normalisation at a quarter of the
    /// width, trained on all of Fashion-MNIST.
    ///
    /// # Errors
    /// None, unless the build is damaged.
    #[cfg(feature = "embedded")]
    pub fn shipped(device: &Device) -> Result<Self, WeightsError> {
        let bytes = include_bytes!("../../weights/fashion-mnist.safetensors");
        Self::from_file(Source::named("fashion-mnist.safetensors", bytes), device)
    }

    /// What the picture shows, of which `source` is the file: a path, or bytes.
    ///
    /// # Errors
    /// A picture that cannot be read, a device that fails, or an answer that is not finite.
    pub fn classify<'a>(&self, source: impl Into<Source<'a>>) -> Result<Answer, ClassifyError> {
        let pixels = self.preprocessing.read(source)?;
        let mut answers = self.classify_pixels(&pixels)?;
        // One picture has one answer.
        answers.pop().ok_or(ClassifyError::NotFinite { image: 0 })
    }

    /// What each of several images shows, whose `pixels` are given one behind the other, as [`Preprocessing::read`]
    /// gives them: all at once.
    ///
    /// # Errors
    /// Pixels that are no whole images, a device that fails, or an answer that is not finite.
    pub fn classify_pixels(&self, pixels: &[u8]) -> Result<Vec<Answer>, ClassifyError> {
        let logits = self.prepared().forward(self.images(pixels)?)?;
        let failed = |error| ClassifyError::Values(failure(error));
        let values = logits.clone().try_into_vec_as::<f32>().map_err(failed)?;
        self.check_answer(&values)?;
        let probabilities = softmax(logits, 1)
            .try_into_vec_as::<f32>()
            .map_err(failed)?;
        Ok(probabilities
            .chunks_exact(self.classes.len())
            .map(|values| Answer::new(values.to_vec(), self.classes.clone()))
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
        self.preprocessing.images(pixels, self.prepared().device())
    }

    /// A whole photograph as input `[1, channels, height, width]`, in its own proportions with its longer side scaled
    /// to `side` pixels: for feature maps, and for networks that take images of any size.
    ///
    /// ```
    /// # #[cfg(all(feature = "flex", feature = "embedded"))] {
    /// # use burn::tensor::Device;
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("shirt.png");
    /// # image::GrayImage::from_pixel(80, 60, image::Luma([90])).save(&path)?;
    /// let clothes = vgg::Classifier::shipped(&Device::flex())?;
    /// let photograph = clothes.photograph(&path, 64)?;
    /// let maps = clothes.network().forward_at(photograph, &["relu2_2".parse()?])?;
    /// assert_eq!(maps[0].dims()[2..], [24, 32]);
    /// # }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// A picture that cannot be read.
    pub fn photograph<'a>(
        &self,
        source: impl Into<Source<'a>>,
        side: usize,
    ) -> Result<Tensor<4>, DataError> {
        self.preprocessing
            .photograph(source, side, self.prepared().device())
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
