//! Memory that is used again.

#[cfg(feature = "burn")]
use crate::activation::Activation;
use crate::line::Line;
use crate::memory::grow;

/// Buffers that are not in use at present. A network's maps, points and packed weights are not all needed at the
/// same time: what one layer gives back serves the next one for whatever it needs.
#[derive(Debug, Default)]
pub(crate) struct Spare(Vec<Vec<Line>>);

impl Spare {
    /// A buffer of at least so many lines, with arbitrary content: the smallest one that is large enough, else
    /// the largest one, which then grows.
    pub(crate) fn take(&mut self, lines: usize) -> Vec<Line> {
        if lines == 0 {
            return Vec::new();
        }
        let by_length = |&index: &usize| self.0[index].len();
        let (fitting, small) = (
            (0..self.0.len()).filter(|index| by_length(index) >= lines),
            (0..self.0.len()).filter(|index| by_length(index) < lines),
        );
        let best = fitting
            .min_by_key(by_length)
            .or(small.max_by_key(by_length));
        let mut buffer = best.map_or_else(Vec::new, |index| self.0.swap_remove(index));
        grow(&mut buffer, lines);
        buffer
    }

    /// Takes a buffer back.
    pub(crate) fn give(&mut self, buffer: Vec<Line>) {
        if !buffer.is_empty() {
            self.0.push(buffer);
        }
    }

    /// An empty activation with memory for so many bytes.
    #[cfg(feature = "burn")]
    pub(crate) fn activation(&mut self, bytes: usize) -> Activation {
        Activation::from_memory(self.take(bytes.div_ceil(size_of::<Line>())))
    }

    pub(crate) fn lines(&self) -> usize {
        self.0.iter().map(Vec::capacity).sum()
    }
}
