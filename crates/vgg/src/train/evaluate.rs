//! How well a network recognises a set of images.

use std::sync::Arc;

use super::distributed::{Group, Solo};
use super::error::TrainError;
use super::loader::EpochLoader;
use crate::data::{ImageSet, Normalization};
use crate::device::failure;
use crate::prepared::{PreparedError, PreparedVgg};

/// The result of a test.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluation {
    /// `confusion[class][answer]`: how many images of `class` were taken for `answer`.
    pub confusion: Vec<Vec<usize>>,
    /// Mean cross-entropy per image, in nats.
    pub loss: f64,
}

/// How well one class is recognised.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ClassScore {
    /// Of the images taken for this class, the part that is of it; NaN if there are none.
    pub precision: f64,
    /// Of the images of this class, the part that was recognised; NaN if there are none.
    pub recall: f64,
    /// How many images of this class there are.
    pub images: usize,
}

impl Evaluation {
    /// How many images there were.
    pub fn images(&self) -> usize {
        self.confusion.iter().flatten().sum()
    }

    /// The part of the images that was recognised.
    pub fn accuracy(&self) -> f64 {
        let right: usize = (0..self.confusion.len())
            .map(|class| self.confusion[class][class])
            .sum();
        right as f64 / self.images() as f64
    }

    /// Precision and recall of each class.
    pub fn scores(&self) -> Vec<ClassScore> {
        let score = |class: usize| {
            let right = self.confusion[class][class] as f64;
            let images: usize = self.confusion[class].iter().sum();
            let answers: usize = self.confusion.iter().map(|row| row[class]).sum();
            ClassScore {
                precision: right / answers as f64,
                recall: right / images as f64,
                images,
            }
        };
        (0..self.confusion.len()).map(score).collect()
    }
}

/// Shows every image of `set` to `network`, `batch_size` at once; `progress` is called with the
/// number of images done.
///
/// # Errors
/// Images that do not fit the network, a class that it does not know, or an answer that is not finite.
pub fn evaluate(
    network: &PreparedVgg,
    set: &Arc<ImageSet>,
    normalization: &Normalization,
    batch_size: usize,
    progress: &mut dyn FnMut(usize),
) -> Result<Evaluation, TrainError> {
    let loader = EpochLoader::in_order(
        set.clone(),
        Arc::new(normalization.clone()),
        batch_size,
        network.device(),
    );
    evaluate_in_group(&Solo, network, &loader, progress)
}

/// [`evaluate`] by all workers of a group, each of which has a loader of its parts.
pub(super) fn evaluate_in_group(
    group: &dyn Group,
    network: &PreparedVgg,
    loader: &EpochLoader,
    progress: &mut dyn FnMut(usize),
) -> Result<Evaluation, TrainError> {
    let classes = network.config().classes;
    let mut tally = Tally::new(classes);
    let mut done = 0;
    let mut batches = loader.epoch();
    while let Some(dealt) = batches.next_dealt() {
        let dealt = dealt?;
        for batch in dealt.parts.into_iter().flatten() {
            let labels = batch.targets.try_into_vec_as::<i64>();
            let labels = labels.map_err(|error| TrainError::Device(failure(error)))?;
            let logits = network.forward(batch.images).map_err(|error| match error {
                PreparedError::Input(error) => TrainError::from(error),
                error => TrainError::Device(error.to_string()),
            })?;
            let logits = logits.try_into_vec_as::<f32>();
            let logits = logits.map_err(|error| TrainError::Device(failure(error)))?;
            for (row, &label) in logits.chunks_exact(classes).zip(&labels) {
                tally.add(row, label)?;
            }
        }
        done += dealt.images;
        progress(done);
    }
    tally.of_all(group)
}

/// Counts of images, and the sum of their losses.
struct Tally {
    classes: usize,
    /// [`Evaluation::confusion`], row by row.
    counts: Vec<usize>,
    loss: f64,
    images: usize,
}

impl Tally {
    fn new(classes: usize) -> Self {
        Self {
            classes,
            counts: vec![0; classes * classes],
            loss: 0.0,
            images: 0,
        }
    }

    /// An image with its logits and its class.
    fn add(&mut self, logits: &[f32], label: i64) -> Result<(), TrainError> {
        let known = usize::try_from(label)
            .ok()
            .filter(|&label| label < self.classes);
        let label = known.ok_or_else(|| TrainError::Setting {
            what: "a label",
            range: "below the number of the network's classes",
            found: label.to_string(),
        })?;
        // The largest of numbers of which one is NaN says nothing.
        if !logits.iter().all(|logit| logit.is_finite()) {
            return Err(TrainError::NoAnswer { image: self.images });
        }
        self.counts[label * self.classes + argmax(logits)] += 1;
        self.loss -= log_probability(logits, label);
        self.images += 1;
        Ok(())
    }

    /// The evaluation over the images of all workers.
    fn of_all(self, group: &dyn Group) -> Result<Evaluation, TrainError> {
        let mut sums = vec![self.loss, self.images as f64];
        sums.extend(self.counts.iter().map(|&count| count as f64));
        group.sum(&mut sums)?;
        let counts = sums[2..].chunks_exact(self.classes);
        let row = |row: &[f64]| row.iter().map(|&count| count as usize).collect();
        Ok(Evaluation {
            confusion: counts.map(row).collect(),
            loss: sums[0] / sums[1],
        })
    }
}

/// Where the largest value is; the first of equal ones.
pub(super) fn argmax(values: &[f32]) -> usize {
    let largest = |best: usize, index: usize| {
        if values[index] > values[best] {
            index
        } else {
            best
        }
    };
    (0..values.len()).fold(0, largest)
}

/// Logarithm of the softmax of `logits` at `index`.
fn log_probability(logits: &[f32], index: usize) -> f64 {
    let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let sum: f64 = logits
        .iter()
        .map(|&logit| f64::from(logit - largest).exp())
        .sum();
    f64::from(logits[index] - largest) - sum.ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_follow_from_the_confusion() {
        let evaluation = Evaluation {
            confusion: vec![vec![3, 1, 0], vec![2, 2, 0], vec![0, 0, 0]],
            loss: 0.0,
        };
        assert_eq!((evaluation.images(), evaluation.accuracy()), (8, 0.625));
        let scores = evaluation.scores();
        assert_eq!(
            (scores[0].precision, scores[0].recall, scores[0].images),
            (0.6, 0.75, 4)
        );
        assert!(scores[2].precision.is_nan() && scores[2].recall.is_nan());
    }

    #[test]
    fn log_probabilities_do_not_overflow() {
        assert!((log_probability(&[1000.0, 1000.0], 0) + 2f64.ln()).abs() < 1e-12);
        assert!((log_probability(&[0.0, -1000.0], 1) + 1000.0).abs() < 1e-9);
        assert_eq!(argmax(&[1.0, 3.0, 3.0]), 1);
    }
}
