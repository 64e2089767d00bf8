//! Two reports side by side.

mod show;
#[cfg(test)]
mod show_tests;

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::report::{ConventionInfo, Report, TensorSpec};

/// What changes from one report to another, totals first, then path by path.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// The report that the other is compared with.
    pub before: Compared,
    /// The report that is compared.
    pub after: Compared,
    /// The convention of both.
    pub convention: ConventionInfo,
    /// Parameters, trainable and frozen, without buffers.
    pub parameters: Change,
    /// Cost of the forward pass in the convention's unit.
    pub cost: Change,
    /// Cost of the backward pass; absent unless both reports have a training step.
    pub backward_cost: Option<Change>,
    /// Bytes at the peak of inference.
    pub peak_memory: Change,
    /// Bytes at the peak of training; absent unless both reports have a training step.
    pub training_peak_memory: Option<Change>,
    /// Bytes of all computed tensors.
    pub activation_bytes: Change,
    /// The paths of either report, in the order of the module trees.
    pub rows: Vec<ComparedRow>,
}

/// Which report is compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Compared {
    /// The name of the model.
    pub model: String,
    /// Its inputs.
    pub inputs: Vec<TensorSpec>,
    /// Operations that no rule covers; a comparison with some is of lower bounds.
    pub uncounted: u128,
}

/// One path in both reports.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ComparedRow {
    /// The path in the module tree; empty for the root.
    pub path: String,
    /// What the first report has there.
    pub before: Option<Share>,
    /// What the second report has there.
    pub after: Option<Share>,
}

/// A module's own share in one report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    /// Its type.
    pub module: String,
    /// Its parameters, trainable and frozen.
    pub parameters: u128,
    /// The cost of its forward pass in the convention's unit.
    pub cost: u128,
}

/// A figure in both reports.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// In the first report.
    pub before: u128,
    /// In the second report.
    pub after: u128,
    /// `after - before`, held within 128 bits.
    pub difference: i128,
    /// `after / before`; absent where `before` is 0.
    pub ratio: Option<f64>,
}

impl Change {
    /// The change from one figure to another.
    pub fn new(before: u128, after: u128) -> Self {
        let size = i128::try_from(after.abs_diff(before)).unwrap_or(i128::MAX);
        Self {
            before,
            after,
            difference: if after < before { -size } else { size },
            ratio: (before != 0).then(|| after as f64 / before as f64),
        }
    }
}

/// Why two reports cannot be compared.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CompareError {
    /// Their costs are counted in different ways.
    #[error("the first report counts in `{before}`, the second in `{after}`; use one convention")]
    Conventions {
        /// The first report's convention.
        before: String,
        /// The second report's convention.
        after: String,
    },
}

impl Comparison {
    /// Compares two reports.
    ///
    /// # Errors
    ///
    /// If they are in different conventions: their costs would say nothing about each other.
    pub fn new(before: &Report, after: &Report) -> Result<Self, CompareError> {
        let (first, second) = (&before.convention, &after.convention);
        if (&first.name, &first.unit) != (&second.name, &second.unit) {
            return Err(CompareError::Conventions {
                before: first.name.clone(),
                after: second.name.clone(),
            });
        }
        let training = before.training.as_ref().zip(after.training.as_ref());
        let (old, new) = (&before.total, &after.total);
        Ok(Self {
            before: compared(before),
            after: compared(after),
            convention: first.clone(),
            parameters: Change::new(old.parameters.count(), new.parameters.count()),
            cost: Change::new(old.cost, new.cost),
            backward_cost: training.map(|(old, new)| Change::new(old.backward, new.backward)),
            peak_memory: Change::new(before.inference.peak, after.inference.peak),
            training_peak_memory: training
                .map(|(old, new)| Change::new(old.memory.peak, new.memory.peak)),
            activation_bytes: Change::new(old.activation_bytes, new.activation_bytes),
            rows: rows(before, after),
        })
    }
}

