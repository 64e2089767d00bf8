//! Waiting until a side's threads rest.

use std::thread::sleep;
use std::time::{Duration, Instant};

const WINDOW: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(5);

/// Waits until this process has used next to no processor time for a moment, for five seconds at the most: a
/// backend may leave threads running behind its last result, as a GPU that is simulated on the CPU does, and
/// they would slow down whoever is timed next. Where the system does not tell, it waits for a moment.
pub(crate) fn settle() {
    let start = Instant::now();
    let mut before = ticks();
    loop {
        sleep(WINDOW);
        let now = ticks();
        // Reading them may use up one.
        let rests = now
            .zip(before)
            .is_none_or(|(now, before)| now <= before + 1);
        if rests || start.elapsed() >= LONGEST {
            return;
        }
        before = now;
    }
}

/// The processor time of all threads of this process, in the system's ticks (ten milliseconds on Linux).
fn ticks() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/stat").ok()?;
    // Behind the program's name, which may hold anything, the 12th and 13th field: user and system.
    let mut fields = text.rsplit_once(')')?.1.split_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(user + system)
}
