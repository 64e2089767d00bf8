//! What burn-train does with a batch.

use burn::module::Module;
use burn::nn::loss::CrossEntropyLossConfig;
use burn::train::{ClassificationOutput, InferenceStep, TrainOutput, TrainStep};

use super::loader::ImageBatch;
use crate::model::Vgg;

/// A network that learns: what burn-train's learner holds.
#[derive(Module, Debug)]
pub struct Learning {
    /// The network.
    pub network: Vgg,
    #[module(skip)]
    label_smoothing: f64,
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
    fn classify(&self, batch: ImageBatch, label_smoothing: f64) -> ClassificationOutput {
        let smoothing = (label_smoothing > 0.0).then_some(label_smoothing as f32);
        let loss = CrossEntropyLossConfig::new()
            .with_smoothing(smoothing)
            .init(&batch.images.device());
        // The loader's images were checked against the network before the first step.
        let logits = self.network.logits(batch.images);
        let loss = loss.forward(logits.clone(), batch.targets.clone());
        ClassificationOutput::new(loss, logits, batch.targets)
    }
}

/// burn-train weighs a loss by its length: one value for each image makes the mean of an epoch
/// right although its last batch is smaller.
fn weighted(output: ClassificationOutput) -> ClassificationOutput {
    let [batch] = output.targets.dims();
    ClassificationOutput {
        loss: output.loss.detach().expand([batch]),
        ..output
    }
}

impl TrainStep for Learning {
    type Input = ImageBatch;
    type Output = ClassificationOutput;

    fn step(&self, batch: ImageBatch) -> TrainOutput<ClassificationOutput> {
        let output = self.classify(batch, self.label_smoothing);
        let gradients = output.loss.backward();
        TrainOutput::new(self, gradients, weighted(output))
    }
}

impl InferenceStep for Learning {
    type Input = ImageBatch;
    type Output = ClassificationOutput;

    fn step(&self, batch: ImageBatch) -> ClassificationOutput {
        weighted(self.classify(batch, 0.0))
    }
}
