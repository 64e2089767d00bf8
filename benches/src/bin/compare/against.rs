//! A run held against an earlier one.

use std::error::Error;

use crate::report::Report;

/// A side is slower if its time, in units, has grown by more than this.
const LIMIT: f64 = 0.10;

/// One line for each side that both hold, and how many of them have become slower.
///
/// # Errors
/// They have no side in common, or were made on different machines.
pub(crate) fn slower(before: &Report, now: &Report) -> Result<(String, usize), Box<dyn Error>> {
    let (old, new) = (&before.machine, &now.machine);
    if (&old.cpu, old.threads) != (&new.cpu, new.threads) {
        return Err(format!(
            "the earlier run was on another machine: {} with {} threads, now {} with {}",
            old.cpu, old.threads, new.cpu, new.threads
        )
        .into());
    }
    let (mut text, mut slower, mut common) = (String::new(), 0, 0);
    for row in &now.rows {
        let Some(earlier) = before.rows.iter().find(|earlier| earlier.is_alike(row)) else {
            continue;
        };
        common += 1;
        let change = row.relative / earlier.relative - 1.0;
        let verdict = match change {
            change if change > LIMIT => "SLOWER",
            change if change < -LIMIT => "faster",
            _ => "the same",
        };
        slower += usize::from(change > LIMIT);
        text += &format!(
            "{}, {}: {:+.1} %, {verdict}\n",
            row.workload(),
            row.side,
            change * 100.0
        );
    }
    match common {
        0 => Err("the two runs have no side of a workload in common".into()),
        _ => Ok((text, slower)),
    }
}
