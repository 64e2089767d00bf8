//! The rounds of a workload, in which all sides take their turns.

use std::error::Error;
use std::time::Duration;

use benches::{Count, Workload, median, quantile};

use crate::reference;
use crate::report::Row;
use crate::settle::settle;
use crate::side::{Known, Side, Turn};
use crate::{MOST_DRIFT, Options};

/// So many times the rounds that were asked for are tried, to find as many that count.
const MOST_TRIES: usize = 5;

/// What came out.
pub(crate) struct Measured {
    pub(crate) rows: Vec<Row>,
    /// Milliseconds of the reference kernel: its median.
    pub(crate) reference_ms: f64,
    /// How far its samples lie apart.
    pub(crate) drift_percent: f64,
}

/// All sides once.
struct Round {
    /// Milliseconds of the reference kernel before the first side, and after each.
    reference: Vec<f64>,
    turns: Vec<Turn>,
}

impl Round {
    fn run(sides: &mut [Box<dyn Side>], turn: Duration) -> Result<Self, Box<dyn Error>> {
        let sample = || {
            settle();
            reference::sample()
        };
        let (mut reference, mut turns) = (vec![sample()], Vec::new());
        for side in sides {
            turns.push(side.turn(turn)?);
            reference.push(sample());
        }
        Ok(Self { reference, turns })
    }

    /// Whether all samples of the reference kernel are at least `least`, and hardly more.
    fn is_near(&self, least: f64) -> bool {
        let range = least..=least * (1.0 + MOST_DRIFT / 100.0);
        self.reference.iter().all(|sample| range.contains(sample))
    }
}

/// For each round whether it is one of those, as many as there can be, in which the machine was equally fast.
fn steady(rounds: &[Round]) -> Vec<bool> {
    let near = |least| rounds.iter().map(|round| round.is_near(least)).collect();
    let candidates = samples(rounds).into_iter().map(near);
    let count = |steady: &Vec<bool>| steady.iter().filter(|&&is| is).count();
    candidates.max_by_key(count).unwrap_or_default()
}

/// The times of a side under one of its names.
struct Times {
    name: String,
    known: Known,
    rounds: Vec<Vec<f64>>,
    /// The median of each round in units of the reference kernel's time right before and after it.
    relative: Vec<f64>,
}

/// As many rounds as the options say in which the machine was equally fast, or, if there are not so
/// many, all that were tried: their drift says so.
pub(crate) fn measure(
    workload: &Workload,
    count: Count,
    mut sides: Vec<Box<dyn Side>>,
    options: &Options,
) -> Result<Measured, Box<dyn Error>> {
    let turn = Duration::from_secs_f64(options.seconds);
    let (name, batch) = (&workload.model, workload.batch);
    let mut rounds: Vec<Round> = Vec::new();
    while rounds.len() < options.rounds * MOST_TRIES {
        let round = Round::run(&mut sides, turn)?;
        let times = round.reference.iter().map(|time| format!("{time:.2}"));
        let times = times.collect::<Vec<_>>().join(" ");
        rounds.push(round);
        let steady = steady(&rounds);
        let count = steady.iter().filter(|&&is| is).count();
        let wanted = options.rounds;
        eprintln!("{name}, batch {batch}: {count} of {wanted} rounds; reference kernel {times} ms");
        if count >= wanted {
            let mut steady = steady.into_iter();
            rounds.retain(|_| steady.next().unwrap_or_default());
            break;
        }
    }
    let samples = samples(&rounds);
    let reference_ms = median(&samples);
    let range = quantile(&samples, 1.0) - quantile(&samples, 0.0);
    let drift_percent = range / reference_ms * 100.0;
    let times = by_name(&sides, rounds);
    Ok(Measured {
        rows: rows(workload, count, &times, options.baseline.as_deref())?,
        reference_ms,
        drift_percent,
    })
}

/// All samples of the reference kernel.
fn samples(rounds: &[Round]) -> Vec<f64> {
    rounds
        .iter()
        .flat_map(|round| round.reference.iter().copied())
        .collect()
}

fn by_name(sides: &[Box<dyn Side>], rounds: Vec<Round>) -> Vec<Times> {
    let mut all: Vec<Times> = Vec::new();
    for Round { reference, turns } in rounds {
        for ((side, turn), around) in sides.iter().zip(turns).zip(reference.windows(2)) {
            for (name, calls) in turn {
                let relative = median(&calls) / f64::midpoint(around[0], around[1]);
                match all.iter_mut().find(|times| times.name == name) {
                    Some(found) => {
                        found.rounds.push(calls);
                        found.relative.push(relative);
                    }
                    None => all.push(Times {
                        name,
                        known: side.known(),
                        rounds: vec![calls],
                        relative: vec![relative],
                    }),
                }
            }
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
    let baseline = median(&found.rounds.concat());
    let row = |times| row(workload, count, times, baseline);
    Ok(all.iter().map(row).collect())
}

fn row(workload: &Workload, count: Count, times: &Times, baseline: f64) -> Row {
    let calls = times.rounds.concat();
    let middle = median(&calls);
    let gflops = count.flops as f64 / middle / 1e6;
    let bandwidth = (count.bytes > 0).then_some(count.bytes as f64 / middle / 1e6);
    let roof = times.known.roof.as_ref();
    Row {
        model: workload.model.clone(),
        batch: workload.batch,
        mode: workload.mode().into(),
        side: times.name.clone(),
        median_ms: middle,
        spread_percent: (quantile(&calls, 0.9) - quantile(&calls, 0.1)) / middle * 100.0,
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
