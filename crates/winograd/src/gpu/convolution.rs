//! The steps of a convolution and of its gradients.

use burn_cubecl::cubecl::client::Client;

use super::cubes::cubes;
use super::memory::Numbers;
use super::product::{Order, Products, Way};
use super::sizes::{Convolution, Tail};
use super::tiling::way_for;
use super::transform::{self, TilesLaunch, Writing};

/// Numbers of a transformed tile: six by six.
pub(super) const MATRICES: usize = 36;

/// Transformed weights, `[36, depth, rows]`.
#[derive(Clone, Debug)]
pub(super) struct Weights {
    pub(super) numbers: Numbers,
    /// Input channels, filled up.
    pub(super) depth: usize,
    /// Output channels, filled up.
    pub(super) rows: usize,
}

/// Input channels as they lie in memory.
pub(super) fn depth_of(in_channels: usize) -> usize {
    in_channels.next_multiple_of(if in_channels <= 8 { 8 } else { 16 })
}

/// Output channels as they lie in memory.
pub(super) fn rows_of(out_channels: usize) -> usize {
    out_channels.next_multiple_of(match out_channels {
        0..=16 => 16,
        17..=32 => 32,
        _ => 64,
    })
}

/// [`Weights`] of `[out_channels, in_channels, 3, 3]`; turned, those of [`Convolution::turned`].
pub(super) fn transform_weights(
    client: &Client,
    weights: &Numbers,
    [in_channels, out_channels]: [usize; 2],
    turned: bool,
) -> Weights {
    let (depth, rows) = match turned {
        false => (depth_of(in_channels), rows_of(out_channels)),
        true => (depth_of(out_channels), rows_of(in_channels)),
    };
    let numbers = Numbers::new(client, MATRICES * depth * rows);
    let (count, dim) = cubes(rows, depth);
    // SAFETY: the kernel reads `out_channels * in_channels * 9` weights and writes within what was just made.
    unsafe {
        transform::transform_weights::launch_unchecked(
            client,
            count,
            dim,
            weights.argument(1),
            numbers.argument(1),
            in_channels as u32,
            out_channels as u32,
            depth as u32,
            rows as u32,
            turned,
        );
    }
    Weights {
        numbers,
        depth,
        rows,
    }
}

/// Rows of tiles that are computed together.
pub(super) struct Piece {
    first_row: usize,
    /// Tiles.
    pub(super) count: usize,
}

/// The pieces, so that no matrix of `lines` channels needs more memory than `most` numbers.
pub(super) fn pieces(convolution: &Convolution, lines: usize, most: usize) -> Vec<Piece> {
    let [down, across] = convolution.tiles();
    let rows = convolution.batch * down;
    let fit = (most / (MATRICES * lines * across)).clamp(1, rows);
    // All of about the same size.
    let each = rows.div_ceil(rows.div_ceil(fit));
    let starts = (0..rows).step_by(each);
    starts
        .map(|first_row| Piece {
            first_row,
            count: each.min(rows - first_row) * across,
        })
        .collect()
}

/// The most numbers that the device gives in one piece of memory.
fn page_numbers(client: &Client) -> usize {
    let bytes = client.properties().memory.max_page_size;
    usize::try_from(bytes).unwrap_or(usize::MAX) / size_of::<f32>()
}

/// The most numbers that a transformed map may have.
pub(super) fn most_numbers(client: &Client) -> usize {
    let page = page_numbers(client);
    // Tiles are filled up, by less than 128.
    (page - page / 8).min(BUDGET)
}

/// Whether no piece of memory that the convolution and its gradients need is larger than the device gives.
pub(crate) fn fits(client: &Client, convolution: &Convolution) -> bool {
    let page = page_numbers(client);
    let [inputs, outputs] = [convolution.in_channels, convolution.out_channels];
    let (inputs, outputs) = (depth_of(inputs.max(64)), rows_of(outputs.max(64)));
    let [_, across] = convolution.tiles();
    // A row of tiles, filled up.
    let row = MATRICES * inputs.max(outputs) * (across + 128);
    MATRICES * inputs * outputs <= page && row <= page
}

