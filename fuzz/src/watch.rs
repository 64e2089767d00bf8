//! What reading a file costs.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::ALLOCATED;
use crate::targets::Target;

/// Ends the process when a file takes too long: its input lies in the folder of the findings.
pub struct Watchdog {
    began: Instant,
    /// Milliseconds from `began` to the start of the file under way; 0 for none.
    busy_since: Arc<AtomicU64>,
}

impl Watchdog {
    pub fn start(most: Duration) -> Self {
        let (began, busy_since) = (Instant::now(), Arc::new(AtomicU64::new(0)));
        let seen = Arc::clone(&busy_since);
        thread::spawn(move || {
            loop {
                thread::sleep(Duration::from_millis(200));
                let since = Duration::from_millis(seen.load(Ordering::Relaxed));
                if !since.is_zero() && began.elapsed().saturating_sub(since) > most {
                    console::note!("the file under way takes more than {} s", most.as_secs());
                    std::process::abort();
                }
            }
        });
        Self { began, busy_since }
    }

    fn watch<T>(&self, work: impl FnOnce() -> T) -> T {
        let now = self.began.elapsed().as_millis() as u64;
        self.busy_since.store(now.max(1), Ordering::Relaxed);
        let result = work();
        self.busy_since.store(0, Ordering::Relaxed);
        result
    }
}

/// What is wrong with how `target` takes `input`; `None` if nothing is.
pub fn cost(
    target: &Target,
    input: &[u8],
    watchdog: &Watchdog,
    megabytes: usize,
) -> Option<String> {
    let before = ALLOCATED.current_usage();
    ALLOCATED.reset_peak_usage();
    let read = watchdog.watch(|| catch_unwind(AssertUnwindSafe(|| (target.read)(input))));
    if read.is_err() {
        return Some("it panics".to_owned());
    }
    let peak = ALLOCATED.peak_usage().saturating_sub(before) >> 20;
    (peak > megabytes).then(|| format!("it takes {peak} MiB"))
}
