//! The rounds of a workload, in each of which every side is measured once.

use std::error::Error;

use benches::{Count, Workload, median, quantile};

use crate::contestant::{Contestant, Known, Label, Outcome};
use crate::reference::{self, MOST_DRIFT};
use crate::report::Measurement;
use crate::trial::Settings;

/// So many times the rounds that were asked for are tried, to find as many that count.
const MOST_TRIES: usize = 3;

/// How many rounds are wanted, how long, and to whom ratios are.
pub(crate) struct Protocol<'a> {
    pub(crate) rounds: usize,
    pub(crate) settings: Settings,
    pub(crate) baseline: Option<&'a str>,
}

/// A side, measured once.
struct Timed {
    /// The place among the sides.
    contestant: usize,
    /// Milliseconds of the reference kernel right before and after it.
    reference: [f64; 2],
    outcomes: Vec<Outcome>,
}

impl Timed {
    /// Whether the machine took `least` for the reference kernel, or hardly more.
    fn is_near(&self, least: f64) -> bool {
        let range = least..=least * (1.0 + MOST_DRIFT / 100.0);
        self.reference.iter().all(|sample| range.contains(sample))
    }
}

/// Every side once; `place` says where in the run this is.
fn round(
    contestants: &[Contestant],
    settings: Settings,
    place: &str,
) -> Result<Vec<Timed>, Box<dyn Error>> {
    let (mut before, mut timed) = (reference::sample(), Vec::new());
    for (index, contestant) in contestants.iter().enumerate() {
        // Once more, if the system has just refused memory or a device.
        let outcomes = contestant.measure(settings).or_else(|error| {
            console::note!("{error}; once more");
            contestant.measure(settings)
        })?;
        for outcome in &outcomes {
            let calls = outcome.bursts.iter().flat_map(|burst| &burst.calls);
            let middle = median(&calls.copied().collect::<Vec<_>>());
            let name = Label::shown(&outcome.label.side, outcome.label.backend.as_deref());
            console::note!("{place}: {name} {middle:.2} ms");
        }
        let after = reference::sample();
        timed.push(Timed {
            contestant: index,
            reference: [before, after],
            outcomes,
        });
        before = after;
    }
    Ok(timed)
}

/// How fast the machine was most of the time, as the least time of the reference kernel, and how often every
/// side was then measured at least.
fn prevailing(timed: &[Timed], contestants: usize) -> (f64, usize) {
    let rounds = |least: f64| {
        let near = |contestant| {
            let own = timed.iter().filter(|timed| timed.contestant == contestant);
            own.filter(|timed| timed.is_near(least)).count()
        };
        let fewest = (0..contestants).map(near).min();
        (least, fewest.unwrap_or_default())
    };
    let candidates = samples(timed).into_iter().map(rounds);
    candidates
        .max_by_key(|&(_, rounds)| rounds)
        .unwrap_or_default()
}

/// As many rounds as the protocol says in which the machine was equally fast, or, if there are not so many, all
/// that were tried: their drift says so.
pub(crate) fn measure(
    workload: &Workload,
    count: Count,
    contestants: &[Contestant],
    protocol: &Protocol,
) -> Result<Vec<Measurement>, Box<dyn Error>> {
    let wanted = protocol.rounds;
    let mut timed: Vec<Timed> = Vec::new();
    for tried in 1..=wanted * MOST_TRIES {
        let place = format!("{workload}, round {tried}");
        timed.extend(round(contestants, protocol.settings, &place)?);
        let (least, equal) = prevailing(&timed, contestants.len());
        console::note!("{workload}: {equal} of {wanted} rounds at the same speed of the machine");
        if equal >= wanted {
            timed.retain(|timed| timed.is_near(least));
            break;
        }
    }
    let samples = samples(&timed);
    let reference_ms = median(&samples);
    let range = quantile(&samples, 1.0) - quantile(&samples, 0.0);
    let summary = Summary {
        workload,
        count,
        reference_ms,
        drift_percent: range / reference_ms * 100.0,
    };
    // In the order of the sides, whichever was measured first of those that count.
    timed.sort_by_key(|timed| timed.contestant);
    let times = by_label(contestants, timed);
    let baseline = baseline(&times, protocol.baseline);
    let measurement = |times| summary.measurement(times, baseline);
    Ok(times.iter().map(measurement).collect())
}

/// All samples of the reference kernel.
fn samples(timed: &[Timed]) -> Vec<f64> {
    timed.iter().flat_map(|timed| timed.reference).collect()
}