/// More together gains nothing.
const BUDGET: usize = 128 << 20;

pub(super) fn tiles_of(
    convolution: &Convolution,
    of_output: bool,
    piece: &Piece,
    [lines, line]: [usize; 2],
) -> TilesLaunch {
    let [down, across] = convolution.tiles();
    let (channels, height, width) = match of_output {
        false => (
            convolution.in_channels,
            convolution.height,
            convolution.width,
        ),
        true => (
            convolution.out_channels,
            convolution.out_height(),
            convolution.out_width(),
        ),
    };
    let [
        channels,
        height,
        width,
        down,
        across,
        first_row,
        count,
        line,
        lines,
    ] = [
        channels,
        height,
        width,
        down,
        across,
        piece.first_row,
        piece.count,
        line,
        lines,
    ]
    .map(|size| size as u32);
    TilesLaunch::new(
        channels, height, width, down, across, first_row, count, line, lines,
    )
}

/// The convolution with its bias, ReLU and 2x2 pooling, as they are set.
pub(super) fn forward(
    client: &Client,
    convolution: &Convolution,
    map: &Numbers,
    weights: &Weights,
    bias: Option<&Numbers>,
    tail: Tail,
) -> Numbers {
    let (mut height, mut width) = (convolution.out_height(), convolution.out_width());
    if tail.pool {
        (height, width) = (height / 2, width / 2);
    }
    let output = Numbers::new(
        client,
        convolution.batch * convolution.out_channels * height * width,
    );
    let lines = weights.depth.max(weights.rows);
    let most = most_numbers(client);
    let side = if tail.pool { 2 } else { 4 };
    let vector = [4, 2, 1].into_iter().find(|vector| width % vector == 0);
    let writing = Writing {
        tail,
        vector: vector.unwrap_or(1).min(side),
    };
    debug_assert_eq!(map.length(), convolution.input_numbers());
    for piece in pieces(convolution, lines, most) {
        let way = way_for(client, [weights.rows, piece.count, weights.depth], MATRICES);
        let line = piece.count.next_multiple_of(way.columns());
        let transformed = Numbers::new(client, MATRICES * weights.depth * line);
        transform_map(
            client,
            convolution,
            map,
            &transformed,
            &piece,
            [weights.depth, line],
        );
        let sums = Numbers::new(client, MATRICES * weights.rows * line);
        multiply_all(client, weights, &transformed, &sums, way, line);
        let (count, dim) = cubes(piece.count, convolution.out_channels);
        // SAFETY: the kernel writes only within the maps whose sizes are given.
        unsafe {
            transform::transform_output::launch_unchecked(
                client,
                count,
                dim,
                sums.argument(1),
                bias.map(|bias| bias.argument(1)).into(),
                output.argument(writing.vector),
                tiles_of(convolution, true, &piece, [weights.rows, line]),
                writing,
                writing.vector,
            );
        }
    }
    output
}

/// Weights times tiles: `[36, rows, line]`.
fn multiply_all(
    client: &Client,
    weights: &Weights,
    transformed: &Numbers,
    sums: &Numbers,
    way: Way,
    line: usize,
) {
    let products = Products {
        matrices: MATRICES,
        rows: weights.rows,
        columns: line,
        depth: weights.depth,
        piece: weights.depth,
        left: (Order::DepthFirst, weights.rows),
        right: (Order::DepthFirst, line),
    };
    let sides = [&weights.numbers, transformed, sums];
    way.launch(client, &products, sides, false);
}

pub(super) fn transform_map(
    client: &Client,
    convolution: &Convolution,
    map: &Numbers,
    into: &Numbers,
    piece: &Piece,
    [lines, line]: [usize; 2],
) {
    let (count, dim) = cubes(line, lines);
    // SAFETY: the kernel reads only within the map and writes `36 * lines * line` numbers.
    unsafe {
        transform::transform_input::launch_unchecked(
            client,
            count,
            dim,
            map.argument(1),
            into.argument(1),
            tiles_of(convolution, false, piece, [lines, line]),
            convolution.padding,
        );
    }
}
