//! Workers that are threads of one process.

use std::any::Any;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::error::{GroupError, Member};
use super::group::{Group, Sum};

/// A group of as many threads as there are `places`, by which messages name them, for one thread each. Whoever makes the
/// others wait for longer than `limit` ends them all.
pub fn threads(places: &[String], limit: Duration) -> Vec<Arc<dyn Group>> {
    let table = Arc::new(Table {
        places: places.to_vec(),
        limit,
        state: Mutex::new(State {
            given: vec![None; places.len()],
            taken: vec![false; places.len()],
            failed: None,
        }),
        changed: Condvar::new(),
    });
    let worker = |rank| {
        let table = Arc::clone(&table);
        Arc::new(Thread { rank, table }) as Arc<dyn Group>
    };
    (0..places.len()).map(worker).collect()
}

/// One of the workers.
#[derive(Debug)]
struct Thread {
    rank: usize,
    table: Arc<Table>,
}

/// Where each worker lays down what it gives, and takes what all have given.
#[derive(Debug)]
struct Table {
    places: Vec<String>,
    limit: Duration,
    state: Mutex<State>,
    changed: Condvar,
}

type Given = Arc<dyn Any + Send + Sync>;

#[derive(Debug)]
struct State {
    given: Vec<Option<Given>>,
    taken: Vec<bool>,
    failed: Option<GroupError>,
}

impl Thread {
    /// What all workers give, in the order of ranks.
    fn exchange<T: Any + Send + Sync>(&self, mine: T) -> Result<Vec<Arc<T>>, GroupError> {
        let mut state = self.table.lock();
        // Until all have taken what was given before.
        state = self.wait(state, |state| {
            let missing = state.taken.iter().position(|taken| !taken);
            state.given[self.rank].as_ref().and(missing)
        })?;
        state.given[self.rank] = Some(Arc::new(mine));
        self.table.changed.notify_all();
        state = self.wait(state, |state| state.given.iter().position(Option::is_none))?;
        let all: Vec<Given> = state.given.iter().flatten().cloned().collect();
        state.taken[self.rank] = true;
        if !state.taken.contains(&false) {
            state.given.fill(None);
            state.taken.fill(false);
            self.table.changed.notify_all();
        }
        drop(state);
        let typed = all.into_iter().map(|given| given.downcast::<T>().ok());
        let typed: Option<Vec<_>> = typed.collect();
        typed.ok_or_else(different)
    }

