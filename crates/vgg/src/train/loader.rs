//! Batches of an image set for burn-train, in an order that follows from the seed and the epoch.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use burn::data::dataloader::{DataLoader, DataLoaderIterator, Progress};
use burn::data::dataset::DatasetError;
use burn::tensor::{Device, Int, Tensor, TensorData};
use rand::seq::SliceRandom;
use rand::{RngCore, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::augment::Augmentation;
use crate::data::{DataError, ImageSet, Normalization};

/// Images and their classes, as the network takes them.
#[derive(Debug, Clone)]
pub struct ImageBatch {
    /// Normalised images `[batch, channels, height, width]`.
    pub images: Tensor<4>,
    /// Classes `[batch]`.
    pub targets: Tensor<1, Int>,
}

/// Gives the batches of one epoch each time it is iterated.
#[derive(Clone)]
pub struct EpochLoader {
    images: Arc<ImageSet>,
    range: Range<usize>,
    normalization: Arc<Normalization>,
    batch_size: usize,
    device: Device,
    shuffle: Option<Shuffle>,
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
            shuffle: None,
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

impl DataLoader<ImageBatch> for EpochLoader {
    fn iter<'a>(&'a self) -> Box<dyn DataLoaderIterator<ImageBatch> + 'a> {
        let mut order: Vec<_> = self.range.clone().collect();
        let change = self.shuffle.as_ref().map(|shuffle| {
            let epoch = shuffle.epochs.fetch_add(1, Ordering::Relaxed) + 1;
            let mut random = ChaCha8Rng::seed_from_u64(shuffle.seed);
            random.set_stream(epoch as u64);
            self.device.seed(random.next_u64());
            order.shuffle(&mut random);
            (shuffle.augmentation, random)
        });
        Box::new(Epoch {
            loader: self,
            order,
            done: 0,
            change,
        })
    }

    fn num_items(&self) -> usize {
        self.range.len()
    }

    fn to_device(&self, device: &Device) -> Arc<dyn DataLoader<ImageBatch>> {
        Arc::new(Self {
            device: device.clone(),
            ..self.clone()
        })
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

struct Epoch<'a> {
    loader: &'a EpochLoader,
    order: Vec<usize>,
    done: usize,
    change: Option<(Augmentation, ChaCha8Rng)>,
}

impl Epoch<'_> {
    fn batch(&mut self, indices: Range<usize>) -> Result<ImageBatch, DataError> {
        let set = &self.loader.images;
        let indices = &self.order[indices];
        let mut pixels = Vec::with_capacity(indices.len() * set.pixels(0).len());
        for &index in indices {
            match &mut self.change {
                Some((augmentation, random)) => {
                    augmentation.apply(set.pixels(index), set.shape(), random, &mut pixels);
                }
                None => pixels.extend_from_slice(set.pixels(index)),
            }
        }
        let labels: Vec<_> = indices
            .iter()
            .map(|&index| set.label(index) as i64)
            .collect();
        let device = &self.loader.device;
        Ok(ImageBatch {
            images: self
                .loader
                .normalization
                .images(&pixels, set.shape(), device)?,
            targets: Tensor::from_data(TensorData::new(labels, [indices.len()]), device),
        })
    }
}

impl Iterator for Epoch<'_> {
    type Item = Result<ImageBatch, DatasetError>;

    fn next(&mut self) -> Option<Self::Item> {
        let start = self.done;
        self.done = start
            .saturating_add(self.loader.batch_size)
            .min(self.order.len());
        if start == self.done {
            return None;
        }
        Some(self.batch(start..self.done).map_err(DatasetError::new))
    }
}

impl DataLoaderIterator<ImageBatch> for Epoch<'_> {
    fn progress(&self) -> Progress {
        Progress::new(self.done, self.order.len(), Some("images".to_owned()))
    }
}

#[cfg(all(test, feature = "flex"))]
mod tests {
    use super::*;

    fn loader(epochs_done: usize, seed: u64) -> EpochLoader {
        let labels: Vec<u16> = (0..10).collect();
        let set = ImageSet::new([1, 1, 1], (0..10).collect(), labels).expect("fits");
        let normalization = Normalization::new(vec![0.0], vec![1.0 / 255.0]);
        EpochLoader::in_order(Arc::new(set), Arc::new(normalization), 4, &Device::flex()).shuffled(
            seed,
            Augmentation::new(),
            epochs_done,
        )
    }

    fn labels(loader: &dyn DataLoader<ImageBatch>) -> Vec<i64> {
        let batch = |batch: Result<ImageBatch, _>| {
            let batch = batch.expect("a batch");
            let targets = batch.targets.into_data().convert::<i64>();
            let targets = targets.try_into_vec::<i64>().expect("integers");
            let images = batch
                .images
                .into_data()
                .try_into_vec::<f32>()
                .expect("floats");
            for (target, pixel) in targets.iter().zip(images) {
                assert_eq!(*target as f32, pixel.round(), "a label left its image");
            }
            targets
        };
        loader.iter().flat_map(batch).collect()
    }

    #[test]
    fn an_epoch_holds_every_image_once_in_an_order_of_its_own() {
        let loader = loader(0, 1);
        let epochs = [labels(&loader), labels(&loader)];
        assert_ne!(epochs[0], epochs[1]);
        for mut epoch in epochs {
            epoch.sort_unstable();
            assert_eq!(epoch, (0..10).collect::<Vec<_>>());
        }
    }

    #[test]
    fn an_epoch_follows_from_seed_and_number_alone() {
        let whole = loader(0, 1);
        labels(&whole);
        assert_eq!(labels(&whole), labels(&loader(1, 1)));
        assert_ne!(labels(&loader(1, 1)), labels(&loader(1, 2)));
    }

    #[test]
    fn one_batch_of_any_size_holds_all() {
        let loader = EpochLoader {
            batch_size: usize::MAX,
            ..loader(0, 1)
        };
        assert_eq!(loader.iter().count(), 1);
        assert_eq!(labels(&loader).len(), 10);
    }

    #[test]
    fn progress_counts_images_and_a_slice_holds_its_part() {
        let loader = loader(0, 1);
        let mut epoch = loader.iter();
        epoch.next();
        assert_eq!(epoch.progress().items_processed, 4);
        let mut part = labels(loader.slice(2, 5).as_ref());
        part.sort_unstable();
        assert_eq!(part, [2, 3, 4]);
    }
}
