//! What a run does, as data: saved as `config.json` in its folder.

use burn::config::Config;

use super::augment::Augmentation;
use super::error::TrainError;
use crate::config::VggConfig;
use crate::data::{DataError, DataState, ImageData, Preprocessing};
use crate::engine::Engine;
use crate::head::LayerGroup;
use crate::weights::Precision;

/// More epochs than this are a slip of the pen.
const MOST_EPOCHS: usize = 1_000_000;
/// A crop moved by more pixels than this shows nothing of any image.
const MOST_PADDING: usize = 1 << 16;

/// The rule by which gradients change weights.
#[derive(Config, Debug, PartialEq, Eq, Copy)]
pub enum OptimizerKind {
    /// Stochastic gradient descent with momentum 0.9, as PyTorch defines it (no dampening).
    Sgd,
    /// Adam with decoupled weight decay: β 0.9 and 0.999, ε 1e-8.
    AdamW,
}

/// How a network is trained.
#[derive(Config, Debug, PartialEq)]
pub struct TrainConfig {
    /// The optimizer.
    pub optimizer: OptimizerKind,
    /// The highest learning rate. It rises linearly to this during the warm-up, then falls to
    /// zero along half a cosine.
    pub learning_rate: f64,
    /// How often every training image is seen.
    #[config(default = 10)]
    pub epochs: usize,
    /// Images in a batch; the last batch of an epoch may be smaller.
    #[config(default = 64)]
    pub batch_size: usize,
    /// Part of all steps that the warm-up takes, in `[0, 1)`.
    #[config(default = 0.1)]
    pub warmup: f64,
    /// Pulls weights (not biases, not norms) towards zero.
    #[config(default = 5e-4)]
    pub weight_decay: f64,
    /// Part of the target that is spread over all classes, in `[0, 1)`.
    #[config(default = 0.0)]
    pub label_smoothing: f64,
    /// Random changes of the training images.
    #[config(default = "Augmentation::new()")]
    pub augmentation: Augmentation,
    /// Every random choice of the run follows from this.
    #[config(default = 0)]
    pub seed: u64,
    /// In so many parts, one after the other, the images of a step are computed, so that they need less memory; `None` is
    /// one. Gradients are those of the whole batch; batch normalisation sees each part for itself.
    pub accumulate: Option<usize>,
    /// Whether batch normalisation takes its statistics over the parts of all workers, instead of each for itself; `None`
    /// is no.
    pub sync_batch_norm: Option<bool>,
}

/// The batch for which a learning rate is meant that is scaled ([`TrainConfig::with_scaled_learning_rate`]).
const USUAL_BATCH: f64 = 64.0;

impl TrainConfig {
    /// Checks every setting.
    ///
    /// # Errors
    /// The first setting that makes no sense.
    pub fn validate(&self) -> Result<(), TrainError> {
        let unit = |value: f64| (0.0..1.0).contains(&value);
        let padding = self.augmentation.crop_padding;
        let rules = [
            (
                "the number of epochs",
                "at least 1 and at most 1000000",
                self.epochs.to_string(),
                (1..=MOST_EPOCHS).contains(&self.epochs),
            ),
            (
                "the batch size",
                "at least 1",
                self.batch_size.to_string(),
                self.batch_size > 0,
            ),
            (
                "the learning rate",
                "above 0 and at most 1",
                self.learning_rate.to_string(),
                self.learning_rate > 0.0 && self.learning_rate <= 1.0,
            ),
            (
                "the warm-up",
                "at least 0 and below 1",
                self.warmup.to_string(),
                unit(self.warmup),
            ),
            (
                "the weight decay",
                "finite and at least 0",
                self.weight_decay.to_string(),
                self.weight_decay.is_finite() && self.weight_decay >= 0.0,
            ),
            (
                "the label smoothing",
                "at least 0 and below 1",
                self.label_smoothing.to_string(),
                unit(self.label_smoothing),
            ),
            (
                "the padding of crops",
                "at most 65536",
                padding.to_string(),
                padding <= MOST_PADDING,
            ),
            (
                "the number of parts of a batch",
                "at least 1 and at most the batch size",
                self.accumulate.unwrap_or(1).to_string(),
                (1..=self.batch_size).contains(&self.accumulate.unwrap_or(1)),
            ),
        ];
        match rules.into_iter().find(|(.., holds)| !holds) {
            None => Ok(()),
            Some((what, range, found, _)) => Err(TrainError::Setting { what, range, found }),
        }
    }

    /// The same with a learning rate that grows with the batch: it is what it was for 64 images in a step, and twice as
    /// high for 128 (the linear scaling of Goyal et al. 2017, who found that a warm-up belongs to it).
    #[must_use]
    pub fn with_scaled_learning_rate(mut self) -> Self {
        self.learning_rate *= self.batch_size as f64 / USUAL_BATCH;
        self
    }

