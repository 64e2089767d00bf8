//! A run held against an earlier one.

use std::error::Error;

use crate::report::Report;

/// A side is slower if its time, in units of fixed work, has grown by more than this.
const LIMIT: f64 = 0.10;

/// One line for each side that both hold, and how many of them have become slower.
///
/// # Errors
/// They have no side in common, or were made on different machines.
pub(crate) fn slower(before: &Report, now: &Report) -> Result<(String, usize), Box<dyn Error>> {
    let (old, new) = (&before.machine, &now.machine);
    if (&old.processor, old.threads) != (&new.processor, new.threads) {
        return Err(
            format!("the earlier run was on another machine: {old}; this one is {new}").into(),
        );
    }
    let (mut text, mut slower, mut common) = (String::new(), 0, 0);
    for measured in &now.measurements {
        let mut others = before.measurements.iter();
        let Some(earlier) = others.find(|earlier| earlier.is_alike(measured)) else {
            continue;
        };
        common += 1;
        let change = measured.relative / earlier.relative - 1.0;
        let verdict = match change {
            change if change > LIMIT => "SLOWER",
            change if change < -LIMIT => "faster",
            _ => "the same",
        };
        slower += usize::from(change > LIMIT);
        text += &format!(
            "{}, {}: {:+.1} %, {verdict}\n",
            measured.workload(),
            measured.label(),
            change * 100.0
        );
    }
    match common {
        0 => Err("the two runs have no side of a workload in common".into()),
        _ => Ok((text, slower)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tests::report;

    #[test]
    fn only_what_grew_is_slower() {
        let (before, mut now) = (report(), report());
        now.measurements[0].relative *= 1.2;
        now.measurements[1].relative *= 0.8;
        let (text, slower) = slower(&before, &now).expect("a comparison");
        assert_eq!(slower, 1);
        let verdicts: Vec<_> = text
            .lines()
            .filter_map(|line| line.rsplit(", ").next())
            .collect();
        assert_eq!(verdicts, ["SLOWER", "faster", "the same"]);
    }

    #[test]
    fn other_machines_do_not_compare() {
        let (before, mut now) = (report(), report());
        now.machine.threads = 1;
        let error = slower(&before, &now)
            .expect_err("another machine")
            .to_string();
        assert!(
            error.contains("Zen 3), 2 threads") && error.contains("1 thread,"),
            "{error}"
        );
    }

    #[test]
    fn nothing_in_common_is_an_error() {
        let (before, mut now) = (report(), report());
        now.measurements
            .retain(|measured| measured.side == "prepared");
        now.measurements[0].batch = 7;
        assert!(slower(&before, &now).is_err());
    }
}
