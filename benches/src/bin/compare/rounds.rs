//! The rounds of a workload, in which all sides take their turns.

use std::error::Error;

use benches::{Count, Workload, median, quantile};

use crate::reference;
use crate::report::Row;
use crate::side::{Known, Side, Turn};
use crate::{MOST_DRIFT, Options};

/// So many times the rounds that were asked for are tried, to find as many that count.
const MOST_TRIES: usize = 3;

/// What came out.
pub(crate) struct Measured {
    pub(crate) rows: Vec<Row>,
    /// Milliseconds of the reference kernel: its median.
    pub(crate) reference_ms: f64,
    /// How far its samples lie apart.
    pub(crate) drift_percent: f64,
}

/// A side's turn.
struct Timed {
    side: usize,
    /// Milliseconds of the reference kernel right before and after it.
    reference: [f64; 2],
    turn: Turn,
}

impl Timed {
    /// Whether the machine took `least` for the reference kernel, or hardly more.
    fn is_near(&self, least: f64) -> bool {
        let range = least..=least * (1.0 + MOST_DRIFT / 100.0);
        self.reference.iter().all(|sample| range.contains(sample))
    }
}

/// Every side once.
fn round(sides: &[Box<dyn Side>], options: &Options) -> Result<Vec<Timed>, Box<dyn Error>> {
    let (mut before, mut timed) = (reference::sample(), Vec::new());
    for (index, side) in sides.iter().enumerate() {
        // Once more, if the system has just refused memory or a device.
        let turn = side.turn(options).or_else(|error| {
            console::note!("{error}; once more");
            side.turn(options)
        })?;
        let after = reference::sample();
        timed.push(Timed {
            side: index,
            reference: [before, after],
            turn,
        });
        before = after;
    }
    Ok(timed)
}

/// How fast the machine was in most turns, as the least time of the reference kernel, and how many turns every
/// side then had at least.
fn prevailing(timed: &[Timed], sides: usize) -> (f64, usize) {
    let turns = |least: f64| {
        let near = |side| {
            let of_side = timed.iter().filter(|timed| timed.side == side);
            of_side.filter(|timed| timed.is_near(least)).count()
        };
        (least, (0..sides).map(near).min().unwrap_or_default())
    };
    let candidates = samples(timed).into_iter().map(turns);
    candidates
        .max_by_key(|&(_, turns)| turns)
        .unwrap_or_default()
}

/// The times of a side under one of its names.
struct Times {
    name: String,
    known: Known,
    calls: Vec<f64>,
    /// The median of each round's groups, in units.
    relative: Vec<f64>,
}

/// As many turns of every side as the options say in which the machine was equally fast, or, if there are not
/// so many, all that were tried: their drift says so.
pub(crate) fn measure(
    workload: &Workload,
    count: Count,
    sides: &[Box<dyn Side>],
    options: &Options,
) -> Result<Measured, Box<dyn Error>> {
    let (name, batch, wanted) = (&workload.model, workload.batch, options.rounds);
    let mut timed: Vec<Timed> = Vec::new();
    for _ in 0..wanted * MOST_TRIES {
        let round = round(sides, options)?;
        let times = samples(&round).into_iter().map(|time| format!("{time:.2}"));
        let times = times.collect::<Vec<_>>().join(" ");
        timed.extend(round);
        let (least, turns) = prevailing(&timed, sides.len());
        console::note!(
            "{name}, batch {batch}: {turns} of {wanted} rounds; reference kernel {times} ms"
        );
        if turns >= wanted {
            timed.retain(|timed| timed.is_near(least));
            break;
        }
    }
    let samples = samples(&timed);
    let reference_ms = median(&samples);
    let range = quantile(&samples, 1.0) - quantile(&samples, 0.0);
    let drift_percent = range / reference_ms * 100.0;
    // In the order of the sides, whichever had the first turn that counts.
    timed.sort_by_key(|timed| timed.side);
    let times = by_name(sides, timed);
    Ok(Measured {
        rows: rows(workload, count, &times, options.baseline.as_deref())?,
        reference_ms,
        drift_percent,
    })
}

/// All samples of the reference kernel.
fn samples(timed: &[Timed]) -> Vec<f64> {
    timed.iter().flat_map(|timed| timed.reference).collect()
}

fn by_name(sides: &[Box<dyn Side>], timed: Vec<Timed>) -> Vec<Times> {
    let mut all: Vec<Times> = Vec::new();
    for Timed { side, turn, .. } in timed {
        for (name, groups) in turn {
            let index = all.iter().position(|times| times.name == name);
            let index = index.unwrap_or_else(|| {
                all.push(Times {
                    name,
                    known: sides[side].known(),
                    calls: Vec::new(),
                    relative: Vec::new(),
                });
                all.len() - 1
            });
            let in_units = groups.iter().map(|group| median(&group.calls) / group.unit);
            all[index]
                .relative
                .push(median(&in_units.collect::<Vec<_>>()));
            let calls = groups.into_iter().flat_map(|group| group.calls);
            all[index].calls.extend(calls);
        }
    }
    all
}

fn rows(
    workload: &Workload,
    count: Count,
    all: &[Times],
    baseline: Option<&str>,
) -> Result<Vec<Row>, Box<dyn Error>> {
    let found = match baseline {
        None => all.first(),
        Some(name) => all.iter().find(|times| times.name == *name),
    };
    let names: Vec<_> = all.iter().map(|times| times.name.as_str()).collect();
    let found = found.ok_or_else(|| {
        format!(
            "there is no side {} to compare with; there are {}",
            baseline.unwrap_or("the first"),
            names.join(", ")
        )
    })?;
    let baseline = median(&found.calls);
    let row = |times| row(workload, count, times, baseline);
    Ok(all.iter().map(row).collect())
}

fn row(workload: &Workload, count: Count, times: &Times, baseline: f64) -> Row {
    let calls = &times.calls;
    let middle = median(calls);
    let gflops = count.flops as f64 / middle / 1e6;
    let bandwidth = (count.bytes > 0).then_some(count.bytes as f64 / middle / 1e6);
    let roof = times.known.roof.as_ref();
    Row {
        model: workload.model.clone(),
        batch: workload.batch,
        mode: workload.mode().into(),
        side: times.name.clone(),
        median_ms: middle,
        spread_percent: (quantile(calls, 0.9) - quantile(calls, 0.1)) / middle * 100.0,
        calls: calls.len(),
        images_per_second: workload.batch as f64 / middle * 1e3,
        gflops,
        percent_of_peak: roof.map(|roof| gflops / roof.gflops * 100.0),
        percent_of_bandwidth: roof
            .zip(bandwidth)
            .map(|(roof, bandwidth)| bandwidth / roof.gigabytes_per_second * 100.0),
        peak_memory: times.known.peak_memory,
        first_run_ms: times.known.first_run_ms,
        ratio: middle / baseline,
        relative: median(&times.relative),
    }
}
