//! Work that is done ahead of the one who needs its results, by threads of its own.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// The results of tasks, in their order. Tasks are drawn one after the other, and done by as many threads as there are;
/// no more results than a given number are held. Dropped early, it waits for the tasks that are under way alone.
pub(super) struct Ahead<J, T> {
    shared: Arc<Shared<J, T>>,
    threads: Vec<JoinHandle<()>>,
    waited: Duration,
}

struct Shared<J, T> {
    state: Mutex<State<J, T>>,
    work: Box<dyn Fn(J) -> T + Send + Sync>,
    most: usize,
    /// There is room for another result, or nothing more is to be done.
    room: Condvar,
    /// The next result is there.
    made: Condvar,
}

struct State<J, T> {
    tasks: Box<dyn Iterator<Item = J> + Send>,
    /// Results from the next one on that is to be given; `None` is still under way.
    results: VecDeque<Option<thread::Result<T>>>,
    /// How many were given.
    given: usize,
    /// There are no more tasks.
    over: bool,
    stopped: bool,
}

impl<J: 'static, T: Send + 'static> Ahead<J, T> {
    /// Begins with `tasks` on so many threads. Without any, `work` is done when its result is asked for.
    pub(super) fn new(
        tasks: impl Iterator<Item = J> + Send + 'static,
        work: impl Fn(J) -> T + Send + Sync + 'static,
        threads: usize,
        most: usize,
    ) -> Self {
        let shared = Arc::new(Shared {
            state: Mutex::new(State {
                tasks: Box::new(tasks),
                results: VecDeque::new(),
                given: 0,
                over: false,
                stopped: false,
            }),
            work: Box::new(work),
            most: most.max(1),
            room: Condvar::new(),
            made: Condvar::new(),
        });
        let start = |index: usize| {
            let shared = Arc::clone(&shared);
            let thread = thread::Builder::new().name(format!("images {index}"));
            // Fewer threads, or none, come to the same results.
            thread.spawn(move || shared.work()).ok()
        };
        Self {
            threads: (0..threads).map_while(start).collect(),
            shared,
            waited: Duration::ZERO,
        }
    }

    /// How long the one who asks has waited for results so far.
    pub(super) fn waited(&self) -> Duration {
        self.waited
    }
}

impl<J, T> Shared<J, T> {
    fn lock(&self) -> MutexGuard<'_, State<J, T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What each thread does.
    fn work(&self) {
        let mut state = self.lock();
        loop {
            while !state.stopped && !state.over && state.results.len() >= self.most {
                state = wait(&self.room, state);
            }
            if state.stopped || state.over {
                return;
            }
            let Some(task) = state.tasks.next() else {
                state.over = true;
                self.made.notify_one();
                self.room.notify_all();
                return;
            };
            let number = state.given + state.results.len();
            state.results.push_back(None);
            drop(state);
            let result = catch_unwind(AssertUnwindSafe(|| (self.work)(task)));
            state = self.lock();
            // Results in front of this one may have been given meanwhile, never this one.
            let place = number - state.given;
            state.results[place] = Some(result);
            if place == 0 {
                self.made.notify_one();
            }
        }
    }
}

fn wait<'a, T>(change: &Condvar, state: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
    change.wait(state).unwrap_or_else(PoisonError::into_inner)
}

impl<J, T> Iterator for Ahead<J, T> {
    type Item = T;

    /// A panic of the work goes on here.
    fn next(&mut self) -> Option<T> {
        let mut state = self.shared.lock();
        if self.threads.is_empty() {
            let task = state.tasks.next()?;
            drop(state);
            return Some((self.shared.work)(task));
        }
        let mut began = None;
        let result = loop {
            match state.results.front_mut().map(Option::take) {
                Some(Some(result)) => break Some(result),
                None if state.over => break None,
                _ => {}
            }
            began.get_or_insert_with(Instant::now);
            state = wait(&self.shared.made, state);
        };
        if let Some(began) = began {
            self.waited += began.elapsed();
        }
        let result = result?;
        state.results.pop_front();
        state.given += 1;
        drop(state);
        self.shared.room.notify_one();
        Some(result.unwrap_or_else(|panic| resume_unwind(panic)))
    }
}

impl<J, T> Drop for Ahead<J, T> {
    fn drop(&mut self) {
        self.shared.lock().stopped = true;
        self.shared.room.notify_all();
        for thread in self.threads.drain(..) {
            // It has caught the panics of its work.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    const THREADS: [usize; 3] = [0, 1, 4];

    #[test]
    fn results_come_in_the_order_of_their_tasks() {
        for threads in THREADS {
            for most in [0, 1, 3, 1000] {
                let work = |task: u64| {
                    // Tasks take differently long.
                    thread::sleep(Duration::from_micros(task * 7919 % 300));
                    task * task
                };
                let mut ahead = Ahead::new(0..100, work, threads, most);
                let all: Vec<_> = ahead.by_ref().collect();
                assert_eq!(all, (0..100).map(|task| task * task).collect::<Vec<_>>());
                assert_eq!(ahead.next(), None);
            }
        }
    }

    #[test]
    fn no_more_results_are_held_than_said() {
        static STARTED: AtomicUsize = AtomicUsize::new(0);
        let work = |task: usize| {
            STARTED.fetch_add(1, Ordering::SeqCst);
            task
        };
        let mut ahead = Ahead::new(0..1000, work, 4, 5);
        for given in 1..=50 {
            ahead.next();
            thread::sleep(Duration::from_millis(1));
            assert!(STARTED.load(Ordering::SeqCst) <= given + 5);
        }
    }

    #[test]
    fn whoever_drops_it_early_waits_for_what_is_under_way_alone() {
        for taken in [0, 1, 7] {
            let done = Arc::new(AtomicUsize::new(0));
            let counter = Arc::clone(&done);
            let work = move |_| counter.fetch_add(1, Ordering::SeqCst);
            let mut ahead = Ahead::new(0.., work, 4, 5);
            for _ in 0..taken {
                ahead.next();
            }
            drop(ahead);
            // Its threads are gone, and with them their hold of the counter.
            assert_eq!(Arc::strong_count(&done), 1);
            assert!(done.load(Ordering::SeqCst) <= taken + 5);
        }
    }

    #[test]
    fn a_panic_of_the_work_is_no_endless_wait() {
        for threads in THREADS {
            let work = |task| assert!(task != 3, "the fourth");
            let mut ahead = Ahead::new(0..10, work, threads, 2);
            let all = AssertUnwindSafe(|| while ahead.next().is_some() {});
            let panic = catch_unwind(all).expect_err("it goes on");
            assert_eq!(panic.downcast_ref::<&str>(), Some(&"the fourth"));
        }
    }
}
