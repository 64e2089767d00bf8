//! Which turns were measured at the same speed of the device.

use crate::reference::MOST_DRIFT;

/// Whose speed a turn depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Clock {
    /// The processor's: of all sides on it.
    Processor,
    /// That of a device, as the side of this place measures it: another side may do the same work with other kernels.
    Own(usize),
}

/// A turn's place, and how fast its device was.
pub(crate) trait Clocked {
    /// The place of its side among the sides.
    fn contestant(&self) -> usize;

    fn clock(&self) -> Clock;

    /// Milliseconds of the clock's reference work right before and right after it.
    fn reference(&self) -> &[f64];

    /// Whether the device took `least` for the reference work, or hardly more.
    fn is_near(&self, least: f64) -> bool {
        let range = least..=least * (1.0 + MOST_DRIFT / 100.0);
        self.reference().iter().all(|sample| range.contains(sample))
    }
}

/// All clocks of some turns.
pub(crate) fn clocks<T: Clocked>(turns: &[T]) -> Vec<Clock> {
    let mut clocks = Vec::new();
    for turn in turns {
        if !clocks.contains(&turn.clock()) {
            clocks.push(turn.clock());
        }
    }
    clocks
}

/// All samples of a clock's reference work.
pub(crate) fn samples<T: Clocked>(turns: &[T], clock: Clock) -> Vec<f64> {
    let own = turns.iter().filter(|turn| turn.clock() == clock);
    own.flat_map(|turn| turn.reference().iter().copied())
        .collect()
}

/// How fast a clock's device was most of the time, as the least time of its reference work, and how often every side
/// on it was then measured at least.
pub(crate) fn prevailing<T: Clocked>(turns: &[T], clock: Clock) -> (f64, usize) {
    let own: Vec<_> = turns.iter().filter(|turn| turn.clock() == clock).collect();
    let rounds = |least: f64| {
        let near = |contestant| {
            let its = own.iter().filter(|turn| turn.contestant() == contestant);
            its.filter(|turn| turn.is_near(least)).count()
        };
        let fewest = own.iter().map(|turn| near(turn.contestant())).min();
        (least, fewest.unwrap_or_default())
    };
    let candidates = samples(turns, clock).into_iter().map(rounds);
    candidates
        .max_by_key(|&(_, rounds)| rounds)
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Sample(usize, Clock, [f64; 2]);

    impl Clocked for Sample {
        fn contestant(&self) -> usize {
            self.0
        }

        fn clock(&self) -> Clock {
            self.1
        }

        fn reference(&self) -> &[f64] {
            &self.2
        }
    }

    fn here(contestant: usize, reference: [f64; 2]) -> Sample {
        Sample(contestant, Clock::Processor, reference)
    }

    #[test]
    fn the_speed_that_lasted_longest_prevails() {
        let all = [
            here(0, [10.0, 10.2]),
            here(1, [10.2, 20.0]),
            here(0, [20.0, 20.5]),
            here(1, [20.5, 21.0]),
            here(0, [21.0, 20.0]),
            here(1, [20.0, 20.1]),
        ];
        assert_eq!(prevailing(&all, Clock::Processor), (20.0, 2));
    }

    #[test]
    fn a_gpu_does_not_care_for_the_processor() {
        let all = [
            here(0, [10.0, 10.1]),
            Sample(1, Clock::Own(1), [3.0, 3.1]),
            here(0, [30.0, 50.0]),
            Sample(1, Clock::Own(1), [3.1, 3.0]),
        ];
        assert_eq!(clocks(&all), [Clock::Processor, Clock::Own(1)]);
        assert_eq!(prevailing(&all, Clock::Own(1)), (3.0, 2));
        assert_eq!(prevailing(&all, Clock::Processor).1, 1);
        assert_eq!(samples(&all, Clock::Own(1)), [3.0, 3.1, 3.1, 3.0]);
    }

    #[test]
    fn without_turns_there_are_no_rounds() {
        assert_eq!(prevailing::<Sample>(&[], Clock::Processor).1, 0);
        assert_eq!(prevailing(&[here(0, [1.0, 1.0])], Clock::Own(0)).1, 0);
    }
}
