//! Products against Burn's.

use burn::tensor::{Device, DeviceKind, Distribution, Tensor};
use burn_backend::TensorMetadata;
use burn_cubecl::CubeBackend;

use super::*;
use crate::gpu::tiling::TILES;

/// Random operands `[2, rows, depth]` and `[2, depth, columns]` that lie in these orders: what `compute` makes of them,
/// as `[2, pieces, rows, columns]`, against Burn's product; `columns` of them are compared.
fn check(
    products: &Products,
    columns: usize,
    compute: impl FnOnce(&Client, [&Numbers; 3]),
    what: &str,
) {
    let device = Device::wgpu(DeviceKind::DefaultDevice);
    let random = |shape| Tensor::<3>::random(shape, Distribution::Uniform(-1.0, 1.0), &device);
    let left = random([2, products.rows, products.depth]);
    let right = random([2, products.depth, products.columns]);
    let expected = left.clone().matmul(right.clone());
    let left = match products.left.0 {
        Order::DepthFirst => left.swap_dims(1, 2),
        Order::DepthLast => left,
    };
    let right = match products.right.0 {
        Order::DepthFirst => right,
        Order::DepthLast => right.swap_dims(1, 2),
    };
    let [left, right] = [left, right].map(|tensor| {
        let tensor = tensor.try_into_primitive::<CubeBackend>();
        tensor.expect("it lies there")
    });
    let (client, device) = (left.client.clone(), left.device());
    let shape = [2, products.pieces(), products.rows, products.columns];
    let output = Numbers::new(&client, shape.iter().product());
    compute(&client, [&Numbers::of(left), &Numbers::of(right), &output]);
    let output = output.into_tensor(&client, &device, shape);
    let output = Tensor::<4>::from_primitive::<CubeBackend>(output);
    let found = output.sum_dim(1).squeeze_dim::<3>(1);
    let difference = (found - expected).narrow(2, 0, columns);
    let worst: f32 = difference.abs().max().into_scalar();
    assert!(worst < 1e-4, "{what}: {worst}");
}

/// How lines of an operand lie, and how far the next one is.
fn lies(order: Order, extent: usize, depth: usize) -> (Order, usize) {
    match order {
        Order::DepthFirst => (order, extent),
        Order::DepthLast => (order, depth),
    }
}

/// Each tile, both operands in both orders, sums in pieces, with and without edges, against Burn's products.
#[test]
fn every_tile_in_every_order() {
    for (index, tile) in TILES.into_iter().enumerate() {
        for edges in [false, true] {
            let [left_order, right_order] = match (index % 2 == 0, edges) {
                (true, false) => [Order::DepthFirst, Order::DepthFirst],
                (true, true) => [Order::DepthLast, Order::DepthFirst],
                (false, false) => [Order::DepthFirst, Order::DepthLast],
                (false, true) => [Order::DepthLast, Order::DepthLast],
            };
            let more = if edges { 4 } else { 0 };
            let (rows, columns) = (tile.rows + more, tile.columns + more);
            let depth = 3 * tile.depth + more;
            let products = Products {
                matrices: 2,
                rows,
                columns,
                depth,
                piece: 2 * tile.depth,
                left: lies(left_order, rows, depth),
                right: lies(right_order, columns, depth),
            };
            check(
                &products,
                columns,
                |client, sides| launch(client, &products, sides, tile, edges),
                &format!("{tile:?}, edges {edges}"),
            );
        }
    }
}

/// Each number of lines of the short operand, in each order that is taken, with sums in pieces and without.
#[test]
fn few_lines_in_every_order() {
    use Order::{DepthFirst, DepthLast};
    for (extent, depth, piece) in [(4, 4, 4), (132, 96, 96), (520, 1028, 516)] {
        for count in 1..=4 {
            for (short, long) in [
                (DepthLast, DepthFirst),
                (DepthLast, DepthLast),
                (DepthFirst, DepthFirst),
            ] {
                // Fours are read: a line of the short operand that lies first is filled up.
                let filled = if short == DepthFirst { 4 } else { count };
                let columns = Products {
                    matrices: 2,
                    rows: extent,
                    columns: filled,
                    depth,
                    piece,
                    left: lies(long, extent, depth),
                    right: lies(short, filled, depth),
                };
                assert!(takes_few(count, depth, short, long));
                let what = format!("{count} lines, {extent} by {depth}, {short:?}, {long:?}");
                check(
                    &columns,
                    count,
                    |client, sides| launch_few(client, &columns, sides, Few::Columns(count)),
                    &what,
                );
                let rows = Products {
                    rows: filled,
                    columns: extent,
                    left: columns.right,
                    right: columns.left,
                    ..columns
                };
                check(
                    &rows,
                    extent,
                    |client, sides| launch_few(client, &rows, sides, Few::Rows),
                    &what,
                );
            }
        }
    }
}
