//! The figures of each epoch: gathered from burn-train, kept as `metrics.csv`.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use burn::train::checkpoint::{CheckpointingAction, CheckpointingStrategy};
use burn::train::logger::MetricLogger;
use burn::train::metric::store::{Aggregate, EpochSummary, EventStoreClient, MetricsUpdate, Split};
use burn::train::metric::{MetricDefinition, MetricId, NumericEntry};

use super::error::TrainError;
use super::finite::{LossWatch, Lost};

/// So many checkpoints are kept: the newest, and the one before in case that is damaged.
const KEPT: usize = 2;

const HEADER: &str = "epoch,learning_rate,train_loss,train_accuracy,test_loss,test_accuracy";

/// Names that burn-train gives its metrics.
pub(super) const LOSS: &str = "Loss";
pub(super) const ACCURACY: &str = "Accuracy";
const LEARNING_RATE: &str = "Learning Rate";

/// One row of `metrics.csv`.
#[derive(Debug, Clone, PartialEq)]
pub struct EpochMetrics {
    /// The epoch, from 1.
    pub epoch: usize,
    /// Mean learning rate over the epoch's steps.
    pub learning_rate: f64,
    /// Mean training loss per image, with label smoothing where it is on, measured while the
    /// network learned (so before most of the epoch's steps).
    pub train_loss: f64,
    /// Part of the training images that were recognised, measured likewise.
    pub train_accuracy: f64,
    /// Mean loss per test image after the epoch.
    pub test_loss: f64,
    /// Part of the test images that are recognised after the epoch.
    pub test_accuracy: f64,
}

/// All rows as CSV, with a header. Numbers have as many digits as it takes to read back the same.
pub(super) fn to_csv(rows: &[EpochMetrics]) -> String {
    let row = |m: &EpochMetrics| {
        format!(
            "{},{},{},{},{},{}\n",
            m.epoch, m.learning_rate, m.train_loss, m.train_accuracy, m.test_loss, m.test_accuracy
        )
    };
    let rows: String = rows.iter().map(row).collect();
    format!("{HEADER}\n{rows}")
}

/// Reads what [`to_csv`] wrote; `path` is for messages only.
pub(super) fn from_csv(path: &Path, text: &str) -> Result<Vec<EpochMetrics>, TrainError> {
    let mut lines = text.lines();
    if lines.next() != Some(HEADER) {
        return Err(TrainError::broken(
            path,
            format!("its first line is not \"{HEADER}\""),
        ));
    }
    let row = |(index, line): (usize, &str)| {
        let wrong = || {
            let reason = format!("line {}: six numbers expected, found \"{line}\"", index + 2);
            TrainError::broken(path, reason)
        };
        let values: Result<Vec<f64>, _> = line.split(',').map(str::parse).collect();
        match values.map_err(|_| wrong())?[..] {
            [
                epoch,
                learning_rate,
                train_loss,
                train_accuracy,
                test_loss,
                test_accuracy,
            ] => Ok(EpochMetrics {
                epoch: epoch as usize,
                learning_rate,
                train_loss,
                train_accuracy,
                test_loss,
                test_accuracy,
            }),
            _ => Err(wrong()),
        }
    };
    lines.enumerate().map(row).collect()
}

/// The rows so far, shared between burn-train's threads.
#[derive(Clone, Default)]
pub(super) struct History(Arc<Mutex<Vec<EpochMetrics>>>);

impl History {
    pub(super) fn new(rows: Vec<EpochMetrics>) -> Self {
        Self(Arc::new(Mutex::new(rows)))
    }

    pub(super) fn rows(&self) -> Vec<EpochMetrics> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn push(&self, row: EpochMetrics) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(row);
    }
}

/// Called by burn-train after each epoch: takes down its figures, then has a checkpoint saved
/// and an old one removed. Behind an epoch whose loss was not finite, the checkpoints stay as they are.
pub(super) struct EpochEnd {
    pub(super) history: History,
    pub(super) losses: LossWatch,
}

