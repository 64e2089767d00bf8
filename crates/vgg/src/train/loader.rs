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

/// 2⁶⁴ divided by the golden ratio: multiples of it are far apart.
const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

/// Images and their classes, as the network takes them.
#[derive(Debug, Clone)]
pub struct ImageBatch {
    /// Normalised images `[batch, channels, height, width]`.
    pub images: Tensor<4>,
    /// Classes `[batch]`.
    pub targets: Tensor<1, Int>,
}

/// Which part of each batch a worker computes: the images of a batch are dealt out to `size` workers, image after image,
/// and each computes what it gets in `parts` parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Deal {
    pub(super) rank: usize,
    pub(super) size: usize,
    pub(super) parts: usize,
}

impl Deal {
    /// Everything in one part.
    const WHOLE: Self = Self {
        rank: 0,
        size: 1,
        parts: 1,
    };

    /// In which of this worker's parts the image at `place` of a batch is.
    fn part(self, place: usize) -> Option<usize> {
        let share = place % (self.size * self.parts);
        (share % self.size == self.rank).then_some(share / self.size)
    }
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
        }
    }

    /// The same loader for one of several workers, which asks for its part of each batch ([`Epoch::next_dealt`]).
    pub(super) fn dealt(self, deal: Deal) -> Self {
        Self { deal, ..self }
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
        Epoch {
            loader: self,
            order,
            done: 0,
            change,
        }
    }
}

impl DataLoader<ImageBatch> for EpochLoader {
    fn iter<'a>(&'a self) -> Box<dyn DataLoaderIterator<ImageBatch> + 'a> {
        Box::new(self.epoch())
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
    order: Vec<usize>,
    done: usize,
    change: Option<(Augmentation, ChaCha8Rng)>,
}

impl Epoch<'_> {
    /// This worker's part of the next batch.
    pub(super) fn next_dealt(&mut self) -> Option<Result<Dealt, DataError>> {
        let places = self.next_places()?;
        Some(self.dealt(places, self.loader.deal))
    }

    /// Where the next batch lies in the epoch's order.
    fn next_places(&mut self) -> Option<Range<usize>> {
        let start = self.done;
        self.done = start
            .saturating_add(self.loader.batch_size)
            .min(self.order.len());
        (start < self.done).then_some(start..self.done)
    }

    fn dealt(&mut self, places: Range<usize>, deal: Deal) -> Result<Dealt, DataError> {
        let set = &self.loader.images;
        let indices = &self.order[places];
        let most = indices.len().div_ceil(deal.size * deal.parts);
        let empty = || (Vec::with_capacity(most * set.pixels(0).len()), Vec::new());
        let mut parts: Vec<(Vec<u8>, Vec<i64>)> = (0..deal.parts).map(|_| empty()).collect();
        for (place, &index) in indices.iter().enumerate() {
            // Drawn for each image, also those of other workers: an epoch is the same one for any number of them.
            let change = self.change.as_mut();
            let change = change.map(|(augmentation, random)| augmentation.draw(random));
            let Some(part) = deal.part(place) else {
                continue;
            };
            let (pixels, labels) = &mut parts[part];
            match change {
                Some(change) => change.apply(set.pixels(index), set.shape(), pixels),
                None => pixels.extend_from_slice(set.pixels(index)),
            }
            labels.push(set.label(index) as i64);
        }
        let device = &self.loader.device;
        let batch = |(pixels, labels): (Vec<u8>, Vec<i64>)| {
            let count = labels.len();
            if count == 0 {
                return Ok(None);
            }
            let normalization = &self.loader.normalization;
            Ok(Some(ImageBatch {
                images: normalization.images(&pixels, set.shape(), device)?,
                targets: Tensor::from_data(TensorData::new(labels, [count]), device),
            }))
        };
        Ok(Dealt {
            images: indices.len(),
            parts: parts
                .into_iter()
                .map(batch)
                .collect::<Result<_, DataError>>()?,
        })
    }
}

impl Iterator for Epoch<'_> {
    type Item = Result<ImageBatch, DatasetError>;

    fn next(&mut self) -> Option<Self::Item> {
        let places = self.next_places()?;
        let dealt = self.dealt(places, Deal::WHOLE);
        let whole = dealt.map(|dealt| dealt.parts.into_iter().flatten().next());
        whole.map_err(DatasetError::new).transpose()
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
    fn workers_and_parts_share_each_batch_as_it_is() {
        let augmentation = Augmentation::new().with_crop_padding(2).with_mirror(true);
        let set = ImageSet::new([1, 2, 3], (0..66).collect(), (0..11).collect()).expect("fits");
        let normalization = Normalization::new(vec![0.0], vec![1.0 / 255.0]);
        let device = Device::flex();
        let loader = EpochLoader::in_order(Arc::new(set), Arc::new(normalization), 4, &device);
        let loader = || loader.clone().shuffled(3, augmentation, 0);
        let read = |batch: ImageBatch| {
            let labels = batch.targets.try_into_vec_as::<i64>().expect("integers");
            let pixels = batch.images.try_into_vec_as::<f32>().expect("floats");
            let images: Vec<_> = pixels.chunks_exact(6).map(<[f32]>::to_vec).collect();
            labels.into_iter().zip(images).collect::<Vec<_>>()
        };
        let whole: Vec<_> = loader()
            .epoch()
            .map(|batch| read(batch.expect("a batch")))
            .collect();
        assert_eq!(whole.iter().map(Vec::len).collect::<Vec<_>>(), [4, 4, 3]);
        for (size, parts) in [(2, 1), (1, 2), (2, 2), (3, 2)] {
            let mut found = vec![vec![]; whole.len()];
            for rank in 0..size {
                let loader = loader().dealt(Deal { rank, size, parts });
                let mut epoch = loader.epoch();
                for (batch, found) in found.iter_mut().enumerate() {
                    let dealt = epoch.next_dealt().expect("a batch").expect("good images");
                    assert_eq!(
                        (dealt.images, dealt.parts.len()),
                        (whole[batch].len(), parts)
                    );
                    found.extend(dealt.parts.into_iter().flatten().flat_map(read));
                }
                assert!(epoch.next_dealt().is_none());
            }
            for (found, mut whole) in found.into_iter().zip(whole.clone()) {
                let mut found = found;
                found.sort_by_key(|(label, _)| *label);
                whole.sort_by_key(|(label, _)| *label);
                assert_eq!(found, whole, "{size} workers, {parts} parts");
            }
        }
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
