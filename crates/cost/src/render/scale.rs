//! A vertical axis with round ticks.

use super::units::short;

/// From 0 to a round number above the largest value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Scale {
    step: u128,
    ticks: u128,
}

impl Scale {
    /// An axis for values up to `largest`, with four to eight ticks above 0 where the values
    /// allow: steps of 1, 2 or 5 times a power of ten.
    pub(super) fn new(largest: u128) -> Self {
        let mut step = 1u128;
        let mut factors = [2, 5, 10].into_iter().cycle();
        let mut power = 1u128;
        while largest / step >= 8 {
            let Some(factor) = factors.next() else { break };
            let Some(next) = power.checked_mul(factor) else {
                break;
            };
            step = next;
            if factor == 10 {
                power = next;
            }
        }
        Self {
            step,
            ticks: largest.div_ceil(step).max(1),
        }
    }

    /// Where a value lies, from 0 at the bottom to 1 at the top.
    pub(super) fn share(&self, value: u128) -> f64 {
        value as f64 / (self.step as f64 * self.ticks as f64)
    }

    /// The ticks: place and label.
    pub(super) fn ticks(&self) -> impl Iterator<Item = (f64, String)> {
        let (step, ticks) = (self.step, self.ticks);
        (0..=ticks).map(move |tick| {
            let label = trimmed(&short(tick.saturating_mul(step)));
            (tick as f64 / ticks as f64, label)
        })
    }
}

/// A label without zeros that say nothing: `500.0 M` becomes `500 M`.
fn trimmed(label: &str) -> String {
    match label.split_once(' ') {
        Some((number, prefix)) if number.contains('.') => {
            let number = number.trim_end_matches('0').trim_end_matches('.');
            format!("{number} {prefix}")
        }
        _ => label.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_value_fits_and_ticks_are_few() {
        for largest in [0, 1, 7, 8, 99, 12_345, 1_849_688_064, u128::MAX] {
            let scale = Scale::new(largest);
            assert!(scale.share(largest) <= 1.0, "{largest}");
            assert!((1..=9).contains(&scale.ticks), "{largest}: {scale:?}");
        }
    }

    #[test]
    fn ticks_are_round() {
        let labels: Vec<String> = Scale::new(1_849_688_064).ticks().map(|t| t.1).collect();
        assert_eq!(labels, ["0", "500 M", "1 G", "1.5 G", "2 G"]);
        assert_eq!(trimmed("500"), "500");
    }
}
