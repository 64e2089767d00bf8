//! Rows, made of turns.

use benches::{Count, Workload, median, quantile};

use crate::contestant::{Label, Outcome};
use crate::device_peaks::{DevicePeaks, PROCESSOR};
use crate::report::Measurement;
use crate::rounds::{Protocol, Timed};
use crate::speed::{Clock, Clocked, samples};

/// The turns of a side under one of its names.
struct Times {
    clock: Clock,
    /// The latest, for what all have in common.
    outcome: Outcome,
    rounds: usize,
    calls: Vec<f64>,
    least_ms: f64,
    /// The median of each round's bursts, in units of fixed work.
    relative: Vec<f64>,
}

/// A row for each name, in the order of the sides.
pub(crate) fn summarise(
    workload: &Workload,
    count: Count,
    mut timed: Vec<Timed>,
    protocol: &Protocol,
) -> Vec<Measurement> {
    let speeds = |clock| {
        let samples = samples(&timed, clock);
        let middle = median(&samples);
        let range = quantile(&samples, 1.0) - quantile(&samples, 0.0);
        (middle, range / middle * 100.0)
    };
    let clocks = crate::speed::clocks(&timed);
    let speeds: Vec<_> = clocks.iter().map(|&clock| (clock, speeds(clock))).collect();
    // Whichever was measured first of the turns that count.
    timed.sort_by_key(Timed::contestant);
    let all = by_label(timed);
    let baseline = baseline(&all, protocol.baseline);
    let row = |times: &Times| {
        let found = speeds.iter().find(|(clock, _)| *clock == times.clock);
        let speed = found.map_or((f64::NAN, f64::NAN), |(_, speed)| *speed);
        measurement(workload, count, times, speed, baseline, protocol.peaks)
    };
    all.iter().map(row).collect()
}

fn by_label(timed: Vec<Timed>) -> Vec<Times> {
    let mut all: Vec<Times> = Vec::new();
    for turn in timed {
        let clock = turn.clock();
        for outcome in turn.outcomes {
            let bursts = outcome.bursts.iter();
            let relative = bursts.map(|burst| median(&burst.calls) / burst.fixed_work);
            let relative = median(&relative.collect::<Vec<_>>());
            let calls = outcome.bursts.iter().flat_map(|burst| &burst.calls);
            let calls: Vec<_> = calls.copied().collect();
            let known = all
                .iter_mut()
                .find(|times| times.outcome.label == outcome.label);
            match known {
                Some(times) => {
                    times.rounds += 1;
                    times.relative.push(relative);
                    times.least_ms = times.least_ms.min(outcome.least_ms);
                    times.calls.extend(calls);
                    times.outcome = outcome;
                }
                None => all.push(Times {
                    clock,
                    rounds: 1,
                    relative: vec![relative],
                    least_ms: outcome.least_ms,
                    calls,
                    outcome,
                }),
            }
        }
    }
    all
}

/// The median that ratios are to: that of the side of this name, else of the first.
fn baseline(all: &[Times], name: Option<&str>) -> f64 {
    let shown = |times: &Times| {
        let label = &times.outcome.label;
        Label::shown(&label.side, label.backend.as_deref())
    };
    let found = name.and_then(|name| all.iter().find(|times| shown(times) == name));
    if let (Some(name), None, false) = (name, found, all.is_empty()) {
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

fn measurement(
    workload: &Workload,
    count: Count,
    times: &Times,
    (reference_ms, drift_percent): (f64, f64),
    baseline: f64,
    peaks: &[DevicePeaks],
) -> Measurement {
    let (calls, outcome) = (&times.calls, &times.outcome);
    let middle = median(calls);
    let gflops = count.flops as f64 / middle / 1e6;
    let bytes = (count.bytes > 0).then_some(count.bytes as f64);
    let peaks = match (&outcome.label.backend, outcome.device == PROCESSOR) {
        (_, true) => DevicePeaks::of(peaks, PROCESSOR),
        (Some(backend), false) => DevicePeaks::of(peaks, backend),
        (None, false) => DevicePeaks::of_card(peaks, &outcome.device),
    };
    let first = outcome.first.as_ref();
    Measurement {
        model: workload.model.clone(),
        batch: workload.batch,
        task: workload.task,
        side: outcome.label.side.clone(),
        backend: outcome.label.backend.clone(),
        about: outcome.about.clone(),
        device: outcome.device.clone(),
        median_ms: middle,
        least_ms: times.least_ms,
        spread_percent: (quantile(calls, 0.9) - quantile(calls, 0.1)) / middle * 100.0,
        rounds: times.rounds,
        calls: calls.len(),
        images_per_second: workload.batch as f64 / middle * 1e3,
        gflops,
        percent_of_peak: peaks.map(|peaks| gflops / peaks.gflops * 100.0),
        percent_of_bandwidth: peaks
            .zip(bytes)
            .map(|(peaks, bytes)| bytes / middle / 1e6 / peaks.gigabytes_per_second * 100.0),
        peak_memory: first.and_then(|first| first.peak_memory),
        device_memory: outcome.device_memory,
        first_call_ms: first.map(|first| first.milliseconds),
        ratio: middle / baseline,
        relative: median(&times.relative),
        reference_ms,
        drift_percent,
    }
}
