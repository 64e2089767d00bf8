//! From maps and weights to what is multiplied, and back.
//!
//! Maps are `[batch, channels, height, width]`; what is multiplied is `[36, channels, tiles]`, one matrix for each of
//! the 36 numbers of a transformed tile. Tiles lie in the order of images, rows, columns, so that neighbouring units
//! read and write neighbouring memory on both sides.

use burn_cubecl::cubecl::{self, prelude::*};

use super::lines::{gradient_line, input_line, output_line, weight_gradient_line, weight_line};
use super::sizes::Tail;

/// The tiles of some maps, or a piece of them.
#[derive(Clone, Copy, Debug, CubeType, CubeLaunch)]
pub(super) struct Tiles {
    /// Of one map.
    pub(super) channels: u32,
    pub(super) height: u32,
    pub(super) width: u32,
    /// Tiles of one map.
    pub(super) down: u32,
    pub(super) across: u32,
    /// The first row of tiles, counted through all images, and the tiles that follow.
    pub(super) first_row: u32,
    pub(super) count: u32,
    /// Tiles and channels as they lie in memory, where more are there than are meant.
    pub(super) line: u32,
    pub(super) lines: u32,
}

/// Where a unit's tile is.
#[derive(CubeType)]
struct Place {
    image: usize,
    /// The tile's first pixel, without padding.
    row: usize,
    column: usize,
}

#[cube]
fn place(tiles: &Tiles, tile: usize) -> Place {
    let across = tiles.across as usize;
    let down = tiles.down as usize;
    let row = tiles.first_row as usize + tile / across;
    Place {
        image: row / down,
        row: row % down * 4,
        column: tile % across * 4,
    }
}

/// The square of a tile's pixels in `map`, rows of six registers, that begins `padding` pixels before the tile. What
/// lies beyond the map, or belongs to tiles and channels that are none, is zero.
#[cube]
fn read_square(
    map: &[f32],
    tiles: &Tiles,
    tile: usize,
    channel: usize,
    square: &mut Array<f32>,
    #[comptime] side: usize,
    #[comptime] padding: usize,
) {
    let (channels, height) = (tiles.channels as usize, tiles.height as usize);
    let width = tiles.width as usize;
    let meant = tile < tiles.count as usize && channel < channels;
    let place = place(tiles, tile);
    let at = (place.image * channels + channel) * height * width;
    #[unroll]
    for i in 0..side {
        // Rows above the map wrap around to very large numbers.
        let row = place.row + i - padding;
        #[unroll]
        for j in 0..side {
            let column = place.column + j - padding;
            let mut value = 0.0f32;
            if meant && row < height && column < width {
                value = map[at + row * width + column];
            }
            square[comptime!(i * 6 + j)] = value;
        }
    }
}

/// The 36 numbers of a transformed tile, each into its matrix of `matrix` numbers, at `first`.
#[cube]
fn write_matrices(square: &Array<f32>, output: &mut [f32], first: usize, matrix: usize) {
    #[unroll]
    for i in 0..36usize {
        output[first + i * matrix] = square[i];
    }
}

/// BᵀdB of every tile, with `padding` zeros around the map. Tiles and channels that are none become zero.
#[cube(launch_unchecked)]
pub(super) fn transform_input(
    map: &[f32],
    output: &mut [f32],
    tiles: Tiles,
    #[comptime] padding: usize,
) {
    let tile = ABSOLUTE_POS_X as usize;
    let channel = ABSOLUTE_POS_Y as usize;
    let (line, lines) = (tiles.line as usize, tiles.lines as usize);
    if tile >= line || channel >= lines {
        terminate!();
    }
    let mut d = Array::<f32>::new(36usize);
    read_square(map, &tiles, tile, channel, &mut d, 6usize, padding);
    #[unroll]
    for i in 0..6usize {
        input_line(&mut d, i, 6usize);
    }
    #[unroll]
    for i in 0..6usize {
        input_line(&mut d, comptime!(i * 6), 1usize);
    }
    write_matrices(&d, output, channel * line + tile, lines * line);
}

