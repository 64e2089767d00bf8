//! Work on the current rayon pool whose threads stay awake for it.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

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

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::atomic::AtomicUsize;
    use std::time::{Duration, Instant};

    use rayon::prelude::*;

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
