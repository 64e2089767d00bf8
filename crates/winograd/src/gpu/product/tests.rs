//! Products against Burn's.

use burn::tensor::{Device, DeviceKind, Distribution, Tensor};
use burn_backend::TensorMetadata;
use burn_cubecl::CubeBackend;

use super::*;
use crate::gpu::tiling::TILES;

/// Each tile, both operands in both orders, sums in pieces, with and without edges, against Burn's products.
#[test]
fn every_tile_in_every_order() {
    let device = Device::wgpu(DeviceKind::DefaultDevice);
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
            let random =
                |shape| Tensor::<3>::random(shape, Distribution::Uniform(-1.0, 1.0), &device);
            let left = random([2, rows, depth]);
            let right = random([2, depth, columns]);
            let expected = left.clone().matmul(right.clone());
            let (left, left_line) = match left_order {
                Order::DepthFirst => (left.swap_dims(1, 2), rows),
                Order::DepthLast => (left, depth),
            };
            let (right, right_line) = match right_order {
                Order::DepthFirst => (right, columns),
                Order::DepthLast => (right.swap_dims(1, 2), depth),
            };
            let products = Products {
                matrices: 2,
                rows,
                columns,
                depth,
                piece: 2 * tile.depth,
                left: (left_order, left_line),
                right: (right_order, right_line),
            };
            let [left, right] = [left, right].map(|tensor| {
                let tensor = tensor.try_into_primitive::<CubeBackend>();
                tensor.expect("it lies there")
            });
            let (client, device) = (left.client.clone(), left.device());
            let pieces = products.pieces();
            let output = Numbers::new(&client, 2 * pieces * rows * columns);
            let sides = [&Numbers::of(left), &Numbers::of(right), &output];
            launch(&client, &products, sides, tile, edges);
            let shape = [2, pieces, rows, columns];
            let output = output.into_tensor(&client, &device, shape);
            let output = Tensor::<4>::from_primitive::<CubeBackend>(output);
            let found = output.sum_dim(1).squeeze_dim::<3>(1);
            let worst: f32 = (found - expected).abs().max().into_scalar();
            assert!(worst < 1e-4, "{tile:?}, edges {edges}: {worst}");
        }
    }
}
