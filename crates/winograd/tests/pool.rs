//! Works on a pool of threads, beside and within each other.

use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;
use winograd::on_pool;

fn pool() -> rayon::ThreadPool {
    let builder = rayon::ThreadPoolBuilder::new().num_threads(3);
    builder.build().expect("threads start")
}

/// Many small parallel pieces, one after the other.
fn pieces() -> usize {
    let count = AtomicUsize::new(0);
    for _ in 0..50 {
        (0..8).into_par_iter().for_each(|_| {
            count.fetch_add(1, Ordering::Relaxed);
        });
    }
    count.into_inner()
}

#[test]
fn callers_do_not_block_each_other() {
    let pool = pool();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..200 {
                    assert_eq!(pool.install(|| on_pool(pieces)), 400);
                }
            });
        }
    });
}

#[test]
fn a_work_within_a_work() {
    let nested = || on_pool(|| on_pool(pieces) + pieces());
    // Often, as a thread that stays awake in the middle of a piece is a matter of chance.
    for _ in 0..50 {
        assert_eq!(pool().install(nested), 800);
        // Also from several threads of the pool at once.
        let all: usize = pool().install(|| (0..16).into_par_iter().map(|_| nested()).sum());
        assert_eq!(all, 16 * 800);
    }
}
