//! What burn-train does with a batch.

use burn::module::Module;
use burn::nn::loss::CrossEntropyLossConfig;
use burn::tensor::{Int, Tensor};
use burn::train::{InferenceStep, TrainOutput, TrainStep};

use super::loader::ImageBatch;
use super::output::StepOutput;
use crate::model::Vgg;

/// A network that learns: what burn-train's learner holds.
#[derive(Module, Debug)]
pub struct Learning {
    /// The network.
    pub network: Vgg,
    #[module(skip)]
    pub(super) label_smoothing: f64,
}

impl Learning {
    /// `label_smoothing` is the part of the target that is spread over all classes, in `[0, 1)`.
    pub fn new(network: Vgg, label_smoothing: f64) -> Self {
        Self {
            network,
            label_smoothing,
        }
    }

    /// Logits, and the batch's mean cross-entropy.
    fn classify(&self, batch: ImageBatch, label_smoothing: f64) -> StepOutput {
        // The loader's images were checked against the network before the first step.
        let map = self.network.trunk().features(batch.images);
        self.classify_map(map, batch.targets, label_smoothing)
    }

    /// The same from the map behind the last block.
    pub(super) fn classify_map(
        &self,
        map: Tensor<4>,
        targets: Tensor<1, Int>,
        label_smoothing: f64,
    ) -> StepOutput {
        let logits = self.network.head().logits(map);
        let smoothing = (label_smoothing > 0.0).then_some(label_smoothing as f32);
        let loss = CrossEntropyLossConfig::new()
            .with_smoothing(smoothing)
            .init(&logits.device());
        let loss = loss.forward(logits.clone(), targets.clone());
        StepOutput {
            loss,
            logits,
            targets,
        }
    }

    /// The loss of images that are `part` of a batch, as it goes into the mean of the whole. Scaled in front of the
    /// backward pass: normalisations over all parts add up what comes through them.
    pub(super) fn scaled(&self, output: &StepOutput, part: f64) -> Tensor<1> {
        match part {
            1.0 => output.loss.clone(),
            _ => output.loss.clone().mul_scalar(part),
        }
    }
}

impl Learning {
    /// [`TrainStep::step`] of images that are `part` of a batch, in `(0, 1]`: the gradients of all parts add up to those of
    /// the whole batch's mean loss. The loss that comes out is the part's own mean.
    pub(super) fn step_of_part(&self, images: ImageBatch, part: f64) -> TrainOutput<StepOutput> {
        let output = self.classify(images, self.label_smoothing);
        let gradients = self.scaled(&output, part).backward();
        TrainOutput::new(self, gradients, output.detached())
    }
}

impl TrainStep for Learning {
    type Input = ImageBatch;
    type Output = StepOutput;

    fn step(&self, batch: ImageBatch) -> TrainOutput<StepOutput> {
        self.step_of_part(batch, 1.0)
    }
}

impl InferenceStep for Learning {
    type Input = ImageBatch;
    type Output = StepOutput;

    fn step(&self, batch: ImageBatch) -> StepOutput {
        self.classify(batch, 0.0)
    }
}
