//! Tasks on the threads of the current rayon pool, each with scratch memory of its own.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use rayon::prelude::*;

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

/// Runs `work`, which computes several layers, on a thread of the current rayon pool, and keeps the pool's other
/// threads awake for it until it is over: to wake one takes as long as a small layer itself.
///
/// A thread stays awake for one work at a time, and for none while it runs one, so that callers wait for each
/// other no longer than in any rayon pool. Where many of them should not wait at all, give each a pool of its
/// own.
pub fn on_pool<R: Send>(work: impl FnOnce() -> R + Send) -> R {
    rayon::scope(|_| {
        let Some(_engaged) = Engaged::new() else {
            return work();
        };
        let over = Over(Arc::default());
        let flag = Arc::clone(&over.0);
        rayon::spawn_broadcast(move |_| stay_awake(&flag));
        work()
    })
}

/// Does what there is to do in the pool until `over` is set, or until there was nothing to do for a while.
///
/// It must not wait for `over` alone: a thread that waits in the middle of a piece of the work, for another
/// thread's half of it, may take this up meanwhile. The work is then not over before this returns.
fn stay_awake(over: &AtomicBool) {
    let Some(_engaged) = Engaged::new() else {
        return;
    };
    #[cfg(test)]
    let _depth = tests::Depth::new();
    let mut idle = 0;
    while !over.load(Ordering::Acquire) && idle < MOST_IDLE {
        if rayon::yield_now() == Some(rayon::Yield::Executed) {
            idle = 0;
        } else {
            idle += 1;
            std::thread::yield_now();
        }
    }
}

/// So often a thread looks for something to do in vain, for about a millisecond, before it may fall asleep.
const MOST_IDLE: u32 = 2000;

thread_local! {
    static ENGAGED: Cell<bool> = const { Cell::new(false) };
}

/// The mark of a thread that runs a work or stays awake for one.
struct Engaged;

impl Engaged {
    /// `None` on a thread that has it.
    fn new() -> Option<Self> {
        // Not `then_some`: a mark that is made and refused would take the first one away when it is dropped.
        (!ENGAGED.replace(true)).then(|| Self)
    }
}

impl Drop for Engaged {
    fn drop(&mut self) {
        ENGAGED.set(false);
    }
}

/// Says that a work is over, also if it panics.
struct Over(Arc<AtomicBool>);

impl Drop for Over {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

/// Calls `task` once for each number below `tasks`. Threads take the next number when they are done with
/// one, so a slow thread holds up nobody; no two calls share a slot at the same time.
pub(crate) fn for_each_task(
    slots: &mut [Slot],
    tasks: usize,
    task: impl Fn(&mut Slot, usize) + Sync,
) {
    let next = AtomicUsize::new(0);
    let work = |slot: &mut Slot| {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= tasks {
                return;
            }
            task(slot, number);
        }
    };
    let threads = slots.len().min(tasks);
    if threads == 1 {
        work(&mut slots[0]);
    } else {
        slots[..threads]
            .par_iter_mut()
            .with_max_len(1)
            .for_each(work);
    }
}

/// Part `index` of `0..length` cut into `parts` parts of nearly equal length.
pub(crate) fn part(length: usize, parts: usize, index: usize) -> std::ops::Range<usize> {
    // In 64 bits on any machine: a product of two lengths is no length.
    let start = |index: usize| (index as u64 * length as u64 / parts as u64) as usize;
    start(index)..start(index + 1)
}

/// Planes of a feature map that are worth a task of their own.
pub(crate) fn planes_per_task(plane: usize) -> usize {
    1 + (1 << 11) / plane
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::time::{Duration, Instant};

    use super::*;

    /// So many calls of [`stay_awake`] are under way on this thread, one within another.
    pub(super) struct Depth;

    thread_local! {
        static DEPTH: Cell<usize> = const { Cell::new(0) };
    }

    static DEEPEST: AtomicUsize = AtomicUsize::new(0);

    impl Depth {
        pub(super) fn new() -> Self {
            DEPTH.set(DEPTH.get() + 1);
            DEEPEST.fetch_max(DEPTH.get(), Ordering::Relaxed);
            Self
        }
    }

    impl Drop for Depth {
        fn drop(&mut self) {
            DEPTH.set(DEPTH.get() - 1);
        }
    }

    #[test]
    fn a_thread_that_is_refused_the_mark_keeps_the_one_it_has() {
        let mark = Engaged::new().expect("free");
        for _ in 0..3 {
            assert!(Engaged::new().is_none());
            assert!(ENGAGED.get());
        }
        drop(mark);
        assert!(Engaged::new().is_some());
    }

    #[test]
    fn threads_stay_awake_for_one_work_at_a_time_however_many_call() {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(3);
        let pool = pool.build().expect("threads start");
        // Several parallel pieces, in which a thread that waits takes up what else there is.
        let work = || {
            for _ in 0..20 {
                (0..8)
                    .into_par_iter()
                    .for_each(|_| std::thread::yield_now());
            }
        };
        std::thread::scope(|scope| {
            for _ in 0..48 {
                scope.spawn(|| {
                    for _ in 0..20 {
                        pool.install(|| on_pool(work));
                    }
                });
            }
        });
        assert_eq!(DEEPEST.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn parts_are_the_whole_in_order() {
        // So long that on 32 bits a product of it and of the number of parts is no length.
        let (length, parts) = ((1 << 25) + 7, 1 << 12);
        let mut end = 0;
        for index in 0..parts {
            let part = part(length, parts, index);
            assert_eq!(part.start, end);
            assert!((length / parts..=length / parts + 1).contains(&part.len()));
            end = part.end;
        }
        assert_eq!(end, length);
    }

    #[test]
    fn threads_rest_behind_a_work_even_if_it_panics() {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(3);
        let pool = pool.build().expect("threads start");
        let panicking = || pool.install(|| on_pool(|| panic!("as it should")));
        assert!(catch_unwind(AssertUnwindSafe(panicking)).is_err());
        let start = Instant::now();
        // One that stays awake finds this among what there is to do, and is still engaged.
        while pool.broadcast(|_| ENGAGED.get()).contains(&true) {
            assert!(start.elapsed() < Duration::from_secs(10), "still awake");
        }
    }
}
