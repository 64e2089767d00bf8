//! Batches of an image set for burn-train, in an order that follows from the seed and the epoch.
//!
//! Images in files are read by threads of their own, ahead of the training. Which they are and how they are changed is
//! drawn in their order all the same: an epoch is the same one for any number of threads, and for images in memory.

use std::io;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use burn::data::dataloader::{DataLoader, DataLoaderIterator, Progress};
use burn::data::dataset::DatasetError;
use burn::tensor::{Device, Int, Tensor, TensorData};
use rand::seq::SliceRandom;
use rand::{RngCore, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::ahead::Ahead;
use super::augment::Augmentation;
use super::portion::{Deal, Made, Maker, Task, Tasks};
use super::supply::Supply;
use crate::data::{DataError, ImageSet, Normalization};

/// 2⁶⁴ divided by the golden ratio: multiples of it are far apart.
const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

/// So many batches are read ahead, as long as they take no more bytes than that.
const BATCHES_AHEAD: usize = 3;
const BYTES_AHEAD: usize = 256 << 20;

/// Images and their classes, as the network takes them.
#[derive(Debug, Clone)]
pub struct ImageBatch {
    /// Normalised images `[batch, channels, height, width]`.
    pub images: Tensor<4>,
    /// Classes `[batch]`.
    pub targets: Tensor<1, Int>,
}

/// A batch as one worker sees it.
pub(super) struct Dealt {
    /// Images in the whole batch.
    pub(super) images: usize,
    /// This worker's parts; a small batch has parts without images.
    pub(super) parts: Vec<Option<ImageBatch>>,
}

/// Gives the batches of one epoch each time it is iterated.
#[derive(Clone)]
pub struct EpochLoader {
    images: Arc<ImageSet>,
    range: Range<usize>,
    normalization: Arc<Normalization>,
    batch_size: usize,
    device: Device,
    deal: Deal,
    shuffle: Option<Shuffle>,
    /// How many threads read images that are not in memory; as many as compute where it is not said.
    threads: Option<usize>,
    supply: Arc<Supply>,
}

/// What makes the epochs of a training differ.
#[derive(Clone)]
struct Shuffle {
    seed: u64,
    augmentation: Augmentation,
    /// How many epochs are over. Shared by all copies of a loader: burn-train makes one for
    /// each device.
    epochs: Arc<AtomicUsize>,
}

impl EpochLoader {
    /// The images in their order, for a test.
    pub fn in_order(
        images: Arc<ImageSet>,
        normalization: Arc<Normalization>,
        batch_size: usize,
        device: &Device,
    ) -> Self {
        Self {
            range: 0..images.len(),
            images,
            normalization,
            batch_size: batch_size.max(1),
            device: device.clone(),
            deal: Deal::WHOLE,
            shuffle: None,
            threads: None,
            supply: Arc::default(),
        }
    }

    /// The same loader for one of several workers, which asks for its part of each batch ([`Epoch::next_dealt`]).
    pub(super) fn dealt(self, deal: Deal) -> Self {
        Self { deal, ..self }
    }

    /// What this loader and its copies tell of their images.
    pub(super) fn supply(&self) -> Arc<Supply> {
        self.supply.clone()
    }

    /// The same loader with its tensors on another device.
    pub(super) fn on(&self, device: &Device) -> Self {
        Self {
            device: device.clone(),
            ..self.clone()
        }
    }

    /// The same loader for training: each iteration is the next epoch after the first
    /// `epochs_done`. Its order and augmentation follow from `seed` and its number alone, and it
    /// seeds the device, so that its dropout does too.
    pub fn shuffled(self, seed: u64, augmentation: Augmentation, epochs_done: usize) -> Self {
        let epochs = Arc::new(AtomicUsize::new(epochs_done));
        let shuffle = Shuffle {
            seed,
            augmentation,
            epochs,
        };
        Self {
            shuffle: Some(shuffle),
            ..self
        }
    }
}

impl EpochLoader {
    /// The next epoch.
    pub(super) fn epoch(&self) -> Epoch<'_> {
        self.epoch_of(self.deal)
    }

    fn epoch_of(&self, deal: Deal) -> Epoch<'_> {
        let mut order: Vec<_> = self.range.clone().collect();
        let change = self.shuffle.as_ref().map(|shuffle| {
            let epoch = shuffle.epochs.fetch_add(1, Ordering::Relaxed) + 1;
            let mut random = ChaCha8Rng::seed_from_u64(shuffle.seed);
            random.set_stream(epoch as u64);
            // Each worker draws dropout of its own, the first one that of a worker alone.
            let own = (self.deal.rank as u64).wrapping_mul(GOLDEN);
            self.device.seed(random.next_u64().wrapping_add(own));
            order.shuffle(&mut random);
            (shuffle.augmentation, random)
        });
        let tasks = Tasks {
            places: 0..order.len(),
            batch_size: self.batch_size,
            deal,
            change,
        };
        let places = order.len();
        let maker = Maker {
            set: self.images.clone(),
            order: order.into(),
            supply: self.supply.clone(),
        };
        let own = self.batch_size.min(places).div_ceil(deal.size);
        Epoch {
            loader: self,
            deal,
            images: Ahead::new(
                tasks,
                move |task| maker.make(task),
                self.threads(),
                self.most_ahead(own),
            ),
            places,
            done: 0,
            begun: Instant::now(),
        }
    }

    /// How many threads make images beside the training, which makes those that are in memory itself.
    fn threads(&self) -> usize {
        match self.images.is_streamed() {
            true => self.threads.unwrap_or_else(rayon::current_num_threads),
            false => 0,
        }
    }

    /// How many images are held ahead, of a batch of which `own` are this worker's.
    fn most_ahead(&self, own: usize) -> usize {
        let bytes: usize = self.images.shape().iter().product();
        let most = own.saturating_mul(BATCHES_AHEAD);
        most.min(BYTES_AHEAD / bytes).max(2 * self.threads())
    }
}

