//! What stands around the rows: the head and the totals, apart from how they are laid out.

use super::grid::{Column, Grid};
use super::shapes::{path_label, specs};
use super::units::{bytes, bytes_exact, grouped, percent, seconds, short};
use crate::bounds::Bounds;
use crate::report::{MemoryReport, Report, TrainingReport};
use crate::work::Work;

/// How many tensors that are alive at a peak are named; the others are summed up.
const ALIVE: usize = 5;

/// A heading and lines of a label and a value.
#[derive(Debug, Clone)]
pub(crate) struct Section {
    pub(crate) title: String,
    pub(crate) lines: Vec<(String, String)>,
}

impl Section {
    fn new(title: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            lines: Vec::new(),
        }
    }

    fn line(&mut self, label: impl Into<String>, value: impl Into<String>) {
        self.lines.push((label.into(), value.into()));
    }

    /// A line that says nothing where the number is 0.
    fn line_if(&mut self, label: &str, number: u128, show: fn(u128) -> String) {
        if number > 0 {
            self.line(label, show(number));
        }
    }
}

/// Which model, at which inputs, in which convention.
pub(crate) fn head(report: &Report) -> Vec<(String, String)> {
    let convention = &report.convention;
    vec![
        ("model".to_owned(), report.model.clone()),
        ("inputs".to_owned(), specs(&report.inputs)),
        ("outputs".to_owned(), specs(&report.outputs)),
        (
            "convention".to_owned(),
            format!("{}: {}", convention.name, convention.definition),
        ),
    ]
}

/// The totals by subject.
pub(crate) fn sections(report: &Report) -> Vec<Section> {
    let mut sections = vec![parameters(report), cost(report)];
    let mut inference = Section::new("inference memory");
    memory(&mut inference, &report.inference);
    sections.push(inference);
    if let Some(step) = &report.training {
        sections.push(training(report, step));
    }
    if let Some(bounds) = &report.bounds {
        sections.push(least_time(bounds));
    }
    sections
}

fn parameters(report: &Report) -> Section {
    let total = &report.total;
    let mut section = Section::new("parameters");
    section.line("all", grouped(total.parameters.count()));
    section.line("trainable", grouped(total.parameters.trainable));
    section.line_if("frozen", total.parameters.frozen, grouped);
    section.line_if("buffers (apart)", total.parameters.buffers, grouped);
    let bytes = bytes_exact(total.parameter_bytes);
    if total.parameters.buffers > 0 {
        section.line("bytes", format!("{bytes}, buffers included"));
    } else {
        section.line("bytes", bytes);
    }
    section
}

fn cost(report: &Report) -> Section {
    let work = &report.total.work;
    let mut section = Section::new("cost of the forward pass");
    section.line(
        "cost",
        format!(
            "{}, convention {}",
            amount(report, report.total.cost),
            report.convention.name
        ),
    );
    section.line("multiply-accumulates", grouped(work.macs));
    section.line("multiplications", grouped(work.multiplications));
    section.line("additions", grouped(work.additions));
    section.line_if("divisions", work.divisions, grouped);
    section.line("comparisons", grouped(work.comparisons));
    section.line("elementary functions", grouped(work.elementary));
    section.line_if("integer operations", work.integer, grouped);
    section.line("read", bytes_exact(work.read));
    section.line("written", bytes_exact(work.written));
    section.line("activations", bytes_exact(report.total.activation_bytes));
    section
}

fn training(report: &Report, step: &TrainingReport) -> Section {
    let mut section = Section::new("training step");
    section.line("forward", amount(report, step.forward));
    section.line("backward", amount(report, step.backward));
    let both = step.forward.saturating_add(step.backward);
    section.line("forward and backward", amount(report, both));
    section.line("optimizer", step.optimizer.clone());
    section.line("update", update(&step.update));
    memory(&mut section, &step.memory);
    section
}

fn least_time(bounds: &Bounds) -> Section {
    let mut section = Section::new("least time of the forward pass");
    let rate = |rate: f64| short(rate as u128);
    let (flops, bytes) = (
        rate(bounds.peaks.flops_per_second),
        rate(bounds.peaks.bytes_per_second),
    );
    section.line("peaks", format!("{flops}FLOP/s, {bytes}B/s"));
    let sum = &bounds.sum;
    section.line(
        "sum of the rows",
        format!(
            "{}: arithmetic binds {}, memory {}",
            seconds(sum.seconds()),
            seconds(sum.arithmetic_seconds),
            seconds(sum.memory_seconds)
        ),
    );
    section.line("arithmetic alone", seconds(bounds.arithmetic_alone));
    section.line("memory alone", seconds(bounds.memory_alone));
    section
}

