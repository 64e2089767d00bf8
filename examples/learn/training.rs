//! Training by hand: guess, see how wrong it was, change the weights a little.

use std::error::Error;
use std::sync::Arc;
use std::time::Instant;

use burn::data::dataloader::DataLoader;
use burn::module::Module;
use burn::nn::loss::CrossEntropyLossConfig;
use burn::optim::{AdamConfig, GradientsParams, ModuleOptimizer};
use burn::tensor::Device;
use vgg::data::{DataError, ImageData, Normalization};
use vgg::train::{Augmentation, EpochLoader, Interrupter};

use crate::design::Design;
use crate::network::Network;

/// Images in a step.
const BATCH: usize = 32;
/// How far a step changes the weights.
const LEARNING_RATE: f64 = 1e-3;

/// A network that learns.
pub struct Training {
    pub design: Design,
    network: Network,
    optimizer: ModuleOptimizer,
    images: EpochLoader,
    test: EpochLoader,
    /// Test images that were recognised behind the last epoch.
    pub right: usize,
    /// What all epochs took.
    pub seconds: f64,
}

/// A training that leads nowhere.
#[derive(Debug, thiserror::Error)]
#[error(
    "the loss of the network with {0} is not a finite number any more: it learns nothing from here on"
)]
pub struct LossError(String);

impl Training {
    pub fn new(
        design: Design,
        data: &ImageData,
        seed: u64,
        device: &Device,
    ) -> Result<Self, DataError> {
        let normalization = Arc::new(Normalization::measure(&data.train)?);
        let learning = device.clone().autodiff();
        Ok(Self {
            design,
            // Its weights are drawn in the first step: behind the loader, which seeds the device for each epoch.
            network: Network::new(design, &learning),
            optimizer: AdamConfig::new().init(),
            images: EpochLoader::in_order(
                Arc::new(data.train.clone()),
                normalization.clone(),
                BATCH,
                &learning,
            )
            .shuffled(seed, Augmentation::new(), 0),
            test: EpochLoader::in_order(Arc::new(data.test.clone()), normalization, BATCH, device),
            right: 0,
            seconds: 0.0,
        })
    }

    /// Sees each image once, then is tested; `progress` is told how many images are done. Leaves early when
    /// `interrupter` says so: whether it came to the end.
    pub fn epoch(
        &mut self,
        interrupter: &Interrupter,
        mut progress: impl FnMut(usize),
    ) -> Result<bool, Box<dyn Error>> {
        let start = Instant::now();
        for (step, batch) in self.images.iter().enumerate() {
            let batch = batch?;
            progress(step * BATCH);
            if interrupter.should_stop() {
                return Ok(false);
            }
            let answers = self.network.forward(batch.images);
            let loss = CrossEntropyLossConfig::new()
                .init(&answers.device())
                .forward(answers, batch.targets);
            if !loss.clone().into_scalar::<f32>().is_finite() {
                return Err(LossError(self.design.name()).into());
            }
            let gradients = GradientsParams::from_grads(loss.backward(), &self.network);
            self.network = self
                .optimizer
                .step(LEARNING_RATE, self.network.clone(), gradients);
        }
        self.right = self.test()?;
        self.seconds += start.elapsed().as_secs_f64();
        Ok(true)
    }

    /// The part of the test images that was recognised.
    pub fn accuracy(&self) -> f64 {
        self.right as f64 / self.test.num_items() as f64
    }

    /// How many test images give their own class the largest number.
    fn test(&self) -> Result<usize, Box<dyn Error>> {
        let network = self.network.valid();
        let mut right = 0;
        for batch in self.test.iter() {
            let batch = batch?;
            let answers = network.forward(batch.images).argmax(1).flatten::<1>(0, 1);
            right += answers
                .equal(batch.targets)
                .int()
                .sum()
                .into_scalar::<i64>();
        }
        Ok(right as usize)
    }
}
