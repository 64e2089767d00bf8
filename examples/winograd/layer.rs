//! A whole layer by this project's kernels: time, memory and rounding.

use std::time::{Duration, Instant};

use winograd::{Activation, Algorithm, Conv3x3, ConvOptions, Error, LayerSize, Workspace};

/// How long calls are timed.
const MEASURING: Duration = Duration::from_millis(300);

/// A layer from as many channels to as many, on square maps.
#[derive(Clone, Copy, Debug)]
pub struct Layer {
    pub channels: usize,
    pub side: usize,
}

/// What an algorithm takes for a layer.
pub struct Measured {
    /// Products of a value of the map and one of a filter.
    pub multiplications: usize,
    /// Of the weights as they are kept.
    pub weight_bytes: usize,
    /// For what lies between the steps.
    pub workspace_bytes: usize,
    /// The least of all calls.
    pub milliseconds: f64,
    /// The largest difference from double precision, relative to the largest output.
    pub error: f64,
}

/// Values from -1 to 1 that follow from `seed`.
pub fn random(count: usize, seed: u32) -> Vec<f32> {
    let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(1);
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 23) as f32 - 1.0
    };
    (0..count).map(|_| next()).collect()
}

impl Layer {
    fn inputs(&self) -> usize {
        self.channels * self.side * self.side
    }

    /// Random maps and weights.
    pub fn values(&self) -> (Vec<f32>, Vec<f32>) {
        (
            random(self.inputs(), 1),
            random(self.channels * self.channels * 9, 2),
        )
    }

    /// The outputs in double precision.
    pub fn exact(&self, maps: &[f32], weights: &[f32]) -> Vec<f64> {
        let Self { channels, side } = *self;
        let mut outputs = vec![0.0; self.inputs()];
        for (output, filters) in outputs
            .chunks_exact_mut(side * side)
            .zip(weights.chunks_exact(channels * 9))
        {
            for (map, filter) in maps.chunks_exact(side * side).zip(filters.chunks_exact(9)) {
                for (tap, &weight) in filter.iter().enumerate() {
                    add_shifted(output, map, side, [tap / 3, tap % 3], f64::from(weight));
                }
            }
        }
        outputs
    }

    /// How `algorithm` does; `exact` are the outputs.
    ///
    /// # Errors
    /// Sizes that the kernels do not take.
    pub fn measure(
        &self,
        algorithm: Algorithm,
        maps: &[f32],
        weights: &[f32],
        exact: &[f64],
    ) -> Result<Measured, Error> {
        let Self { channels, side } = *self;
        let size = LayerSize {
            batch: 1,
            in_channels: channels,
            out_channels: channels,
            out_height: side,
            out_width: side,
            pool: false,
        };
        let options = ConvOptions::for_size(&size).with_algorithm(algorithm);
        let convolution = Conv3x3::new(weights, None, channels, channels, options)?;
        let input = Activation::from_nchw(maps, [1, channels, side, side])?;
        let (mut output, mut workspace) = (Activation::new(), Workspace::new());
        convolution.forward(&input, &mut output, &mut workspace)?;
        // What else the machine does can only add to a time.
        let (began, mut least) = (Instant::now(), f64::INFINITY);
        while least.is_infinite() || began.elapsed() < MEASURING {
            let start = Instant::now();
            convolution.forward(&input, &mut output, &mut workspace)?;
            least = least.min(start.elapsed().as_secs_f64() * 1e3);
        }
        let largest = exact
            .iter()
            .fold(0.0, |most: f64, value| most.max(value.abs()));
        let differences = output
            .to_nchw()
            .into_iter()
            .zip(exact)
            .map(|(value, exact)| (f64::from(value) - exact).abs());
        Ok(Measured {
            multiplications: self.multiplications(algorithm),
            weight_bytes: convolution.bytes(),
            workspace_bytes: workspace.bytes(),
            milliseconds: least,
            error: differences.fold(0.0, f64::max) / largest,
        })
    }

    /// One product for each value of a transformed tile, or nine for each output.
    fn multiplications(&self, algorithm: Algorithm) -> usize {
        let of_channel = match algorithm {
            Algorithm::F2x2 => self.side.div_ceil(2).pow(2) * 16,
            Algorithm::F4x4 => self.side.div_ceil(4).pow(2) * 36,
            Algorithm::F6x6 => self.side.div_ceil(6).pow(2) * 64,
            _ => self.side.pow(2) * 9,
        };
        of_channel * self.channels * self.channels
    }
}

/// Adds a map times a weight where the filter's tap meets it; around the map there are zeros.
fn add_shifted(
    output: &mut [f64],
    map: &[f32],
    side: usize,
    [down, right]: [usize; 2],
    weight: f64,
) {
    for row in 0..side {
        // The tap in the middle is [1, 1].
        let Some(from) = (row + down).checked_sub(1).filter(|from| *from < side) else {
            continue;
        };
        let (first, last) = (usize::from(right == 0), side - usize::from(right == 2));
        for column in first..last {
            output[row * side + column] +=
                f64::from(map[from * side + column + right - 1]) * weight;
        }
    }
}