/// The times of a side under one of its names.
struct Times {
    label: Label,
    known: Known,
    calls: Vec<f64>,
    least_ms: f64,
    /// The median of each round's bursts, in units of fixed work.
    relative: Vec<f64>,
}

fn by_label(contestants: &[Contestant], timed: Vec<Timed>) -> Vec<Times> {
    let mut all: Vec<Times> = Vec::new();
    for Timed {
        contestant,
        outcomes,
        ..
    } in timed
    {
        for outcome in outcomes {
            let label = outcome.label;
            let index = all.iter().position(|times| times.label == label);
            let index = index.unwrap_or_else(|| {
                all.push(Times {
                    label,
                    known: contestants[contestant].known(),
                    calls: Vec::new(),
                    least_ms: f64::INFINITY,
                    relative: Vec::new(),
                });
                all.len() - 1
            });
            let times = &mut all[index];
            let bursts = outcome.bursts.iter();
            let relative = bursts.map(|burst| median(&burst.calls) / burst.fixed_work);
            times.relative.push(median(&relative.collect::<Vec<_>>()));
            times.least_ms = times.least_ms.min(outcome.least_ms);
            let calls = outcome.bursts.into_iter().flat_map(|burst| burst.calls);
            times.calls.extend(calls);
        }
    }
    all
}

/// The median that ratios are to: that of the side of this name, else of the first.
fn baseline(all: &[Times], name: Option<&str>) -> f64 {
    let shown = |times: &Times| Label::shown(&times.label.side, times.label.backend.as_deref());
    let found = name.and_then(|name| all.iter().find(|times| shown(times) == name));
    if let (Some(name), None) = (name, found) {
        // What was measured is worth more than its ratios.
        let names: Vec<_> = all.iter().map(shown).collect();
        console::note!(
            "there is no side {name} to compare with; there are {}: ratios are to the first",
            names.join(", ")
        );
    }
    let found = found.or(all.first());
    found.map_or(f64::NAN, |times| median(&times.calls))
}

/// What all sides of a workload share.
struct Summary<'a> {
    workload: &'a Workload,
    count: Count,
    reference_ms: f64,
    drift_percent: f64,
}

impl Summary<'_> {
    fn measurement(&self, times: &Times, baseline: f64) -> Measurement {
        let calls = &times.calls;
        let middle = median(calls);
        let gflops = self.count.flops as f64 / middle / 1e6;
        let bytes = (self.count.bytes > 0).then_some(self.count.bytes as f64);
        let peaks = times.known.peaks;
        Measurement {
            model: self.workload.model.clone(),
            batch: self.workload.batch,
            task: self.workload.task,
            side: times.label.side.clone(),
            backend: times.label.backend.clone(),
            median_ms: middle,
            least_ms: times.least_ms,
            spread_percent: (quantile(calls, 0.9) - quantile(calls, 0.1)) / middle * 100.0,
            calls: calls.len(),
            images_per_second: self.workload.batch as f64 / middle * 1e3,
            gflops,
            percent_of_peak: peaks.map(|peaks| gflops / peaks.gflops * 100.0),
            percent_of_bandwidth: peaks
                .zip(bytes)
                .map(|(peaks, bytes)| bytes / middle / 1e6 / peaks.gigabytes_per_second * 100.0),
            peak_memory: times.known.peak_memory,
            first_call_ms: times.known.first_ms,
            ratio: middle / baseline,
            relative: median(&times.relative),
            reference_ms: self.reference_ms,
            drift_percent: self.drift_percent,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timed(contestant: usize, reference: [f64; 2]) -> Timed {
        Timed {
            contestant,
            reference,
            outcomes: Vec::new(),
        }
    }

    #[test]
    fn the_speed_that_lasted_longest_prevails() {
        let all = [
            timed(0, [10.0, 10.2]),
            timed(1, [10.2, 20.0]),
            timed(0, [20.0, 20.5]),
            timed(1, [20.5, 21.0]),
            timed(0, [21.0, 20.0]),
            timed(1, [20.0, 20.1]),
        ];
        assert_eq!(prevailing(&all, 2), (20.0, 2));
    }

    #[test]
    fn a_side_that_was_never_measured_leaves_no_rounds() {
        assert_eq!(prevailing(&[timed(0, [10.0, 10.0])], 2).1, 0);
        assert_eq!(prevailing(&[], 1).1, 0);
    }
}