/// A·y·Aᵀ of every tile of four by four of an output's gradient. Tiles and channels that are none become zero.
#[cube(launch_unchecked)]
pub(super) fn transform_gradient(map: &[f32], output: &mut [f32], tiles: Tiles) {
    let tile = ABSOLUTE_POS_X as usize;
    let channel = ABSOLUTE_POS_Y as usize;
    let (line, lines) = (tiles.line as usize, tiles.lines as usize);
    if tile >= line || channel >= lines {
        terminate!();
    }
    let mut y = Array::<f32>::new(36usize);
    read_square(map, &tiles, tile, channel, &mut y, 4usize, 0usize);
    #[unroll]
    for j in 0..4usize {
        gradient_line(&mut y, j, 6usize);
    }
    #[unroll]
    for i in 0..6usize {
        gradient_line(&mut y, comptime!(i * 6), 1usize);
    }
    write_matrices(&y, output, channel * line + tile, lines * line);
}

/// How outputs are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Writing {
    pub(super) tail: Tail,
    /// How many numbers are written at once: a divisor of the width that is written.
    pub(super) vector: usize,
}

/// AᵀmA of every tile, with the bias added, and what follows.
#[cube(launch_unchecked)]
pub(super) fn transform_output<V: Size>(
    sums: &[f32],
    bias: ComptimeOption<&[f32]>,
    map: &mut [Vector<f32, V>],
    tiles: Tiles,
    #[comptime] writing: Writing,
    #[define(V)] _vector: usize,
) {
    let tail = comptime!(writing.tail);
    let tile = ABSOLUTE_POS_X as usize;
    let channel = ABSOLUTE_POS_Y as usize;
    let channels = tiles.channels as usize;
    if tile >= tiles.count as usize || channel >= channels {
        terminate!();
    }
    let (line, lines) = (tiles.line as usize, tiles.lines as usize);
    let mut m = Array::<f32>::new(36usize);
    let first = channel * line + tile;
    #[unroll]
    for i in 0..36usize {
        m[i] = sums[first + i * lines * line];
    }
    #[unroll]
    for j in 0..6usize {
        output_line(&mut m, j, 6usize);
    }
    #[unroll]
    for i in 0..4usize {
        output_line(&mut m, comptime!(i * 6), 1usize);
    }
    let bias: ComptimeOption<f32> = bias.map(|bias| bias[channel]);
    let bias = bias.unwrap_or_else(|| 0.0f32);
    #[unroll]
    for i in 0..4usize {
        #[unroll]
        for j in 0..4usize {
            let at = comptime!(i * 6 + j);
            let mut value = m[at] + bias;
            if comptime!(tail.relu) {
                value = clamp_min(value, 0.0f32);
            }
            m[at] = value;
        }
    }
    let place = place(&tiles, tile);
    let mut height = tiles.height as usize;
    let mut width = tiles.width as usize;
    let (mut first_row, mut first_column) = (place.row, place.column);
    if comptime!(tail.pool) {
        height /= 2;
        width /= 2;
        first_row /= 2;
        first_column /= 2;
        #[unroll]
        for i in 0..2usize {
            #[unroll]
            for j in 0..2usize {
                let at = comptime!(i * 12 + j * 2);
                let upper = clamp_min(m[at], m[comptime!(at + 1)]);
                let lower = clamp_min(m[comptime!(at + 6)], m[comptime!(at + 7)]);
                m[comptime!(i * 6 + j)] = clamp_min(upper, lower);
            }
        }
    }
    let side = comptime!(if tail.pool { 2usize } else { 4usize });
    let vector = comptime!(writing.vector);
    let at = (place.image * channels + channel) * height;
    #[unroll]
    for i in 0..side {
        let row = first_row + i;
        #[unroll]
        for j in 0..comptime!(side / vector) {
            let column = first_column + j * vector;
            if row < height && column < width {
                let mut values = Vector::<f32, V>::new(0.0);
                #[unroll]
                for k in 0..vector {
                    values.insert(k, m[comptime!(i * 6 + j * vector + k)]);
                }
                map[((at + row) * width + column) / vector] = values;
            }
        }
    }
}

