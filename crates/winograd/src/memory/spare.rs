//! Memory that is used again.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::maps::activation::Activation;
use crate::maps::line::Line;
use crate::memory::pages::grow;

/// Buffers that are not in use at present. A network's maps, points and packed weights are not all needed at the
/// same time: what one layer gives back serves the next one for whatever it needs. Clones share the buffers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Spare {
    /// Shortest first.
    buffers: Arc<Mutex<Vec<Vec<Line>>>>,
}

impl Spare {
    fn buffers(&self) -> MutexGuard<'_, Vec<Vec<Line>>> {
        self.buffers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A buffer of at least so many lines, with arbitrary content: the shortest one that is long enough, else
    /// the longest one, which then grows.
    pub(crate) fn take(&self, lines: usize) -> Vec<Line> {
        if lines == 0 {
            return Vec::new();
        }
        let mut buffers = self.buffers();
        let place = buffers.partition_point(|buffer| buffer.len() < lines);
        let mut buffer = match place < buffers.len() {
            true => buffers.remove(place),
            false => buffers.pop().unwrap_or_default(),
        };
        drop(buffers);
        grow(&mut buffer, lines);
        buffer
    }

    /// Takes a buffer back.
    pub(crate) fn give(&self, buffer: Vec<Line>) {
        if buffer.is_empty() {
            return;
        }
        let mut buffers = self.buffers();
        let place = buffers.partition_point(|other| other.len() < buffer.len());
        buffers.insert(place, buffer);
    }

    /// An activation without a shape yet, with memory for one of so many lines.
    pub(crate) fn activation(&self, lines: usize) -> Activation {
        Activation::from_memory(self.take(lines))
    }

    /// Takes an activation's memory back.
    pub(crate) fn give_activation(&self, activation: Activation) {
        self.give(activation.into_memory());
    }

    /// Lines of all buffers.
    pub(crate) fn lines(&self) -> usize {
        self.buffers().iter().map(Vec::capacity).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_fits_as_closely_as_it_can() {
        let spare = Spare::default();
        let (short, long) = (spare.take(10), spare.take(100));
        spare.give(long);
        spare.give(short);
        assert_eq!(spare.take(0).len(), 0);
        assert_eq!(spare.take(5).len(), 10);
        assert_eq!(spare.take(5).len(), 100);
        assert_eq!(spare.lines(), 0);
    }

    #[test]
    fn the_longest_buffer_grows_if_none_is_long_enough() {
        let spare = Spare::default();
        let (short, long) = (spare.take(10), spare.take(100));
        spare.give(short);
        spare.clone().give(long);
        assert_eq!(spare.take(200).len(), 200);
        assert_eq!(spare.lines(), 10);
    }
}
