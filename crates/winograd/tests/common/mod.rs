//! Reference implementations in double precision, straight from the definitions.
#![allow(dead_code)]

/// The size of a convolution.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    pub batch: usize,
    pub in_channels: usize,
    pub out_channels: usize,
    pub height: usize,
    pub width: usize,
    pub padding: usize,
}

impl Size {
    pub fn out_height(&self) -> usize {
        self.height + 2 * self.padding - 2
    }
    pub fn out_width(&self) -> usize {
        self.width + 2 * self.padding - 2
    }
    pub fn inputs(&self) -> usize {
        self.batch * self.in_channels * self.height * self.width
    }
    pub fn outputs(&self) -> usize {
        self.batch * self.out_channels * self.out_height() * self.out_width()
    }
    pub fn weights(&self) -> usize {
        self.out_channels * self.in_channels * 9
    }

    /// Calls `f(output, input, weight)` with the indices of each product of the convolution.
    pub fn products(&self, mut f: impl FnMut(usize, usize, usize)) {
        let (out_height, out_width) = (self.out_height(), self.out_width());
        for n in 0..self.batch {
            for o in 0..self.out_channels {
                for i in 0..self.in_channels {
                    for tap in 0..9 {
                        let weight = (o * self.in_channels + i) * 9 + tap;
                        for y in 0..out_height {
                            let iy = y + tap / 3;
                            if iy < self.padding || iy - self.padding >= self.height {
                                continue;
                            }
                            let out_row =
                                ((n * self.out_channels + o) * out_height + y) * out_width;
                            let in_row = ((n * self.in_channels + i) * self.height + iy
                                - self.padding)
                                * self.width;
                            for x in 0..out_width {
                                let ix = x + tap % 3;
                                if ix >= self.padding && ix - self.padding < self.width {
                                    f(out_row + x, in_row + ix - self.padding, weight);
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// The convolution in `f64`.
pub fn convolve(size: &Size, input: &[f32], weights: &[f32], bias: Option<&[f32]>) -> Vec<f64> {
    let mut output = vec![0.0; size.outputs()];
    size.products(|o, i, w| output[o] += f64::from(input[i]) * f64::from(weights[w]));
    if let Some(bias) = bias {
        let plane = size.out_height() * size.out_width();
        for (index, output) in output.iter_mut().enumerate() {
            *output += f64::from(bias[index / plane % size.out_channels]);
        }
    }
    output
}

/// The convolution in `f32`, one product after the other.
pub fn convolve_f32(size: &Size, input: &[f32], weights: &[f32]) -> Vec<f32> {
    let mut output = vec![0.0f32; size.outputs()];
    size.products(|o, i, w| output[o] += input[i] * weights[w]);
    output
}

/// 2x2 max pooling with stride 2; `planes` planes.
pub fn pool(data: &[f64], height: usize, width: usize) -> Vec<f64> {
    let mut pooled = Vec::new();
    for plane in data.chunks(height * width) {
        for y in 0..height / 2 {
            for x in 0..width / 2 {
                let at = |dy, dx| plane[(2 * y + dy) * width + 2 * x + dx];
                pooled.push(at(0, 0).max(at(0, 1)).max(at(1, 0).max(at(1, 1))));
            }
        }
    }
    pooled
}

/// Numbers in `-1..1` from a small generator (splitmix64).
pub fn random(count: usize, seed: u64) -> Vec<f32> {
    let mut state = seed;
    (0..count)
        .map(|_| {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = state;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            z ^= z >> 31;
            (z >> 40) as f32 / (1u64 << 23) as f32 - 1.0
        })
        .collect()
}

/// The largest magnitude.
pub fn scale(data: &[f64]) -> f64 {
    data.iter().fold(0.0, |max, x| x.abs().max(max))
}

/// The largest difference.
pub fn error(found: &[f32], expected: &[f64]) -> f64 {
    assert_eq!(found.len(), expected.len());
    found
        .iter()
        .zip(expected)
        .fold(0.0, |max, (&a, &b)| (f64::from(a) - b).abs().max(max))
}