/// GgGᵀ of all weights `[out_channels, in_channels, 3, 3]`, as `[36, depth, rows]` with channels beyond them zero.
///
/// For the convolution itself depth are the input's channels and rows the output's. For its gradient with respect to
/// the input, `turned`, it is the other way, and each kernel is turned by half a circle.
#[cube(launch_unchecked)]
pub(super) fn transform_weights(
    weights: &[f32],
    output: &mut [f32],
    in_channels: u32,
    out_channels: u32,
    depth: u32,
    rows: u32,
    #[comptime] turned: bool,
) {
    let row = ABSOLUTE_POS_X as usize;
    let step = ABSOLUTE_POS_Y as usize;
    let (depth, rows) = (depth as usize, rows as usize);
    if row >= rows || step >= depth {
        terminate!();
    }
    let (mut input, mut of_output) = (step, row);
    if comptime!(turned) {
        input = row;
        of_output = step;
    }
    let mut g = Array::<f32>::new(36usize);
    let meant = input < in_channels as usize && of_output < out_channels as usize;
    let at = (of_output * in_channels as usize + input) * 9;
    #[unroll]
    for i in 0..9usize {
        let mut value = 0.0f32;
        if meant {
            value = weights[at + comptime!(if turned { 8 - i } else { i })];
        }
        g[comptime!(i / 3 * 6 + i % 3)] = value;
    }
    #[unroll]
    for j in 0..3usize {
        weight_line(&mut g, j, 6usize);
    }
    #[unroll]
    for i in 0..6usize {
        weight_line(&mut g, comptime!(i * 6), 1usize);
    }
    write_matrices(&g, output, step * rows + row, depth * rows);
}

/// GᵀuG of the transformed weights' gradient `[36, pieces, in_lines, out_lines]`, whose pieces are added: the weights'
/// gradient `[out_channels, in_channels, 3, 3]`. With `add`, onto what is there.
#[cube(launch_unchecked)]
pub(super) fn transform_weight_gradient(
    gradient: &[f32],
    output: &mut [f32],
    in_channels: u32,
    out_channels: u32,
    in_lines: u32,
    out_lines: u32,
    pieces: u32,
    #[comptime] add: bool,
) {
    let of_output = ABSOLUTE_POS_X as usize;
    let input = ABSOLUTE_POS_Y as usize;
    let in_channels = in_channels as usize;
    if of_output >= out_channels as usize || input >= in_channels {
        terminate!();
    }
    let matrix = in_lines as usize * out_lines as usize;
    let first = input * out_lines as usize + of_output;
    let pieces = pieces as usize;
    let mut u = Array::<f32>::new(36usize);
    #[unroll]
    for i in 0..36usize {
        u[i] = 0.0;
    }
    for piece in 0..pieces {
        #[unroll]
        for i in 0..36usize {
            u[i] += gradient[first + (i * pieces + piece) * matrix];
        }
    }
    #[unroll]
    for j in 0..6usize {
        weight_gradient_line(&mut u, j, 6usize);
    }
    #[unroll]
    for i in 0..3usize {
        weight_gradient_line(&mut u, comptime!(i * 6), 1usize);
    }
    let at = (of_output * in_channels + input) * 9;
    #[unroll]
    for i in 0..9usize {
        let value = u[comptime!(i / 3 * 6 + i % 3)];
        if comptime!(add) {
            output[at + i] += value;
        } else {
            output[at + i] = value;
        }
    }
}
