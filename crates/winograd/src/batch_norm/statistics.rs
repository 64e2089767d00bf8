//! Mean and variance of each channel of a batch.

use rayon::prelude::*;

use super::across::SumAcross;
use super::sums::{CHUNK, Sums};
use crate::maps::activation::Activation;
use crate::maps::line::{LANES, Line, lines_for};
use crate::simd::{Kernel, Op, Vector};
use crate::threads::planes_per_task;

/// The statistics of a batch.
#[derive(Clone, Debug, PartialEq)]
pub struct BatchStatistics {
    /// `[channels]`
    pub mean: Vec<f32>,
    /// `[channels]`, biased: divided by the number of pixels.
    pub variance: Vec<f32>,
    /// How many pixels of each channel they were taken over, of all workers' parts of the batch.
    pub pixels: usize,
}

/// What one piece of a plane says of its sixteen channels.
#[derive(Clone, Copy)]
struct Moments {
    count: f64,
    mean: Sums,
    /// Sums of squared deviations from the mean.
    squares: Sums,
}

impl Moments {
    const NONE: Moments = Moments {
        count: 0.0,
        mean: [0.0; LANES],
        squares: [0.0; LANES],
    };

    /// Both together (Chan, Golub and LeVeque 1979).
    fn with(mut self, other: &Moments) -> Moments {
        let count = self.count + other.count;
        if other.count == 0.0 {
            return self;
        }
        for lane in 0..LANES {
            let apart = other.mean[lane] - self.mean[lane];
            self.mean[lane] += apart * other.count / count;
            self.squares[lane] +=
                other.squares[lane] + apart * apart * self.count * other.count / count;
        }
        self.count = count;
        self
    }
}

/// Those of the batch of which `input` is the part of one worker, if `across` is given.
pub(super) fn statistics(input: &Activation, across: Option<&dyn SumAcross>) -> BatchStatistics {
    let (kernel, plane) = (Kernel::detect(), input.height() * input.width());
    let parts: Vec<Moments> = input
        .lines()
        .par_chunks_exact(plane)
        .with_min_len(planes_per_task(plane))
        .map(|plane| {
            plane.chunks(CHUNK).fold(Moments::NONE, |moments, piece| {
                moments.with(&kernel.run(Measure(piece)))
            })
        })
        .collect();
    let channels = input.channels();
    let blocks = lines_for(channels);
    let moments: Vec<Moments> = (0..blocks)
        .map(|block| {
            let parts = parts.iter().skip(block).step_by(blocks);
            parts.fold(Moments::NONE, Moments::with)
        })
        .collect();
    if let Some(across) = across {
        return of_all(&moments, channels, across);
    }
    let mut found = BatchStatistics {
        mean: Vec::with_capacity(blocks * LANES),
        variance: Vec::with_capacity(blocks * LANES),
        pixels: input.batch() * plane,
    };
    for moments in moments {
        found.mean.extend(moments.mean.map(|mean| mean as f32));
        let variance = moments.squares.map(|sum| (sum / moments.count) as f32);
        found.variance.extend(variance);
    }
    found.mean.truncate(channels);
    found.variance.truncate(channels);
    found
}

/// The statistics of all workers' parts, from one worker's moments and the sums of all.
fn of_all(moments: &[Moments], channels: usize, across: &dyn SumAcross) -> BatchStatistics {
    let of = |channel: usize| (&moments[channel / LANES], channel % LANES);
    let sum = |channel| {
        let (part, lane) = of(channel);
        part.count * part.mean[lane]
    };
    let square = |channel| {
        let (part, lane) = of(channel);
        part.squares[lane] + part.count * part.mean[lane] * part.mean[lane]
    };
    let mut sums = vec![moments[0].count];
    sums.extend((0..channels).map(sum));
    sums.extend((0..channels).map(square));
    across.sum(&mut sums);
    let (count, means) = (sums[0], sums[1..=channels].iter().map(|sum| sum / sums[0]));
    let squares = sums[1 + channels..].iter().map(|sum| sum / count);
    BatchStatistics {
        mean: means.clone().map(|mean| mean as f32).collect(),
        variance: means
            .zip(squares)
            .map(|(mean, square)| (square - mean * mean).max(0.0) as f32)
            .collect(),
        pixels: count as usize,
    }
}

/// Mean and squared deviations of a piece of a plane, in two passes over the first cache.
struct Measure<'a>(&'a [Line]);

impl Op for Measure<'_> {
    type Output = Moments;

    #[inline(always)]
    fn run<V: Vector>(self) -> Moments {
        let count = self.0.len() as f32;
        let mut sum = V::splat(0.0);
        for line in self.0 {
            sum = sum.add(V::load(&line.0));
        }
        let mean = sum.scale(1.0 / count);
        let mut squares = V::splat(0.0);
        for line in self.0 {
            let apart = V::load(&line.0).sub(mean);
            squares = apart.mul_add(apart, squares);
        }
        let wide = |value: V| {
            let mut lanes = [0.0; LANES];
            value.store(&mut lanes);
            lanes.map(f64::from)
        };
        Moments {
            count: f64::from(count),
            mean: wide(mean),
            squares: wide(squares),
        }
    }
}
