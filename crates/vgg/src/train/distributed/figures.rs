//! Losses and answers, added up over workers.

use burn::tensor::{Device, Int, Tensor, TensorData};

use super::group::Group;
use crate::device::failure;
use crate::train::error::TrainError;
use crate::train::evaluate::argmax;
use crate::train::output::StepOutput;

/// Figures of images, of one worker and then of all.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Figures {
    /// Sum over the images.
    pub(super) loss: f64,
    pub(super) right: f64,
    pub(super) images: f64,
    /// Workers that were asked to stop.
    pub(super) stops: f64,
}

impl Figures {
    pub(super) fn add(&mut self, output: StepOutput) -> Result<(), TrainError> {
        let read = |tensor: Tensor<1>| tensor.try_into_vec_as::<f32>();
        let device = |error| TrainError::Device(failure(error));
        let [images, classes] = output.logits.dims();
        let losses = read(output.loss).map_err(device)?;
        let logits = output.logits.try_into_vec_as::<f32>().map_err(device)?;
        let targets = output.targets.try_into_vec_as::<i64>().map_err(device)?;
        let answers = logits.chunks_exact(classes).map(argmax).zip(targets);
        self.loss += losses.iter().copied().map(f64::from).sum::<f64>() * images as f64;
        self.right += answers
            .filter(|(answer, target)| *answer as i64 == *target)
            .count() as f64;
        self.images += images as f64;
        Ok(())
    }

    /// Those of all workers.
    pub(super) fn of_all(self, group: &dyn Group) -> Result<Self, TrainError> {
        let mut values = [self.loss, self.right, self.images, self.stops];
        group.sum(&mut values)?;
        let [loss, right, images, stops] = values;
        Ok(Self {
            loss,
            right,
            images,
            stops,
        })
    }

    /// As burn-train's metrics take them: the mean loss, and an answer out of two for each image.
    pub(super) fn output(self, device: &Device) -> StepOutput {
        let (images, right) = (self.images as usize, self.right as usize);
        let loss = [(self.loss / self.images) as f32];
        let answer = |image| {
            if image < right {
                [1.0, 0.0]
            } else {
                [0.0, 1.0]
            }
        };
        let answers: Vec<f32> = (0..images).flat_map(answer).collect();
        StepOutput {
            loss: Tensor::from_data(loss, device),
            logits: Tensor::from_data(TensorData::new(answers, [images, 2]), device),
            targets: Tensor::<1, Int>::zeros([images], device),
        }
    }
}
