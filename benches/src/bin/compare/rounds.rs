//! The rounds of a workload, in each of which every side is measured once.

use std::error::Error;

use benches::{Count, Stopped, Workload, check_stopped, median};

use crate::contestant::{Contestant, Label, Outcome};
use crate::device_peaks::DevicePeaks;
use crate::reference;
use crate::report::{Failure, Rows};
use crate::speed::{Clock, Clocked, clocks, prevailing};
use crate::summary::summarise;

/// So many times the rounds that were asked for are tried, to find as many that count.
const MOST_TRIES: usize = 3;

/// How many rounds are wanted, and to whom and to what ratios are.
pub(crate) struct Protocol<'a> {
    pub(crate) rounds: usize,
    pub(crate) baseline: Option<&'a str>,
    pub(crate) peaks: &'a [DevicePeaks],
}

/// A side, measured once.
pub(crate) struct Timed {
    contestant: usize,
    clock: Clock,
    reference: Vec<f64>,
    pub(crate) outcomes: Vec<Outcome>,
}

impl Clocked for Timed {
    fn contestant(&self) -> usize {
        self.contestant
    }

    fn clock(&self) -> Clock {
        self.clock
    }

    fn reference(&self) -> &[f64] {
        &self.reference
    }
}

/// The sides of a workload, and what became of them.
struct Course<'a> {
    workload: &'a Workload,
    contestants: &'a mut [Contestant],
    timed: Vec<Timed>,
    failures: Vec<Failure>,
}

impl Course<'_> {
    /// Measures those who are `waiting` once, all or nothing; who fails is out.
    fn round(&mut self, waiting: &[usize], tried: usize) -> Result<(), Stopped> {
        let (mut before, mut round) = (None, Vec::new());
        for &index in waiting {
            let start = before.take();
            let start = match self.contestants[index].is_on_gpu() {
                true => None,
                false => Some(start.unwrap_or_else(reference::sample)),
            };
            let outcomes = match self.turn(index, tried) {
                Ok(outcomes) => outcomes,
                Err(error) => {
                    check_stopped()?;
                    self.timed.retain(|timed| timed.contestant != index);
                    let label = self.contestants[index].label();
                    self.failures
                        .push(Failure::new(self.workload, label, &error));
                    continue;
                }
            };
            let own = outcomes.iter().filter_map(|outcome| outcome.reference);
            let own: Vec<_> = own.flatten().collect();
            let (clock, reference) = match start {
                Some(start) if own.is_empty() => {
                    let end = *before.insert(reference::sample());
                    (Clock::Processor, vec![start, end])
                }
                _ => (Clock::Own(index), own),
            };
            round.push(Timed {
                contestant: index,
                clock,
                reference,
                outcomes,
            });
        }
        check_stopped()?;
        self.timed.extend(round);
        Ok(())
    }

    fn turn(&mut self, index: usize, tried: usize) -> Result<Vec<Outcome>, Box<dyn Error>> {
        let workload = self.workload;
        let contestant = &mut self.contestants[index];
        let outcomes = contestant.measure().or_else(|error| {
            check_stopped()?;
            if let Contestant::Peer(_) = contestant {
                // What is not installed is not there the second time either.
                return Err(error);
            }
            // The system may just have refused memory or a device.
            console::note!("{workload}: {error}; once more");
            contestant.measure()
        })?;
        for outcome in &outcomes {
            let calls = outcome.bursts.iter().flat_map(|burst| &burst.calls);
            let middle = median(&calls.copied().collect::<Vec<_>>());
            let name = Label::shown(&outcome.label.side, outcome.label.backend.as_deref());
            console::note!("{workload}, round {tried}: {name} {middle:.2} ms");
        }
        Ok(outcomes)
    }

    /// Those who have not been measured in `wanted` rounds at the same speed of their device.
    fn waiting(&self, wanted: usize) -> Vec<usize> {
        let mut waiting = Vec::new();
        for clock in clocks(&self.timed) {
            let (_, equal) = prevailing(&self.timed, clock);
            let of = match clock {
                Clock::Processor => "the processor".into(),
                Clock::Own(index) => self.shown(index),
            };
            console::note!(
                "{}: {equal} of {wanted} rounds at the same speed of {of}",
                self.workload
            );
            let own = self.timed.iter().filter(|timed| timed.clock == clock);
            if equal < wanted {
                waiting.extend(own.map(|timed| timed.contestant));
            }
        }
        waiting.sort_unstable();
        waiting.dedup();
        waiting
    }

    fn shown(&self, index: usize) -> String {
        let label = self.contestants[index].label();
        format!(
            "the device of {}",
            Label::shown(&label.side, label.backend.as_deref())
        )
    }

    /// Leaves the turns that were made at the speed of a device that prevailed, where there are enough.
    fn choose(&mut self, wanted: usize) {
        for clock in clocks(&self.timed) {
            let (least, equal) = prevailing(&self.timed, clock);
            if equal >= wanted {
                self.timed
                    .retain(|timed| timed.clock != clock || timed.is_near(least));
            }
        }
    }
}

/// As many rounds as the protocol says in which each device was equally fast, or, if there are not so many, all
/// that were tried: their drift says so. When the run is stopped, the rounds that are whole.
pub(crate) fn measure(
    workload: &Workload,
    count: Count,
    contestants: &mut [Contestant],
    protocol: &Protocol,
) -> Rows {
    let wanted = protocol.rounds;
    let mut waiting: Vec<_> = (0..contestants.len()).collect();
    let mut course = Course {
        workload,
        contestants,
        timed: Vec::new(),
        failures: Vec::new(),
    };
    for tried in 1..=wanted * MOST_TRIES {
        if waiting.is_empty() || course.round(&waiting, tried).is_err() {
            break;
        }
        waiting = course.waiting(wanted);
    }
    course.choose(wanted);
    Rows {
        measurements: summarise(workload, count, course.timed, protocol),
        failures: course.failures,
    }
}
