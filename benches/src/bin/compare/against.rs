//! A run held against an earlier one.

use std::error::Error;

use crate::report::Report;

/// A side is slower if its time, in units of fixed work, has grown by more than this.
const LIMIT: f64 = 0.10;

/// One line for each side that both hold, and how many of them have become slower, or fail where they did not.
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
    for measured in &now.rows.measurements {
        let mut others = before.rows.measurements.iter();
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
    for failure in &now.rows.failures {
        let (workload, label) = (failure.workload(), failure.label());
        let mut others = before.rows.measurements.iter();
        if others.any(|earlier| {
            (earlier.workload(), earlier.label()) == (workload.clone(), label.clone())
        }) {
            common += 1;
            slower += 1;
            text += &format!("{workload}, {label}: FAILED\n");
        }
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
        now.rows.measurements[0].relative *= 1.2;
        now.rows.measurements[1].relative *= 0.8;
        let (text, slower) = slower(&before, &now).expect("a comparison");
        assert_eq!(slower, 1);
        let verdicts: Vec<_> = text
            .lines()
            .filter_map(|line| line.rsplit(", ").next())
            .collect();
        assert_eq!(verdicts, ["SLOWER", "faster", "the same"]);
    }

    #[test]
    fn who_fails_now_has_become_slower() {
        let (mut before, now) = (report(), report());
        let mut once = before.rows.measurements[2].clone();
        once.side = now.rows.failures[0].side.clone();
        before.rows.measurements.push(once);
        let (text, slower) = slower(&before, &now).expect("a comparison");
        assert_eq!(slower, 1);
        assert!(text.ends_with("ort-webgpu: FAILED\n"), "{text}");
    }

    #[test]
    fn another_card_is_another_device() {
        let (before, mut now) = (report(), report());
        now.rows.measurements[1].device = "another".into();
        let (text, _) = slower(&before, &now).expect("a comparison");
        assert!(!text.contains("module/wgpu"), "{text}");
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
        now.rows
            .measurements
            .retain(|measured| measured.side == "prepared");
        now.rows.measurements[0].batch = 7;
        assert!(slower(&before, &now).is_err());
    }
}