    /// Waits as long as a worker is `missing`.
    fn wait<'a>(
        &self,
        mut state: MutexGuard<'a, State>,
        missing: impl Fn(&State) -> Option<usize>,
    ) -> Result<MutexGuard<'a, State>, GroupError> {
        let start = Instant::now();
        loop {
            if let Some(error) = &state.failed {
                return Err(error.clone());
            }
            let Some(rank) = missing(&state) else {
                return Ok(state);
            };
            let left = self.table.limit.saturating_sub(start.elapsed());
            if left.is_zero() {
                let error = GroupError::Late {
                    member: self.member(rank),
                    seconds: self.table.limit.as_secs(),
                };
                return Err(self.table.fail(state, error));
            }
            let waited = self.table.changed.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

fn different() -> GroupError {
    GroupError::Unavailable("the ranks do different things".to_owned())
}

impl Table {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The first failure of all, which is `error` if there was none before.
    fn fail(&self, mut state: MutexGuard<'_, State>, error: GroupError) -> GroupError {
        let first = state.failed.get_or_insert(error).clone();
        self.changed.notify_all();
        first
    }
}

impl Group for Thread {
    fn rank(&self) -> usize {
        self.rank
    }

    fn size(&self) -> usize {
        self.table.places.len()
    }

    fn member(&self, rank: usize) -> Member {
        let place = self.table.places.get(rank).cloned().unwrap_or_default();
        Member { rank, place }
    }

    fn begin_sum(&self, values: Vec<f32>) -> Result<Sum, GroupError> {
        let mut all = self.exchange(values)?;
        // Each adds up a part, in the same order, and takes the others' parts of the sum.
        let count = all[self.rank].len();
        if all.iter().any(|values| values.len() != count) {
            return Err(different());
        }
        let part = count.div_ceil(all.len()).max(1);
        let start = (self.rank * part).min(count);
        let end = (start + part).min(count);
        let mut sums = all[0][start..end].to_vec();
        for values in &all[1..] {
            for (sum, value) in sums.iter_mut().zip(&values[start..end]) {
                *sum += value;
            }
        }
        let mine = all.swap_remove(self.rank);
        drop(all);
        let parts = self.exchange(sums)?;
        // Nobody reads these values any more: their memory, which is not new, becomes that of the sums.
        let mut sums = Arc::try_unwrap(mine).unwrap_or_else(|mine| mine.to_vec());
        for (sums, part) in sums.chunks_mut(part).zip(&parts) {
            sums.copy_from_slice(part);
        }
        Ok(Sum::done(sums))
    }

    fn sum(&self, values: &mut [f64]) -> Result<(), GroupError> {
        let all = self.exchange(values.to_vec())?;
        for (index, sum) in values.iter_mut().enumerate() {
            *sum = all.iter().filter_map(|values| values.get(index)).sum();
        }
        Ok(())
    }

    fn broadcast(&self, bytes: Vec<u8>) -> Result<Vec<u8>, GroupError> {
        Ok(self.exchange(bytes)?[0].to_vec())
    }

    fn gather(&self, bytes: Vec<u8>) -> Result<Vec<Vec<u8>>, GroupError> {
        let all = self.exchange(bytes)?;
        Ok(all.iter().map(|bytes| bytes.to_vec()).collect())
    }

    fn leave(&self, reason: &str) {
        let error = GroupError::Ended {
            member: self.member(self.rank),
            reason: reason.to_owned(),
        };
        self.table.fail(self.table.lock(), error);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(size: usize, limit: Duration) -> Vec<Arc<dyn Group>> {
        let places: Vec<_> = (0..size).map(|index| format!("device {index}")).collect();
        threads(&places, limit)
    }

    /// What each worker of a group of three comes to.
    fn all<T: Send>(work: impl Fn(&dyn Group) -> T + Sync) -> Vec<T> {
        let workers = group(3, Duration::from_secs(20));
        std::thread::scope(|scope| {
            let started: Vec<_> = workers
                .iter()
                .map(|worker| scope.spawn(|| work(worker.as_ref())))
                .collect();
            let ends = started.into_iter().map(|thread| thread.join());
            ends.map(|end| end.expect("no panic")).collect()
        })
    }

    #[test]
    fn all_have_the_same_sums_and_bytes_however_often() {
        let found = all(|worker| {
            let rank = worker.rank() as f32;
            for round in 0..200 {
                let sum = worker
                    .begin_sum(vec![rank, round as f32])
                    .expect("all there");
                assert_eq!(sum.wait().expect("all there"), [3.0, 3.0 * round as f32]);
            }
            for count in 0..20 {
                let values = (0..count).map(|index| rank * index as f32).collect();
                let sum = worker.begin_sum(values).expect("all there");
                let expected: Vec<_> = (0..count).map(|index| 3.0 * index as f32).collect();
                assert_eq!(sum.wait().expect("all there"), expected);
            }
            let mut wide = [0.1 * f64::from(rank), 1.0];
            worker.sum(&mut wide).expect("all there");
            let mine = vec![worker.rank() as u8; worker.rank()];
            let gathered = worker.gather(mine.clone()).expect("all there");
            (
                wide,
                gathered,
                worker.broadcast(vec![7 + rank as u8]).expect("all there"),
            )
        });
        let expected = ([0.1 + 0.2, 3.0], vec![vec![], vec![1], vec![2, 2]], vec![7]);
        assert_eq!(found, [expected.clone(), expected.clone(), expected]);
    }

    #[test]
    fn gradients_of_different_lengths_are_an_error() {
        let found = all(|worker| worker.begin_sum(vec![1.0; 2 + worker.rank()]).err());
        assert_eq!(
            found,
            [Some(different()), Some(different()), Some(different())]
        );
    }

    #[test]
    fn one_that_leaves_ends_the_others_with_its_reason() {
        let found = all(|worker| match worker.rank() {
            1 => {
                worker.leave("no disk");
                String::new()
            }
            _ => worker.sum(&mut [1.0]).expect_err("one is gone").to_string(),
        });
        assert_eq!(found[0], "rank 1 (device 1) has ended: no disk");
        assert_eq!(found[0], found[2]);
    }

    #[test]
    fn one_that_does_not_come_is_named_when_the_time_is_over() {
        let workers = group(2, Duration::from_millis(50));
        let error = workers[0].gather(vec![]).expect_err("alone");
        assert!(
            error.to_string().contains("for rank 1 (device 1), which"),
            "{error}"
        );
        assert_eq!(workers[1].gather(vec![]).expect_err("too late"), error);
    }
}