    /// Steps of the whole run, for `images` training images.
    pub(crate) fn steps(&self, images: usize) -> usize {
        self.epochs.saturating_mul(images.div_ceil(self.batch_size))
    }
}

/// Which weights a network starts to learn from.
#[derive(Config, Debug, PartialEq, Eq, Copy)]
pub enum Start {
    /// Fresh ones, drawn as [`VggConfig::weight_init`] says from the run's seed.
    Random,
    /// Those of a network that was there before. The run's folder keeps them
    /// ([`RunFolder::create_from`](super::RunFolder::create_from)), so that it can always be resumed.
    Given,
}

/// Everything about a run: a run with the same configuration, data and backend gives the same
/// network again.
#[derive(Config, Debug, PartialEq)]
pub struct RunConfig {
    /// The network.
    pub model: VggConfig,
    /// How it is trained.
    pub training: TrainConfig,
    /// The data, as [`data::load`](crate::data::load) knows it.
    pub data: String,
    /// What the data was when the run was started.
    pub data_state: Option<DataState>,
    /// At most so many training images, and as many test images.
    pub limit: Option<usize>,
    /// Whether images that cannot be used were left out.
    pub skip_broken: bool,
    /// Whether the images stay in their files however few they are ([`DataOptions`](crate::data::DataOptions)); `None` is
    /// no.
    pub stream: Option<bool>,
    /// Names of the classes.
    pub classes: Vec<String>,
    /// What is done to an image before the network sees it.
    pub preprocessing: Preprocessing,
    /// The backend, as [`device()`](crate::device()) knows it.
    pub backend: String,
    /// What computes the layers and the optimizer's steps.
    pub engine: Engine,
    /// How the finished weights are stored.
    pub precision: Precision,
    /// Which weights the network starts from. `None` in a file of an earlier version, which did
    /// not say it: such a run can be used, but not resumed.
    pub start: Option<Start>,
    /// Layers that stay as they are.
    pub frozen: Option<LayerGroup>,
}

impl RunConfig {
    /// A run from random weights on the first backend that is compiled in, of a network like `model` for the classes
    /// and images of `data`.
    ///
    /// # Errors
    /// Images in files of which one cannot be read.
    pub fn for_data(
        model: VggConfig,
        training: TrainConfig,
        data: &ImageData,
    ) -> Result<Self, DataError> {
        let [channels, height, width] = data.train.shape();
        let backends = crate::device::compiled_backends();
        Ok(Self {
            model: model
                .with_input_channels(channels)
                .with_input_size([height, width])
                .with_classes(data.classes.len()),
            training,
            data: data.name.clone(),
            data_state: Some(data.state.clone()),
            limit: None,
            skip_broken: false,
            stream: None,
            classes: data.classes.clone(),
            preprocessing: Preprocessing::measure(&data.train, data.fit)?,
            backend: backends.first().copied().unwrap_or("flex").to_owned(),
            engine: Engine::default(),
            precision: Precision::F32,
            start: Some(Start::Random),
            frozen: None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bad_setting_is_named() {
        let good = || TrainConfig::new(OptimizerKind::Sgd, 0.1);
        good().validate().expect("the defaults are fine");
        for (config, expected) in [
            (
                good().with_epochs(0),
                "the number of epochs must be at least 1 and at most 1000000, found 0",
            ),
            (
                good().with_epochs(usize::MAX),
                "the number of epochs must be at least 1 and at most 1000000, found 18446744073709551615",
            ),
            (
                good().with_augmentation(Augmentation::new().with_crop_padding(usize::MAX)),
                "the padding of crops must be at most 65536, found 18446744073709551615",
            ),
            (
                good().with_batch_size(0),
                "the batch size must be at least 1, found 0",
            ),
            (
                good().with_warmup(1.0),
                "the warm-up must be at least 0 and below 1, found 1",
            ),
            (
                good().with_weight_decay(-1.0),
                "the weight decay must be finite",
            ),
            (
                good().with_label_smoothing(f64::NAN),
                "the label smoothing must be",
            ),
            (
                good().with_accumulate(Some(65)),
                "the number of parts of a batch must be at least 1 and at most the batch size, found 65",
            ),
            (
                TrainConfig::new(OptimizerKind::Sgd, 0.0),
                "the learning rate must be above 0",
            ),
        ] {
            let message = config.validate().expect_err(expected).to_string();
            assert!(message.starts_with(expected), "{message}");
        }
    }

    #[test]
    fn a_scaled_learning_rate_is_that_of_64_images() {
        let config = TrainConfig::new(OptimizerKind::Sgd, 0.02).with_batch_size(256);
        assert_eq!(config.with_scaled_learning_rate().learning_rate, 0.08);
    }
}
