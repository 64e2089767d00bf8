//! The steps of a training whose batches are computed in parts, by one or several workers.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use burn::data::dataloader::{DataLoader, Progress};
use burn::module::Module;
use burn::optim::{GradientsAccumulator, GradientsParams};
use burn::tensor::Device;
use burn::train::{
    EventProcessorTraining, InferenceStep, Learner, LearnerEvent, SupervisedLearningStrategy,
    SupervisedTrainingEventProcessor, TrainLoader, TrainingComponents, TrainingItem, ValidLoader,
};

use super::figures::Figures;
use super::gradients::GradientSum;
use super::group::Group;
use super::norms::{backward_without_images, forward_without_images, share_running_statistics};
use crate::train::error::TrainError;
use crate::train::loader::{Dealt, EpochLoader};
use crate::train::pieces::Piece;
use crate::train::step::Learning;

/// What all workers know of the end of their training.
#[derive(Debug, Default)]
pub(in crate::train) struct Ending {
    stopped: AtomicBool,
    failure: Mutex<Option<TrainError>>,
}

impl Ending {
    /// Whether all have stopped as one of them was asked to.
    pub(in crate::train) fn stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }

    /// The error of this worker.
    pub(in crate::train) fn take_failure(&self) -> Option<TrainError> {
        self.failure
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }
}

/// The training of one worker.
pub(in crate::train) struct Together {
    pub(in crate::train) group: Arc<dyn Group>,
    /// Loaders of this worker's parts.
    pub(in crate::train) train: EpochLoader,
    pub(in crate::train) test: EpochLoader,
    /// With automatic differentiation.
    pub(in crate::train) device: Device,
    pub(in crate::train) sync_norms: bool,
    pub(in crate::train) ending: Arc<Ending>,
}

impl SupervisedLearningStrategy<Learning> for Together {
    fn fit(
        &self,
        mut components: TrainingComponents<Learning>,
        mut learner: Learner<Learning>,
        _: TrainLoader<Learning>,
        _: ValidLoader<Learning>,
        starting_epoch: usize,
    ) -> (Learning, SupervisedTrainingEventProcessor<Learning>) {
        learner.fork(&self.device);
        for epoch in starting_epoch..=components.num_epochs {
            let stop = self.epoch(epoch, &mut learner, &mut components);
            match stop {
                Ok(false) => {}
                Ok(true) => {
                    self.ending.stopped.store(true, Ordering::Relaxed);
                    components.interrupter.stop(None);
                    break;
                }
                Err(error) => {
                    let failure = self.ending.failure.lock();
                    failure
                        .unwrap_or_else(PoisonError::into_inner)
                        .get_or_insert(error);
                    components.interrupter.stop(None);
                    break;
                }
            }
        }
        (learner.model(), components.event_processor)
    }
}

impl Together {
    /// One epoch, its test and its checkpoint. Whether all are to stop.
    fn epoch(
        &self,
        epoch: usize,
        learner: &mut Learner<Learning>,
        components: &mut TrainingComponents<Learning>,
    ) -> Result<bool, TrainError> {
        let stopped = self.training(epoch, learner, components)?;
        if stopped || self.test(epoch, learner, components)? {
            return Ok(true);
        }
        let interrupter = &components.interrupter;
        let processor = &mut components.event_processor;
        interrupter.fail_on_error(processor.process_train(LearnerEvent::EndEpoch(epoch)));
        if self.group.rank() == 0
            && let Some(checkpointer) = &mut components.checkpointer
        {
            interrupter.fail_on_error(processor.flush());
            checkpointer.checkpoint(learner, epoch, &components.event_store);
        }
        Ok(false)
    }

    fn training(
        &self,
        epoch: usize,
        learner: &mut Learner<Learning>,
        components: &mut TrainingComponents<Learning>,
    ) -> Result<bool, TrainError> {
        let interrupter = components.interrupter.clone();
        let processor = &mut components.event_processor;
        interrupter.fail_on_error(processor.process_train(LearnerEvent::StartSplit {
            epoch_number: epoch,
            total_items: self.train.num_items(),
        }));
        let mut batches = self.train.epoch();
        let (mut step, mut done, mut stop) = (0, 0, false);
        while !stop && let Some(dealt) = batches.next_dealt() {
            let dealt = dealt?;
            let network = learner.model();
            let (mut figures, gradients) = self.gradients(&network, dealt)?;
            // The figures come along while the gradients are under way.
            figures.stops = f64::from(u8::from(interrupter.should_stop()));
            let all = figures.of_all(self.group.as_ref())?;
            self.check(epoch, "training loss", figures, all)?;
            let gradients = gradients.wait()?;
            // Whatever else holds the weights keeps the optimizer from changing them where they lie.
            drop(network);
            learner.lr_step();
            learner.optimizer_step(gradients);
            (step, done, stop) = (step + 1, done + all.images as usize, all.stops > 0.0);
            let item = TrainingItem::new(
                all.output(&self.device.clone().inner()),
                Progress::new(done, self.train.num_items(), Some("images".to_owned())),
                Some(step),
                Some(learner.lr_current()),
            );
            interrupter.fail_on_error(processor.process_train(LearnerEvent::ProcessedItem(item)));
        }
        interrupter.fail_on_error(processor.process_train(LearnerEvent::EndSplit(epoch)));
        Ok(stop)
    }

