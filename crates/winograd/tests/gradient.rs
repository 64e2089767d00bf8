//! Gradients against double precision.

mod common;

use common::{Size, error, random, scale};
use proptest::prelude::*;
use winograd::{
    Activation, Algorithm, Conv3x3, ConvOptions, GradientInputs, Kernel, LayerSize, Workspace,
    weight_gradient,
};

fn kernels() -> impl Strategy<Value = Kernel> {
    let available: Vec<_> = Kernel::ALL
        .into_iter()
        .filter(|k| k.is_available())
        .collect();
    prop::sample::select(available)
}

fn algorithms() -> impl Strategy<Value = Algorithm> {
    prop::sample::select(Algorithm::ALL.to_vec())
}

fn sizes() -> impl Strategy<Value = Size> {
    (
        1usize..4,
        1usize..40,
        1usize..70,
        1usize..15,
        1usize..15,
        0usize..3,
    )
        .prop_filter("has an output", |s| s.3.min(s.4) + 2 * s.5 >= 3)
        .prop_map(
            |(batch, in_channels, out_channels, height, width, padding)| Size {
                batch,
                in_channels,
                out_channels,
                height,
                width,
                padding,
            },
        )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn of_the_weights(size in sizes(), kernel in kernels(), threads in 1usize..4) {
        let input = random(size.inputs(), 1);
        let gradient = random(size.outputs(), 2);
        let mut expected = vec![0.0; size.weights()];
        size.products(|o, i, w| expected[w] += f64::from(gradient[o]) * f64::from(input[i]));
        let plane = size.out_height() * size.out_width();
        let mut expected_bias = vec![0.0; size.out_channels];
        for (index, &g) in gradient.iter().enumerate() {
            expected_bias[index / plane % size.out_channels] += f64::from(g);
        }

        let Size { batch, in_channels, out_channels, height, width, padding } = size;
        let x = Activation::from_nchw(&input, [batch, in_channels, height, width]).unwrap();
        let shape = [batch, out_channels, size.out_height(), size.out_width()];
        let dy = Activation::from_nchw(&gradient, shape).unwrap();
        let mut found = vec![f32::NAN; size.weights()];
        let mut found_bias = vec![f32::NAN; out_channels];
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let bias = Some(&mut found_bias[..]);
            let inputs = GradientInputs { input: &x, gradient: &dy, padding, kernel };
            weight_gradient(&inputs, &mut found, bias, &mut Workspace::new())
        }).unwrap();
        let worst = error(&found, &expected) / scale(&expected).max(1.0);
        prop_assert!(worst < 2e-5, "error {worst:e}");
        let worst = error(&found_bias, &expected_bias) / scale(&expected_bias).max(1.0);
        prop_assert!(worst < 2e-6, "error of the bias {worst:e}");
    }

    #[test]
    fn of_the_input(size in sizes(), kernel in kernels(), algorithm in algorithms()) {
        let weights = random(size.weights(), 1);
        let gradient = random(size.outputs(), 2);
        let mut expected = vec![0.0; size.inputs()];
        size.products(|o, i, w| expected[i] += f64::from(gradient[o]) * f64::from(weights[w]));

        let Size { batch, in_channels, out_channels, height, width, padding } = size;
        let options = ConvOptions::for_size(&LayerSize {
            batch,
            in_channels: out_channels,
            out_channels: in_channels,
            out_height: height,
            out_width: width,
            pool: false,
        })
        .with_padding(padding)
        .with_kernel(kernel)
        .with_algorithm(algorithm);
        let layer = Conv3x3::input_gradient(&weights, in_channels, out_channels, options).unwrap();
        let shape = [batch, out_channels, size.out_height(), size.out_width()];
        let dy = Activation::from_nchw(&gradient, shape).unwrap();
        let mut dx = Activation::new();
        layer.forward(&dy, &mut dx, &mut Workspace::new()).unwrap();
        prop_assert_eq!((dx.height(), dx.width()), (height, width));
        let bound = if algorithm == Algorithm::F6x6 { 1e-4 } else { 2e-5 };
        let worst = error(&dx.to_nchw(), &expected) / scale(&expected).max(1.0);
        prop_assert!(worst < bound, "error {worst:e}");
    }
}
