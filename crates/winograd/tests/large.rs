//! Sizes at which the work is cut into several chunks, compared with double precision at some outputs.

mod common;

use common::{Size, error, random, scale};
use winograd::{
    Activation, Algorithm, Conv3x3, ConvOptions, GradientInputs, Kernel, LayerSize, Workspace,
    weight_gradient,
};

/// One output of the convolution with padding 1.
fn output_at(size: &Size, input: &[f32], weights: &[f32], index: usize) -> f64 {
    let (height, width) = (size.height, size.width);
    let (x, y) = (index % width, index / width % height);
    let (o, n) = (
        index / (width * height) % size.out_channels,
        index / (width * height * size.out_channels),
    );
    let mut sum = 0.0;
    for i in 0..size.in_channels {
        for tap in 0..9 {
            let (iy, ix) = ((y + tap / 3).wrapping_sub(1), (x + tap % 3).wrapping_sub(1));
            if iy < height && ix < width {
                let at = ((n * size.in_channels + i) * height + iy) * width + ix;
                let weight = weights[(o * size.in_channels + i) * 9 + tap];
                sum += f64::from(input[at]) * f64::from(weight);
            }
        }
    }
    sum
}

#[test]
fn large_weights_and_many_tiles() {
    for (in_channels, out_channels, height, width) in
        [(256, 376, 43, 46), (20, 36, 70, 90), (3, 64, 150, 130)]
    {
        let size = Size {
            batch: 2,
            in_channels,
            out_channels,
            height,
            width,
            padding: 1,
        };
        let input = random(size.inputs(), 1);
        let weights = random(size.weights(), 2);
        let options = ConvOptions::for_size(&LayerSize {
            batch: 2,
            in_channels,
            out_channels,
            out_height: height,
            out_width: width,
            pool: false,
        })
        .with_algorithm(if in_channels == 3 {
            Algorithm::Direct
        } else {
            Algorithm::F4x4
        });
        let layer = Conv3x3::new(&weights, None, in_channels, out_channels, options).unwrap();
        let results = [1, 3].map(|threads| {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .unwrap();
            pool.install(|| {
                let (mut y, mut workspace) = (Activation::new(), Workspace::new());
                layer
                    .forward_nchw(
                        &input,
                        [2, layer.in_channels(), height, width],
                        &mut y,
                        &mut workspace,
                    )
                    .unwrap();
                y.to_nchw()
            })
        });
        assert!(results[0] == results[1]);
        let (mut found, mut expected) = (Vec::new(), Vec::new());
        for index in (0..size.outputs()).step_by(size.outputs() / 400) {
            found.push(results[0][index]);
            expected.push(output_at(&size, &input, &weights, index));
        }
        assert!(error(&found, &expected) / scale(&expected) < 2e-5);
    }
}

#[test]
fn weight_gradient_over_several_chunks() {
    let size = Size {
        batch: 2,
        in_channels: 3,
        out_channels: 5,
        height: 190,
        width: 210,
        padding: 1,
    };
    let input = random(size.inputs(), 1);
    let gradient = random(size.outputs(), 2);
    let mut expected = vec![0.0; size.weights()];
    size.products(|o, i, w| expected[w] += f64::from(gradient[o]) * f64::from(input[i]));
    let x = Activation::from_nchw(&input, [2, 3, 190, 210]).unwrap();
    let dy = Activation::from_nchw(&gradient, [2, 5, 190, 210]).unwrap();
    let results = [1, 1, 3].map(|threads| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        let mut found = vec![0.0; size.weights()];
        pool.install(|| {
            let kernel = Kernel::detect();
            weight_gradient(
                &GradientInputs {
                    input: &x,
                    gradient: &dy,
                    padding: 1,
                    kernel,
                },
                &mut found,
                None,
                &mut Workspace::new(),
            )
        })
        .unwrap();
        found
    });
    assert!(results[0] == results[1] && results[0] == results[2]);
    assert!(error(&results[0], &expected) / scale(&expected) < 2e-5);
}