    /// What this worker's parts of a batch say, and the gradients of all on their way.
    fn gradients<'a>(
        &'a self,
        network: &'a Learning,
        dealt: Dealt,
    ) -> Result<(Figures, GradientSum<'a>), TrainError> {
        let group = self.group.as_ref();
        let mut figures = Figures::default();
        let mut sum = GradientSum::new(group, network);
        let mut before = GradientsAccumulator::new();
        let mut parts = dealt.parts.into_iter().peekable();
        while let Some(part) = parts.next() {
            let last = parts.peek().is_none();
            let Some(batch) = part else {
                // The others wait for this worker all the same, and in this order.
                if self.sync_norms {
                    forward_without_images(group, &network.network)?;
                }
                let mut others = before.grads();
                for piece in network.pieces() {
                    if let Piece::Block(index) = piece
                        && self.sync_norms
                    {
                        backward_without_images(group, &network.network.blocks[index])?;
                    }
                    if last {
                        sum.begin(piece, GradientsParams::new(), &mut others)?;
                    }
                }
                before.accumulate(network, others);
                continue;
            };
            let [images] = batch.targets.dims();
            let weight = images as f64 / dealt.images as f64;
            if !last {
                let output = network.step_of_part(batch, weight);
                before.accumulate(network, output.grads);
                figures.add(output.item)?;
                continue;
            }
            // The gradients of the last part complete those of the others.
            let mut others = before.grads();
            let output = network.step_in_pieces(batch, weight, &mut |piece, gradients| {
                sum.begin(piece, gradients, &mut others)
            })?;
            figures.add(output)?;
        }
        sum.begin_rest(&mut before.grads())?;
        Ok((figures, sum))
    }

    fn test(
        &self,
        epoch: usize,
        learner: &Learner<Learning>,
        components: &mut TrainingComponents<Learning>,
    ) -> Result<bool, TrainError> {
        let interrupter = components.interrupter.clone();
        let processor = &mut components.event_processor;
        interrupter.fail_on_error(processor.process_valid(LearnerEvent::StartSplit {
            epoch_number: epoch,
            total_items: self.test.num_items(),
        }));
        share_running_statistics(&self.group, &learner.model().network)?;
        let network = learner.model().valid();
        let mut figures = Figures::default();
        let mut batches = self.test.epoch();
        while let Some(dealt) = batches.next_dealt() {
            for batch in dealt?.parts.into_iter().flatten() {
                figures.add(InferenceStep::step(&network, batch))?;
            }
        }
        figures.stops = f64::from(u8::from(interrupter.should_stop()));
        let all = figures.of_all(self.group.as_ref())?;
        self.check(epoch, "test loss", figures, all)?;
        let progress = Progress::new(
            self.test.num_items(),
            self.test.num_items(),
            Some("images".to_owned()),
        );
        let item = all.output(&self.device.clone().inner());
        let item = TrainingItem::new(item, progress, Some(1), None);
        interrupter.fail_on_error(processor.process_valid(LearnerEvent::ProcessedItem(item)));
        interrupter.fail_on_error(processor.process_valid(LearnerEvent::EndSplit(epoch)));
        Ok(all.stops > 0.0)
    }

    /// Stops all workers before a loss that is not finite becomes weights that are not, and says where it came from.
    fn check(
        &self,
        epoch: usize,
        what: &'static str,
        mine: Figures,
        all: Figures,
    ) -> Result<(), TrainError> {
        if all.loss.is_finite() {
            return Ok(());
        }
        let losses = self.group.gather(mine.loss.to_le_bytes().to_vec())?;
        let finite = losses
            .iter()
            .map(|bytes| match bytes.as_slice().try_into() {
                Ok(bytes) => f64::from_le_bytes(bytes).is_finite(),
                Err(_) => false,
            });
        let lost: Vec<_> = finite.enumerate().filter(|(_, finite)| !finite).collect();
        // Where it is so for all of them, it comes from the weights.
        let member = match lost[..] {
            [(rank, _), ..] if lost.len() < self.group.size() => Some(self.group.member(rank)),
            _ => None,
        };
        Err(TrainError::NotFinite {
            what,
            found: all.loss,
            epoch,
            checkpoint: None,
            member,
        })
    }
}