fn compared(report: &Report) -> Compared {
    Compared {
        model: report.model.clone(),
        inputs: report.inputs.clone(),
        uncounted: report.uncounted.iter().map(|part| part.operations).sum(),
    }
}

/// The rows of both. A path that only the second report has stands behind the one that precedes
/// it there, so that an added layer appears where it was added.
fn rows(before: &Report, after: &Report) -> Vec<ComparedRow> {
    let mut old = shares(before);
    let mut new = shares(after);
    let mut order: Vec<&str> = paths(before)
        .filter(|path| old.contains_key(path))
        .collect();
    // Without a common path there is no place to hold on to: the second report's rows follow.
    let common = order.iter().any(|path| new.contains_key(path));
    let mut next = if common { 0 } else { order.len() };
    for path in paths(after).filter(|path| new.contains_key(path)) {
        match order.iter().position(|known| *known == path) {
            Some(position) => next = position + 1,
            None => {
                order.insert(next, path);
                next += 1;
            }
        }
    }
    order
        .into_iter()
        .map(|path| ComparedRow {
            path: path.to_owned(),
            before: old.remove(path),
            after: new.remove(path),
        })
        .filter(|row| row.before.is_some() || row.after.is_some())
        .collect()
}

fn paths(report: &Report) -> impl Iterator<Item = &str> {
    report.rows.iter().map(|row| row.path.as_str())
}

fn shares(report: &Report) -> HashMap<&str, Share> {
    let mut shares: HashMap<&str, Share> = HashMap::new();
    for row in report.rows.iter().filter(|row| !row.is_empty()) {
        let share = shares.entry(&row.path).or_insert_with(|| Share {
            module: row.module.clone(),
            parameters: 0,
            cost: 0,
        });
        share.parameters = share.parameters.saturating_add(row.parameters.count());
        share.cost = share.cost.saturating_add(row.cost);
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::sample;

    #[test]
    fn changes() {
        let half = Change::new(10, 5);
        assert_eq!((half.difference, half.ratio), (-5, Some(0.5)));
        let new = Change::new(0, u128::MAX);
        assert_eq!((new.difference, new.ratio), (i128::MAX, None));
    }

    #[test]
    fn conventions_must_agree() {
        let before = sample::report();
        let mut after = sample::report();
        after.convention.name = "flops".to_owned();
        let error = Comparison::new(&before, &after).unwrap_err();
        assert!(error.to_string().contains("`macs`"), "{error}");
        assert!(error.to_string().contains("`flops`"), "{error}");
    }

    #[test]
    fn added_and_removed_paths_stand_where_they_belong() {
        let before = sample::report();
        let mut after = sample::report();
        after.rows[2].path = "features.new".to_owned();
        let comparison = Comparison::new(&before, &after).unwrap();
        let paths: Vec<&str> = comparison.rows.iter().map(|r| r.path.as_str()).collect();
        assert_eq!(
            paths,
            [
                "features.0",
                "features.new",
                "features.1",
                "features.2",
                "head"
            ]
        );
        assert_eq!(comparison.rows[1].before, None);
        assert_eq!(comparison.rows[2].after, None);
    }

    #[test]
    fn rows_add_up_to_both_totals() {
        let (before, after) = (sample::report(), sample::deep(5));
        let comparison = Comparison::new(&before, &after).unwrap();
        let sum = |side: fn(&ComparedRow) -> Option<&Share>| -> (u128, u128) {
            let shares = || comparison.rows.iter().filter_map(side);
            (
                shares().map(|share| share.parameters).sum(),
                shares().map(|share| share.cost).sum(),
            )
        };
        let (parameters, cost) = (comparison.parameters, comparison.cost);
        assert_eq!(sum(|r| r.before.as_ref()), (parameters.before, cost.before));
        assert_eq!(sum(|r| r.after.as_ref()), (parameters.after, cost.after));
        assert_eq!(comparison.rows.len(), 4 + 5);
        assert!(
            comparison
                .rows
                .iter()
                .take(4)
                .all(|row| row.after.is_none())
        );
    }
}
