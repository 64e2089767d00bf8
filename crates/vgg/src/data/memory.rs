//! How much memory there is for pictures, and who has it.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// What is taken to be there where the system does not say it.
const UNKNOWN: u64 = if cfg!(target_pointer_width = "64") {
    4 << 30
} else {
    1 << 30
};

/// So many bytes are there: asking the system takes longer than decoding a small picture.
const LITTLE: u64 = 32 << 20;

/// Bytes that decoders hold at the moment.
static HELD: Mutex<u64> = Mutex::new(0);
static GIVEN_BACK: Condvar = Condvar::new();

/// Memory that is kept for one picture until this is dropped.
pub(super) struct Reserved(u64);

/// Keeps `bytes` for one picture. Pictures are decoded in parallel: where there is enough for this one but not for it
/// and those before it, waits until these are done.
///
/// # Errors
/// The bytes that there are, if they are too few.
pub(super) fn reserve(bytes: u64) -> Result<Reserved, u64> {
    reserve_of(bytes, available)
}

fn reserve_of(bytes: u64, available: fn() -> u64) -> Result<Reserved, u64> {
    let mut held = lock();
    loop {
        let there = if held.saturating_add(bytes) <= LITTLE {
            LITTLE
        } else {
            available()
        };
        if held.checked_add(bytes).is_some_and(|all| all <= there) {
            *held += bytes;
            return Ok(Reserved(bytes));
        }
        if *held == 0 {
            return Err(there);
        }
        held = GIVEN_BACK
            .wait(held)
            .unwrap_or_else(PoisonError::into_inner);
    }
}

impl Drop for Reserved {
    fn drop(&mut self) {
        *lock() -= self.0;
        GIVEN_BACK.notify_all();
    }
}

fn lock() -> MutexGuard<'static, u64> {
    HELD.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Bytes that this process can still take: what the machine has free, what its control groups leave it, and what its
/// own address space may grow by.
fn available() -> u64 {
    #[cfg(target_os = "linux")]
    let known = linux::available();
    #[cfg(not(target_os = "linux"))]
    let known = None;
    known.unwrap_or(UNKNOWN).min(isize::MAX as u64)
}

#[cfg(target_os = "linux")]
mod linux {
    use std::fs;
    use std::path::Path;

    pub(super) fn available() -> Option<u64> {
        [machine(), control_groups(), address_space()]
            .into_iter()
            .flatten()
            .min()
    }

    fn machine() -> Option<u64> {
        let text = fs::read_to_string("/proc/meminfo").ok()?;
        let kilobytes: u64 = field(&text, "MemAvailable:")?.parse().ok()?;
        kilobytes.checked_mul(1024)
    }

    /// The least that is left in this process' control group and those around it.
    fn control_groups() -> Option<u64> {
        let groups = fs::read_to_string("/proc/self/cgroup").ok()?;
        let left = groups.lines().filter_map(|line| {
            let (controllers, path) = line.split_once(':')?.1.split_once(':')?;
            let (root, limit, usage, cache) = match controllers {
                "" => (
                    "/sys/fs/cgroup",
                    "memory.max",
                    "memory.current",
                    "inactive_file",
                ),
                names if names.split(',').any(|name| name == "memory") => (
                    "/sys/fs/cgroup/memory",
                    "memory.limit_in_bytes",
                    "memory.usage_in_bytes",
                    "total_inactive_file",
                ),
                _ => return None,
            };
            let own = Path::new(root).join(path.trim_start_matches('/'));
            let folders = own
                .ancestors()
                .take_while(|folder| folder.starts_with(root));
            let left = folders.filter_map(|folder| {
                let number = |name| number(&folder.join(name));
                let stat = fs::read_to_string(folder.join("memory.stat")).unwrap_or_default();
                // Files that the system holds in memory make room when it is asked for.
                let cache = field(&stat, cache)
                    .and_then(|bytes| bytes.parse().ok())
                    .unwrap_or(0);
                Some(number(limit)?.saturating_sub(number(usage)?.saturating_sub(cache)))
            });
            left.min()
        });
        left.min()
    }

    /// What `ulimit -v` leaves.
    fn address_space() -> Option<u64> {
        let limits = fs::read_to_string("/proc/self/limits").ok()?;
        let most: u64 = field(&limits, "Max address space")?.parse().ok()?;
        let status = fs::read_to_string("/proc/self/status").ok()?;
        let kilobytes: u64 = field(&status, "VmSize:")?.parse().ok()?;
        Some(most.saturating_sub(kilobytes * 1024))
    }

    fn number(path: &Path) -> Option<u64> {
        fs::read_to_string(path).ok()?.trim().parse().ok()
    }

    /// The first word behind `name` at the start of a line.
    fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_whitespace().next()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU64, Ordering};

    #[test]
    fn what_does_not_fit_beside_others_waits_for_them() {
        static MOST: AtomicU64 = AtomicU64::new(0);
        let most = || 1 << 40;
        let (all, now) = (u64::MAX, AtomicU64::new(0));
        assert!(reserve_of(all, most).is_err());
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    let held = reserve_of(400 << 30, most).expect("fits alone");
                    MOST.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    std::thread::sleep(std::time::Duration::from_millis(10));
                    now.fetch_sub(1, Ordering::SeqCst);
                    drop(held);
                });
            }
        });
        assert_eq!(MOST.load(Ordering::SeqCst), 2);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_system_says_what_there_is() {
        let there = linux::available().expect("said");
        assert!((1 << 20..1 << 50).contains(&there), "{there}");
    }
}
