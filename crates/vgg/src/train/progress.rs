//! Lines that say how far a training is.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use burn::train::logger::{EvaluationProgressLogger, TrainingProgressLogger};
use burn::train::metric::{MetricDefinition, MetricId, NumericEntry};
use burn::train::renderer::{
    EvaluationName, MetricState, MetricsRenderer, MetricsRendererEvaluation,
    MetricsRendererTraining,
};

use super::history::{ACCURACY, LOSS};
use super::supply::Supply;
use super::watch::{Line, Watch};

/// Time between two lines.
const INTERVAL: Duration = Duration::from_secs(5);

/// burn-train's dashboard where it is compiled in and the output is a terminal, else lines.
pub(super) fn renderer(
    watch: Watch,
    supply: Arc<Supply>,
    #[cfg_attr(not(feature = "tui"), allow(unused_variables))] epochs_done: Option<usize>,
) -> Box<dyn MetricsRenderer> {
    #[cfg(feature = "tui")]
    if std::io::IsTerminal::is_terminal(&std::io::stdout()) {
        return burn::train::renderer::default_renderer(watch.interrupter, epochs_done);
    }
    Box::new(Lines::new(watch.line, supply))
}

/// Gives a line every few seconds, and one after each epoch.
struct Lines {
    line: Line,
    supply: Arc<Supply>,
    names: HashMap<MetricId, String>,
    epochs: usize,
    epoch: usize,
    first_epoch: usize,
    training: bool,
    images: usize,
    means: HashMap<&'static str, Mean>,
    /// Training loss and accuracy, then those of the test.
    finals: Vec<String>,
    start: Option<Instant>,
    epoch_start: Option<Instant>,
    last_line: Option<Instant>,
}

/// Mean of the batches so far.
#[derive(Default)]
struct Mean {
    sum: f64,
    count: usize,
}

impl Lines {
    fn new(line: Line, supply: Arc<Supply>) -> Self {
        Self {
            line,
            supply,
            names: HashMap::new(),
            epochs: 0,
            epoch: 0,
            first_epoch: 0,
            training: false,
            images: 0,
            means: HashMap::new(),
            finals: Vec::new(),
            start: None,
            epoch_start: None,
            last_line: None,
        }
    }

    fn update(&mut self, state: MetricState) {
        let MetricState::Numeric(entry, Some(value)) = state else {
            return;
        };
        let name = match self.names.get(&entry.metric_id).map(String::as_str) {
            Some(LOSS) => "loss",
            Some(ACCURACY) => "accuracy",
            _ => return,
        };
        let scale = if name == "loss" { 1.0 } else { 0.01 };
        let current = value.current() * scale;
        if let NumericEntry::Final(_) = value {
            self.finals.push(format!("{name} {current:.4}"));
        } else {
            let mean = self.means.entry(name).or_default();
            mean.sum += current;
            mean.count += 1;
        }
    }

    fn mean(&self, name: &str) -> f64 {
        self.means
            .get(name)
            .map_or(f64::NAN, |mean| mean.sum / mean.count as f64)
    }
}

impl MetricsRendererTraining for Lines {
    fn update_train(&mut self, state: MetricState) {
        self.update(state);
    }

    fn update_valid(&mut self, state: MetricState) {
        self.update(state);
    }
}

impl TrainingProgressLogger for Lines {
    fn start(&mut self, epochs: usize, first_epoch: usize, _: Option<usize>, _: Option<&str>) {
        (self.epochs, self.epoch, self.first_epoch) = (epochs, first_epoch, first_epoch);
        self.start = Some(Instant::now());
    }

    fn update_epoch(&mut self, epoch: usize) {
        let seconds = self
            .epoch_start
            .map_or(0, |start| start.elapsed().as_secs());
        let [train, test] = [0, 2].map(|at| self.finals.get(at..at + 2).unwrap_or(&[]).join(", "));
        let text = format!(
            "epoch {epoch}/{}  train {train}; test {test}; {seconds} s{}",
            self.epochs,
            self.supply.report()
        );
        (self.line)(&text);
        self.finals.clear();
        self.epoch = epoch + 1;
    }

    fn start_split(&mut self, split: &str, images: usize) {
        self.training = split == "train";
        self.images = images;
        self.means.clear();
        let now = Instant::now();
        if self.training {
            self.epoch_start = Some(now);
        }
        self.last_line.get_or_insert(now);
    }

    fn update_split(&mut self, done: usize) {
        let (Some(start), Some(epoch_start), Some(last_line)) =
            (self.start, self.epoch_start, self.last_line)
        else {
            return;
        };
        if !self.training || last_line.elapsed() < INTERVAL {
            return;
        }
        self.last_line = Some(Instant::now());
        let rate = done as f64 / epoch_start.elapsed().as_secs_f64();
        let images = self.images as f64;
        let finished = (self.epoch - self.first_epoch) as f64 * images + done as f64;
        let all = (self.epochs + 1 - self.first_epoch) as f64 * images;
        let left = start.elapsed().as_secs_f64() * (all - finished) / finished;
        let text = format!(
            "epoch {}/{}  {done}/{} images  loss {:.4}  accuracy {:.4}  {rate:.0} images/s  {} left",
            self.epoch,
            self.epochs,
            self.images,
            self.mean("loss"),
            self.mean("accuracy"),
            duration(left),
        );
        (self.line)(&text);
    }

    fn end_split(&mut self) {}

    fn end(&mut self) {}

    fn log_event_training(&mut self, _: String) {}
}

fn duration(seconds: f64) -> String {
    match seconds as u64 {
        seconds @ 0..60 => format!("{seconds} s"),
        seconds @ 60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        seconds => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
    }
}

// burn-train asks every renderer for an evaluation's lines too; ours are written elsewhere.
impl EvaluationProgressLogger for Lines {
    fn start_global_progress(&mut self, _: usize) {}
    fn start_test(&mut self, _: &str, _: usize) {}
    fn update_test_progress(&mut self, _: usize) {}
    fn end_test(&mut self) {}
    fn end_global_progress(&mut self) {}
    fn log_event_evaluation(&mut self, _: String) {}
}

impl MetricsRendererEvaluation for Lines {
    fn update_test(&mut self, _: EvaluationName, _: MetricState) {}
}

impl MetricsRenderer for Lines {
    fn manual_close(&mut self) {}

    fn register_metric(&mut self, definition: MetricDefinition) {
        self.names
            .insert(definition.metric_id, definition.name.to_string());
    }
}
