//! Memory that layers work in.

use crate::maps::line::Line;
use crate::memory::pages::grow;
use crate::memory::spare::Spare;

/// Memory that layers work in. It grows to what the largest call needs and is then reused, so that
/// calls allocate nothing in steady state. One workspace serves any number of layers, one at a time.
#[derive(Debug, Default)]
pub struct Workspace {
    pub(crate) spare: Spare,
    offsets: Vec<usize>,
    slots: Vec<Slot>,
}

/// Scratch memory of one thread.
#[derive(Debug, Default)]
pub(crate) struct Slot {
    /// Lent for a panel of weights that is packed here.
    pub(crate) weights: Vec<Line>,
    pub(crate) points: Vec<Line>,
    pub(crate) products: Vec<Line>,
    pub(crate) planar: Vec<f32>,
}

impl Workspace {
    /// An empty workspace.
    pub fn new() -> Self {
        Self::default()
    }

    /// A workspace that has its buffers in common with others.
    #[cfg(feature = "burn")]
    pub(crate) fn sharing(spare: Spare) -> Self {
        Self {
            spare,
            ..Self::default()
        }
    }

    /// Bytes that it holds at present.
    pub fn bytes(&self) -> usize {
        let slots = self.slots.iter();
        let slots: usize = slots
            .map(|slot| slot.points.capacity() + slot.products.capacity())
            .sum();
        (self.spare.lines() + slots) * size_of::<Line>()
    }

    /// The parts of the workspace that a layer uses together: buffers that all threads share, and one slot for
    /// each thread.
    pub(crate) fn parts(&mut self) -> Parts<'_> {
        self.slots
            .resize_with(rayon::current_num_threads().max(1), Slot::default);
        Parts {
            spare: &self.spare,
            offsets: &mut self.offsets,
            slots: &mut self.slots,
        }
    }
}

/// See [`Workspace::parts`].
pub(crate) struct Parts<'a> {
    pub(crate) spare: &'a Spare,
    pub(crate) offsets: &'a mut Vec<usize>,
    pub(crate) slots: &'a mut [Slot],
}

/// The first `count` lines of a buffer, which grows if it has to. Their content is arbitrary.
pub(crate) fn scratch(buffer: &mut Vec<Line>, count: usize) -> &mut [Line] {
    grow(buffer, count);
    &mut buffer[..count]
}

impl Parts<'_> {
    /// Lends each slot a buffer for a panel of weights of so many lines.
    pub(crate) fn lend_panels(&mut self, lines: usize) {
        for slot in &mut *self.slots {
            slot.weights = self.spare.take(lines);
        }
    }

    /// Takes them back.
    pub(crate) fn take_back_panels(&mut self) {
        for slot in &mut *self.slots {
            self.spare.give(std::mem::take(&mut slot.weights));
        }
    }
}

/// Makes the slots large enough for tasks that need so many lines: which slot gets which task is not known.
/// A task must not make its slot grow: growing waits for other threads, and a thread that waits may start to
/// stay awake for the very work that waits for it.
pub(crate) fn reserve(slots: &mut [Slot], points: usize, products: usize) {
    for slot in slots {
        scratch(&mut slot.points, points);
        scratch(&mut slot.products, products);
    }
}