impl DataLoader<ImageBatch> for EpochLoader {
    fn iter<'a>(&'a self) -> Box<dyn DataLoaderIterator<ImageBatch> + 'a> {
        Box::new(self.epoch_of(Deal::WHOLE))
    }

    fn num_items(&self) -> usize {
        self.range.len()
    }

    fn to_device(&self, device: &Device) -> Arc<dyn DataLoader<ImageBatch>> {
        Arc::new(self.on(device))
    }

    fn slice(&self, start: usize, end: usize) -> Arc<dyn DataLoader<ImageBatch>> {
        let end = (self.range.start + end).min(self.range.end);
        let range = (self.range.start + start).min(end)..end;
        Arc::new(Self {
            range,
            ..self.clone()
        })
    }
}

/// The batches of one epoch.
pub(super) struct Epoch<'a> {
    loader: &'a EpochLoader,
    deal: Deal,
    /// This worker's, in their order; `None` for a broken one of a test.
    images: Ahead<Task, Result<Option<Made>, DataError>>,
    /// How many images all workers have.
    places: usize,
    done: usize,
    begun: Instant,
}

impl Epoch<'_> {
    /// This worker's part of the next batch.
    pub(super) fn next_dealt(&mut self) -> Option<Result<Dealt, DataError>> {
        let start = self.done;
        self.done = start
            .saturating_add(self.loader.batch_size)
            .min(self.places);
        (start < self.done).then(|| self.dealt(self.done - start))
    }

    /// The next batch, of so many images.
    fn dealt(&mut self, count: usize) -> Result<Dealt, DataError> {
        let deal = self.deal;
        let shape = self.loader.images.shape();
        let bytes: usize = shape.iter().product();
        let most = count.div_ceil(deal.size * deal.parts);
        let empty = || (Vec::with_capacity(most * bytes), Vec::new());
        let mut parts: Vec<(Vec<u8>, Vec<i64>)> = (0..deal.parts).map(|_| empty()).collect();
        for place in 0..count {
            let Some(part) = deal.part(place) else {
                continue;
            };
            if let Some(Made { pixels, label }) = self.images.next().transpose()?.flatten() {
                parts[part].0.extend(pixels);
                parts[part].1.push(label as i64);
            }
        }
        let device = &self.loader.device;
        let batch = |(pixels, labels): (Vec<u8>, Vec<i64>)| {
            let count = labels.len();
            if count == 0 {
                return Ok(None);
            }
            let normalization = &self.loader.normalization;
            Ok(Some(ImageBatch {
                images: normalization.images(&pixels, shape, device)?,
                targets: Tensor::from_data(TensorData::new(labels, [count]), device),
            }))
        };
        Ok(Dealt {
            images: count,
            parts: parts
                .into_iter()
                .map(batch)
                .collect::<Result<_, DataError>>()?,
        })
    }
}

impl Drop for Epoch<'_> {
    fn drop(&mut self) {
        if self.loader.images.is_streamed() {
            let supply = &self.loader.supply;
            supply.epoch(self.images.waited(), self.begun.elapsed());
        }
    }
}

impl Iterator for Epoch<'_> {
    type Item = Result<ImageBatch, DatasetError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.next_dealt()? {
                Ok(dealt) => {
                    // All images of a batch may be broken.
                    if let Some(batch) = dealt.parts.into_iter().flatten().next() {
                        return Some(Ok(batch));
                    }
                }
                Err(error) => {
                    let told = DatasetError::new(io::Error::other(error.to_string()));
                    self.loader.supply.fail(error);
                    return Some(Err(told));
                }
            }
        }
    }
}

impl DataLoaderIterator<ImageBatch> for Epoch<'_> {
    fn progress(&self) -> Progress {
        Progress::new(self.done, self.places, Some("images".to_owned()))
    }
}

#[cfg(all(test, feature = "flex"))]
mod tests;
