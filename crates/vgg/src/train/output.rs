//! What a step puts out, for burn-train's metrics.

use burn::tensor::{Int, Tensor, Transaction};
use burn::train::ItemLazy;
use burn::train::metric::{AccuracyInput, Adaptor, LossInput};

use crate::device::processor_beside;

/// The answers to a batch of images.
#[derive(Debug)]
pub struct StepOutput {
    /// Mean loss of the images, `[1]`.
    pub loss: Tensor<1>,
    /// `[batch, classes]`.
    pub logits: Tensor<2>,
    /// Classes `[batch]`.
    pub targets: Tensor<1, Int>,
}

impl StepOutput {
    /// Without what a backward pass through the loss would need.
    pub(super) fn detached(self) -> Self {
        Self {
            loss: self.loss.detach(),
            ..self
        }
    }
}

impl ItemLazy for StepOutput {
    /// What the metrics read, where they compute with it. On a GPU each of them would start kernels of its own for a few
    /// hundred numbers, and wait for their result: they are read once instead, and the rest is for the processor.
    fn sync(self) -> Result<Self, burn::tensor::ExecutionError> {
        let here = Self {
            loss: self.loss.without_autodiff(),
            logits: self.logits.without_autodiff(),
            targets: self.targets.without_autodiff(),
        };
        let device = here.loss.device();
        let Some(processor) = processor_beside(&device) else {
            device.flush()?;
            return Ok(here);
        };
        let read = Transaction::default()
            .register(here.loss)
            .register(here.logits)
            .register(here.targets)
            .try_execute()?;
        let [loss, logits, targets] = read.try_into().expect("as many as were registered");
        Ok(Self {
            loss: Tensor::from_data(loss, &processor),
            logits: Tensor::from_data(logits, &processor),
            targets: Tensor::from_data(targets, &processor),
        })
    }
}

impl Adaptor<LossInput> for StepOutput {
    /// burn-train weighs a loss by its length: one value for each image makes the mean of an epoch right although its
    /// last batch is smaller.
    fn adapt(&self) -> LossInput {
        LossInput::new(self.loss.clone().expand(self.targets.dims()))
    }
}

impl Adaptor<AccuracyInput> for StepOutput {
    fn adapt(&self) -> AccuracyInput {
        AccuracyInput::new(self.logits.clone(), self.targets.clone())
    }
}
