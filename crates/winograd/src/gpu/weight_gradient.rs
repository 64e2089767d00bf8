//! The gradient of a convolution's weights.

use burn_cubecl::cubecl::client::Client;

use super::convolution::{MATRICES, most_numbers, pieces, tiles_of, transform_map};
use super::cubes::cubes;
use super::memory::Numbers;
use super::product::{self, Order, Products};
use super::sizes::Convolution;
use super::tiling::split_for;
use super::transform;

/// The gradients of weights `[out_channels, in_channels, 3, 3]`.
pub(super) fn weight_gradient(
    client: &Client,
    convolution: &Convolution,
    map: &Numbers,
    gradient: &Numbers,
) -> Numbers {
    let output = Numbers::new(
        client,
        convolution.out_channels * convolution.in_channels * 9,
    );
    let inputs = convolution.in_channels.next_multiple_of(4);
    let outputs = convolution.out_channels.next_multiple_of(4);
    let most = most_numbers(client);
    for (index, piece) in pieces(convolution, inputs.max(outputs), most)
        .into_iter()
        .enumerate()
    {
        let line = piece.count.next_multiple_of(16);
        let transformed = Numbers::new(client, MATRICES * inputs * line);
        transform_map(
            client,
            convolution,
            map,
            &transformed,
            &piece,
            [inputs, line],
        );
        let turned = Numbers::new(client, MATRICES * outputs * line);
        let (count, dim) = cubes(line, outputs);
        // SAFETY: the kernel reads only within the map and writes `36 * outputs * line` numbers.
        unsafe {
            transform::transform_gradient::launch_unchecked(
                client,
                count,
                dim,
                gradient.argument(1),
                turned.argument(1),
                tiles_of(convolution, true, &piece, [outputs, line]),
            );
        }
        let (tile, parts) = split_for([inputs, outputs, line], MATRICES);
        let products = Products {
            matrices: MATRICES,
            rows: inputs,
            columns: outputs,
            depth: line,
            piece: line.div_ceil(parts).next_multiple_of(tile.depth).min(line),
            left: (Order::DepthLast, line),
            right: (Order::DepthLast, line),
        };
        let parts = products.pieces();
        let sums = Numbers::new(client, MATRICES * parts * inputs * outputs);
        product::launch(
            client,
            &products,
            [&transformed, &turned, &sums],
            tile,
            true,
        );
        let (count, dim) = cubes(convolution.out_channels, convolution.in_channels);
        // SAFETY: the kernel reads `36 * split * inputs * outputs` numbers and writes within the weights.
        unsafe {
            transform::transform_weight_gradient::launch_unchecked(
                client,
                count,
                dim,
                sums.argument(1),
                output.argument(1),
                convolution.in_channels as u32,
                convolution.out_channels as u32,
                inputs as u32,
                outputs as u32,
                parts as u32,
                index > 0,
            );
        }
    }
    output
}