impl CheckpointingStrategy for EpochEnd {
    fn checkpointing(
        &mut self,
        epoch: usize,
        store: &EventStoreClient,
    ) -> Vec<CheckpointingAction> {
        let mean = |name: &str, split: Split| {
            store
                .find_metric(name, epoch, Aggregate::Mean, &split)
                .unwrap_or(f64::NAN)
        };
        let row = EpochMetrics {
            epoch,
            learning_rate: mean(LEARNING_RATE, Split::Train),
            train_loss: mean(LOSS, Split::Train),
            train_accuracy: mean(ACCURACY, Split::Train) / 100.0,
            test_loss: mean(LOSS, Split::Valid),
            test_accuracy: mean(ACCURACY, Split::Valid) / 100.0,
        };
        // Asking for the means has waited until every loss of the epoch was seen.
        if self.losses.lost().is_some() {
            return Vec::new();
        }
        self.history.push(row);
        let old = epoch.checked_sub(KEPT).filter(|&old| old > 0);
        let delete = old.map(CheckpointingAction::Delete);
        [CheckpointingAction::Save]
            .into_iter()
            .chain(delete)
            .collect()
    }
}

/// Keeps what burn-train measures in memory, for [`EpochEnd`] to ask for, and has an eye on every loss.
pub(super) struct MemoryLog {
    names: HashMap<MetricId, String>,
    entries: HashMap<(String, usize, Split), Vec<NumericEntry>>,
    losses: LossWatch,
}

impl MemoryLog {
    pub(super) fn new(losses: LossWatch) -> Self {
        Self {
            names: HashMap::new(),
            entries: HashMap::new(),
            losses,
        }
    }
}

impl MetricLogger for MemoryLog {
    fn log(&mut self, update: MetricsUpdate, epoch: usize, split: &Split) {
        for numeric in update.entries_numeric {
            if let Some(name) = self.names.get(&numeric.entry.metric_id)
                && let Some(entry) = numeric.numeric_entry
            {
                if name == LOSS {
                    let what = match split {
                        Split::Train => "training loss",
                        _ => "test loss",
                    };
                    let found = entry.current();
                    self.losses.see(Lost { what, found, epoch });
                }
                let key = (name.clone(), epoch, split.clone());
                self.entries.entry(key).or_default().push(entry);
            }
        }
    }

    fn read_numeric(
        &mut self,
        name: &str,
        epoch: usize,
        split: &Split,
    ) -> Result<Vec<NumericEntry>, String> {
        let key = (name.to_owned(), epoch, split.clone());
        Ok(self.entries.get(&key).cloned().unwrap_or_default())
    }

    fn log_metric_definition(&mut self, definition: MetricDefinition) {
        self.names
            .insert(definition.metric_id, definition.name.to_string());
    }

    fn log_epoch_summary(&mut self, _: EpochSummary) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_survive_csv_to_the_last_bit() {
        let row = EpochMetrics {
            epoch: 3,
            learning_rate: 0.1 + 0.2,
            train_loss: 1.0 / 3.0,
            train_accuracy: 0.5,
            test_loss: f64::NAN,
            test_accuracy: 1e-17,
        };
        let text = to_csv(&[row.clone(), row.clone()]);
        let rows = from_csv(Path::new("metrics.csv"), &text).expect("its own format");
        assert_eq!(rows.len(), 2);
        assert_eq!(to_csv(&rows), text);
        assert_eq!(
            (rows[0].learning_rate, rows[0].train_loss),
            (0.1 + 0.2, 1.0 / 3.0)
        );
    }

    #[test]
    fn a_broken_line_is_named() {
        let path = Path::new("metrics.csv");
        let error = from_csv(path, "epoch\n").expect_err("header").to_string();
        assert!(
            error.starts_with("metrics.csv: its first line is not \"epoch,"),
            "{error}"
        );
        for line in ["1,2,3", "1,2,3,4,5,x"] {
            let error = from_csv(path, &format!("{HEADER}\n{line}\n"))
                .expect_err(line)
                .to_string();
            assert!(error.ends_with(&format!("line 2: six numbers expected, found \"{line}\"")));
        }
    }
}