fn update(work: &Work) -> String {
    let parts = [
        ("multiplications", work.multiplications),
        ("additions", work.additions),
        ("divisions", work.divisions),
        ("comparisons", work.comparisons),
        ("elementary functions", work.elementary),
        ("integer operations", work.integer),
    ];
    let parts: Vec<String> = parts
        .into_iter()
        .filter(|(_, number)| *number > 0)
        .map(|(name, number)| format!("{} {name}", grouped(number)))
        .collect();
    if parts.is_empty() {
        "no arithmetic".to_owned()
    } else {
        parts.join(", ")
    }
}

fn memory(section: &mut Section, memory: &MemoryReport) {
    section.line("parameters", bytes_exact(memory.parameters));
    section.line_if("buffers", memory.buffers, bytes_exact);
    section.line("inputs", bytes_exact(memory.inputs));
    section.line_if("gradients", memory.gradients, bytes_exact);
    section.line_if("optimizer state", memory.optimizer, bytes_exact);
    section.line_if("saved for backward", memory.saved, bytes_exact);
    section.line("peak", bytes_exact(memory.peak));
    if !memory.peak_operation.is_empty() {
        section.line(
            "peak at",
            format!(
                "{} in {}",
                memory.peak_operation,
                path_label(&memory.peak_path)
            ),
        );
    }
    for (index, alive) in memory.alive.iter().take(ALIVE).enumerate() {
        let label = if index == 0 { "alive at the peak" } else { "" };
        let place = match alive.path.as_str() {
            "" => String::new(),
            path => format!(" in {path}"),
        };
        section.line(
            label,
            format!("{} {}{place}", bytes(alive.bytes), alive.what),
        );
    }
    let rest = memory.alive.get(ALIVE..).unwrap_or_default();
    if !rest.is_empty() {
        let sum = rest.iter().map(|alive| alive.bytes).sum();
        section.line("", format!("{} in {} more", bytes(sum), rest.len()));
    }
    if memory.by_dtype.len() > 1 {
        let parts: Vec<String> = memory
            .by_dtype
            .iter()
            .map(|part| format!("{} {}", bytes(part.bytes), part.dtype))
            .collect();
        section.line("peak by type", parts.join(", "));
    }
}

/// A cost, exact and short.
fn amount(report: &Report, cost: u128) -> String {
    let unit = &report.convention.unit;
    if cost < 1000 {
        return format!("{cost} {unit}");
    }
    format!("{} {unit} ({}{unit})", grouped(cost), short(cost))
}

/// Cost by kind of operation.
pub(crate) fn kinds(report: &Report) -> Grid {
    Grid {
        columns: vec![
            Column::text("kind of operation", 10),
            Column::number("operations"),
            Column::number(format!("cost ({})", report.convention.unit)),
            Column::number("%"),
        ],
        rows: report
            .by_kind
            .iter()
            .map(|kind| {
                vec![
                    kind.kind.clone(),
                    grouped(kind.operations),
                    grouped(kind.cost),
                    percent(report.percent(kind.cost)),
                ]
            })
            .collect(),
        total: None,
    }
}

/// What no rule covers; nothing if all is counted. A total that leaves something out must say so.
pub(crate) fn uncounted(report: &Report) -> Option<Section> {
    if report.uncounted.is_empty() {
        return None;
    }
    let operations = report.uncounted.iter().map(|part| part.operations).sum();
    let mut section = Section::new(match operations {
        1 => "1 operation is not counted: no rule covers it, the true cost is higher".to_owned(),
        more => format!(
            "{} operations are not counted: no rule covers them, the true cost is higher",
            grouped(more)
        ),
    });
    for part in &report.uncounted {
        section.line(
            part.operation.clone(),
            format!(
                "{} in {}, {} elements put out",
                grouped(part.operations),
                path_label(&part.path),
                grouped(part.elements)
            ),
        );
    }
    Some(section)
}
