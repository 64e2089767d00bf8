//! The forward pass against double precision, over sizes, algorithms, kernels and threads.

mod common;

use common::{Size, convolve, error, pool, random, scale};
use proptest::prelude::*;
use winograd::{Activation, Algorithm, Conv3x3, ConvOptions, Kernel, LayerSize, Workspace};

fn options(size: &Size) -> ConvOptions {
    ConvOptions::for_size(&LayerSize {
        batch: size.batch,
        in_channels: size.in_channels,
        out_channels: size.out_channels,
        out_height: size.out_height(),
        out_width: size.out_width(),
        pool: false,
    })
    .with_padding(size.padding)
}

fn run(size: &Size, options: ConvOptions, input: &[f32], weights: &[f32], bias: &[f32]) -> Vec<f32> {
    let layer = Conv3x3::new(
        weights,
        Some(bias),
        size.in_channels,
        size.out_channels,
        options,
    )
    .unwrap();
    let mut output = Activation::new();
    let mut workspace = Workspace::new();
    layer
        .forward_nchw(
            input,
            size.batch,
            size.height,
            size.width,
            &mut output,
            &mut workspace,
        )
        .unwrap();
    output.to_nchw()
}

/// Computes a layer and compares it with the reference.
fn check(size: &Size, options: ConvOptions) -> Result<(), TestCaseError> {
    let input = random(size.inputs(), 1);
    let weights = random(size.weights(), 2);
    let bias = random(size.out_channels, 3);
    let mut expected = convolve(size, &input, &weights, Some(&bias));
    let scale = scale(&expected).max(1.0);
    if options.relu {
        expected.iter_mut().for_each(|x| *x = x.max(0.0));
    }
    if options.pool {
        expected = pool(&expected, size.out_height(), size.out_width());
    }
    let found = run(size, options, &input, &weights, &bias);
    let error = error(&found, &expected) / scale;
    let bound = match options.algorithm {
        Algorithm::F6x6 => 1e-4,
        Algorithm::F4x4 => 2e-5,
        _ => 5e-6,
    };
    prop_assert!(error < bound, "error {error:e} of the scale for {size:?} {options:?}");
    Ok(())
}

fn algorithms() -> impl Strategy<Value = Algorithm> {
    prop::sample::select(Algorithm::ALL.to_vec())
}

fn kernels() -> impl Strategy<Value = Kernel> {
    let available: Vec<_> = Kernel::ALL.into_iter().filter(|k| k.is_available()).collect();
    prop::sample::select(available)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn agrees_with_double_precision(
        batch in 1usize..4,
        in_channels in 1usize..40,
        out_channels in 1usize..70,
        height in 1usize..15,
        width in 1usize..15,
        padding in 0usize..3,
        relu: bool,
        pool: bool,
        algorithm in algorithms(),
        kernel in kernels(),
        threads in 1usize..4,
    ) {
        let size = Size { batch, in_channels, out_channels, height, width, padding };
        let smallest = if pool { 4 } else { 3 };
        prop_assume!(height.min(width) + 2 * padding >= smallest);
        let options = options(&size)
            .with_relu(relu)
            .with_pool(pool)
            .with_algorithm(algorithm)
            .with_kernel(kernel);
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| check(&size, options))?;
    }
}
