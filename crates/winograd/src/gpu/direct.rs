//! The convolution of maps of few channels, such as images: transforming them would take longer than it saves.

use burn_cubecl::cubecl::client::Client;
use burn_cubecl::cubecl::{self, prelude::*};

use super::memory::Numbers;
use super::sizes::{Convolution, Tail};

/// The most input channels for which this is the faster way.
const MOST_CHANNELS: usize = 4;

/// Units of a cube, and the most cubes that a device counts in one direction.
const UNITS: usize = 64;
const MOST_CUBES: usize = 65_535;

/// Output channels and pixels of one unit.
const CHANNELS: usize = 8;
const PIXELS: usize = 4;

/// The sizes of a [`Convolution`].
#[derive(Clone, Copy, Debug, CubeType, CubeLaunch)]
struct Sizes {
    in_channels: u32,
    out_channels: u32,
    height: u32,
    width: u32,
    out_height: u32,
    out_width: u32,
    /// Units across one map, and in all.
    across: u32,
    units: u32,
}

#[cube(launch_unchecked)]
fn convolve<V: Size>(
    map: &[f32],
    weights: &[f32],
    bias: ComptimeOption<&[f32]>,
    output: &mut [Vector<f32, V>],
    sizes: Sizes,
    #[comptime] padding: usize,
    #[comptime] relu: bool,
    #[comptime] vector: usize,
    #[define(V)] _vector: usize,
) {
    let unit = ABSOLUTE_POS_X as usize;
    if unit >= sizes.units as usize {
        terminate!();
    }
    let first_channel = ABSOLUTE_POS_Y as usize * CHANNELS;
    let (in_channels, out_channels) = (sizes.in_channels as usize, sizes.out_channels as usize);
    let (height, width) = (sizes.height as usize, sizes.width as usize);
    let (out_height, out_width) = (sizes.out_height as usize, sizes.out_width as usize);
    let across = sizes.across as usize;
    let (line, column) = (unit / across, unit % across * PIXELS);
    let (image, row) = (line / out_height, line % out_height);
    let mut sums = Array::<f32>::new(comptime!(CHANNELS * PIXELS));
    #[unroll]
    for i in 0..comptime!(CHANNELS * PIXELS) {
        sums[i] = 0.0;
    }
    for channel in 0..in_channels {
        let at = (image * in_channels + channel) * height * width;
        let mut pixels = Array::<f32>::new(18usize);
        #[unroll]
        for i in 0..3usize {
            // Rows above the map wrap around to very large numbers.
            let from = row + i - padding;
            #[unroll]
            for j in 0..6usize {
                let across = column + j - padding;
                let mut value = 0.0f32;
                if from < height && across < width {
                    value = map[at + from * width + across];
                }
                pixels[comptime!(i * 6 + j)] = value;
            }
        }
        #[unroll]
        for o in 0..CHANNELS {
            // Beyond the last channel the last one once more; it is not written.
            let of_output = (first_channel + o).min(out_channels - 1);
            let first = (of_output * in_channels + channel) * 9;
            #[unroll]
            for i in 0..9usize {
                let weight = weights[first + i];
                #[unroll]
                for j in 0..PIXELS {
                    let at = comptime!(o * PIXELS + j);
                    sums[at] += weight * pixels[comptime!(i / 3 * 6 + i % 3 + j)];
                }
            }
        }
    }
    #[unroll]
    for o in 0..CHANNELS {
        let channel = first_channel + o;
        if channel < out_channels {
            let add: ComptimeOption<f32> = bias.map(|bias| bias[channel]);
            let add = add.unwrap_or_else(|| 0.0f32);
            let at = ((image * out_channels + channel) * out_height + row) * out_width;
            #[unroll]
            for j in 0..comptime!(PIXELS / vector) {
                if column + j * vector < out_width {
                    let mut values = Vector::<f32, V>::new(0.0);
                    #[unroll]
                    for k in 0..vector {
                        let mut value = sums[comptime!(o * PIXELS + j * vector + k)] + add;
                        if comptime!(relu) {
                            value = clamp_min(value, 0.0f32);
                        }
                        values.insert(k, value);
                    }
                    output[(at + column + j * vector) / vector] = values;
                }
            }
        }
    }
}

/// Whether this is the way to compute a convolution and what follows it.
pub(crate) fn takes(convolution: &Convolution, tail: Tail) -> bool {
    let few = convolution.in_channels <= MOST_CHANNELS && !tail.pool;
    few && units(convolution) <= MOST_CUBES * UNITS
}

/// Units for the pixels of one output channel of all images.
fn units(convolution: &Convolution) -> usize {
    let across = convolution.out_width().div_ceil(PIXELS);
    convolution.batch * convolution.out_height() * across
}

/// The convolution with its bias and ReLU.
pub(super) fn forward(
    client: &Client,
    convolution: &Convolution,
    map: &Numbers,
    weights: &Numbers,
    bias: Option<&Numbers>,
    relu: bool,
) -> Numbers {
    let (out_height, out_width) = (convolution.out_height(), convolution.out_width());
    let output = Numbers::new(
        client,
        convolution.batch * convolution.out_channels * out_height * out_width,
    );
    let across = out_width.div_ceil(PIXELS);
    let units = units(convolution);
    let sizes = [
        convolution.in_channels,
        convolution.out_channels,
        convolution.height,
        convolution.width,
        out_height,
        out_width,
        across,
        units,
    ];
    let [a, b, c, d, e, f, g, h] = sizes.map(|size| size as u32);
    let vector = [4, 2, 1].into_iter().find(|vector| out_width % vector == 0);
    let vector = vector.unwrap_or(1);
    let count = CubeCount::Static(
        units.div_ceil(UNITS) as u32,
        convolution.out_channels.div_ceil(CHANNELS) as u32,
        1,
    );
    // SAFETY: the kernel stays within maps and weights of the sizes given.
    unsafe {
        convolve::launch_unchecked(
            client,
            count,
            CubeDim::new_1d(UNITS as u32),
            map.argument(1),
            weights.argument(1),
            bias.map(|bias| bias.argument(1)).into(),
            output.argument(vector),
            SizesLaunch::new(a, b, c, d, e, f, g, h),
            convolution.padding,
            relu,
            vector,
            vector,
        );
    }
    output
}
