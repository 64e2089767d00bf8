//! How far the algorithms are from double precision, compared with direct convolution in `f32`.

mod common;

use common::{Size, convolve, convolve_f32, error, random, scale};
use winograd::{Activation, Algorithm, Conv3x3, ConvOptions, Kernel, LayerSize, Workspace};

/// Largest error relative to the output's scale.
fn measure(size: &Size, algorithm: Algorithm, input: &[f32], weights: &[f32]) -> f64 {
    let expected = convolve(size, input, weights, None);
    let options = ConvOptions::for_size(&LayerSize {
        batch: size.batch,
        in_channels: size.in_channels,
        out_channels: size.out_channels,
        out_height: size.out_height(),
        out_width: size.out_width(),
        pool: false,
    })
    .with_algorithm(algorithm)
    .with_kernel(Kernel::detect());
    let layer = Conv3x3::new(weights, None, size.in_channels, size.out_channels, options).unwrap();
    let x = Activation::from_nchw(
        input,
        [size.batch, size.in_channels, size.height, size.width],
    )
    .unwrap();
    let mut y = Activation::new();
    layer.forward(&x, &mut y, &mut Workspace::new()).unwrap();
    error(&y.to_nchw(), &expected) / scale(&expected)
}

/// Weights as they are after training: small ones by far the most, a few large ones, filters of very
/// different norms; and inputs as they are behind a ReLU, with a smooth part that is the same for neighbours.
fn trained_like(size: &Size) -> (Vec<f32>, Vec<f32>) {
    let mut weights = random(size.weights(), 11);
    let norms = random(size.out_channels, 12);
    for (index, weight) in weights.iter_mut().enumerate() {
        let norm = (2.0 * norms[index / (9 * size.in_channels)]).exp();
        *weight = weight.powi(5) * norm * 0.05;
    }
    let mut input = random(size.inputs(), 13);
    for (index, x) in input.iter_mut().enumerate() {
        let (row, column) = (index / size.width % size.height, index % size.width);
        let smooth = (row as f32 * 0.3).sin() + (column as f32 * 0.2).cos();
        *x = (*x + 2.0 * smooth).max(0.0);
    }
    (input, weights)
}

#[test]
fn errors_stay_in_their_bounds() {
    for (channels, pixels) in [(16, 40), (64, 20), (256, 10)] {
        let size = Size {
            batch: 1,
            in_channels: channels,
            out_channels: 32,
            height: pixels,
            width: pixels,
            padding: 1,
        };
        let random = (random(size.inputs(), 1), random(size.weights(), 2));
        for (name, (input, weights)) in [("random", random), ("trained-like", trained_like(&size))]
        {
            let expected = convolve(&size, &input, &weights, None);
            let direct = convolve_f32(&size, &input, &weights);
            let direct = error(&direct, &expected) / scale(&expected);
            let [f2, f4, f6] = [Algorithm::F2x2, Algorithm::F4x4, Algorithm::F6x6]
                .map(|algorithm| measure(&size, algorithm, &input, &weights));
            println!(
                "{channels} channels, {name}: direct {direct:.1e}, F(2x2) {f2:.1e}, F(4x4) {f4:.1e}, F(6x6) {f6:.1e}"
            );
            assert!(f2 <= 4.0 * direct, "F(2x2): {f2:e}, direct {direct:e}");
            assert!(f4 <= 2e-5, "F(4x4): {f4:e}");
            assert!(f6 <= 1e-4, "F(6x6): {f6:e}");
        }
    }
}
