//! Which images of an epoch a worker makes, and how.

use std::ops::Range;
use std::sync::Arc;

use rand_chacha::ChaCha8Rng;

use super::augment::{Augmentation, Change};
use super::supply::Supply;
use crate::data::{DataError, ImageSet};

/// So many broken images one after the other are no accident.
const MOST_BROKEN: usize = 100;

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
    pub(super) const WHOLE: Self = Self {
        rank: 0,
        size: 1,
        parts: 1,
    };

    /// In which of this worker's parts the image at `place` of a batch is.
    pub(super) fn part(self, place: usize) -> Option<usize> {
        let share = place % (self.size * self.parts);
        (share % self.size == self.rank).then_some(share / self.size)
    }
}

/// An image that is to be made.
#[derive(Debug, Clone, Copy)]
pub(super) struct Task {
    /// Its place in the epoch.
    place: usize,
    change: Option<Change>,
}

/// What a worker has to make of an epoch, in its order.
pub(super) struct Tasks {
    pub(super) places: Range<usize>,
    pub(super) batch_size: usize,
    pub(super) deal: Deal,
    pub(super) change: Option<(Augmentation, ChaCha8Rng)>,
}

impl Iterator for Tasks {
    type Item = Task;

    fn next(&mut self) -> Option<Task> {
        for place in &mut self.places {
            // Drawn for each image, also those of other workers: an epoch is the same one for any number of them.
            let change = self.change.as_mut();
            let change = change.map(|(augmentation, random)| augmentation.draw(random));
            if self.deal.part(place % self.batch_size).is_some() {
                return Some(Task { place, change });
            }
        }
        None
    }
}

/// What makes images.
pub(super) struct Maker {
    pub(super) set: Arc<ImageSet>,
    pub(super) order: Arc<[usize]>,
    pub(super) supply: Arc<Supply>,
}

/// An image and its class.
pub(super) struct Made {
    pub(super) pixels: Vec<u8>,
    pub(super) label: usize,
}

impl Maker {
    /// Makes an image. Of a set that passes over broken files, the next image of the epoch takes the place of such a one
    /// in a training, and no image in a test.
    pub(super) fn make(&self, task: Task) -> Result<Option<Made>, DataError> {
        let mut tried = 0;
        loop {
            let index = self.order[(task.place + tried) % self.order.len()];
            match self.pixels(index, task.change) {
                Ok(pixels) => {
                    let label = self.set.label(index);
                    return Ok(Some(Made { pixels, label }));
                }
                Err(error @ DataError::Image { .. }) if self.skips_broken() => {
                    if task.change.is_none() {
                        return Ok(None);
                    }
                    if tried == 0 {
                        self.supply.broken(&error);
                    }
                    tried += 1;
                    if tried == MOST_BROKEN.min(self.order.len()) {
                        return Err(error);
                    }
                }
                Err(error) => return Err(error),
            }
        }
    }

    fn skips_broken(&self) -> bool {
        let files = self.set.files();
        files.is_some_and(|files| files.skips_broken())
    }

    fn pixels(&self, index: usize, change: Option<Change>) -> Result<Vec<u8>, DataError> {
        let Some(change) = change else {
            return Ok(self.set.pixels(index)?.into_owned());
        };
        let pixels = match change.crop() {
            None => self.set.pixels(index)?,
            Some(crop) => {
                let part = |width, height| crop.part(width, height);
                self.set.part(index, part)?.into()
            }
        };
        let mut changed = Vec::with_capacity(pixels.len());
        change.apply(&pixels, self.set.shape(), &mut changed);
        Ok(changed)
    }
}
