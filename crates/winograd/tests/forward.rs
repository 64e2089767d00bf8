//! The forward pass against double precision, over sizes, algorithms, kernels and threads.

mod common;

use common::{Size, convolve, error, pool, random, scale};
use proptest::prelude::*;
use winograd::{
    Activation, Algorithm, Conv3x3, ConvOptions, ConvParameters, Kernel, LayerSize, Workspace,
    convolve_once,
};

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

/// By a prepared layer.
fn run(
    size: &Size,
    options: ConvOptions,
    input: &[f32],
    weights: &[f32],
    bias: &[f32],
) -> Vec<f32> {
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
            [size.batch, size.in_channels, size.height, size.width],
            &mut output,
            &mut workspace,
        )
        .unwrap();
    output.to_nchw()
}

/// By weights that are packed for this once.
fn run_once(
    size: &Size,
    options: ConvOptions,
    input: &[f32],
    weights: &[f32],
    bias: &[f32],
) -> Vec<f32> {
    let (batch, channels) = (size.batch, size.in_channels);
    let input = Activation::from_nchw(input, [batch, channels, size.height, size.width]).unwrap();
    let (mut output, mut workspace) = (Activation::new(), Workspace::new());
    let channels = size.out_channels;
    let (output, workspace) = (&mut output, &mut workspace);
    convolve_once(
        &ConvParameters {
            weights,
            bias: Some(bias),
            out_channels: channels,
        },
        options,
        &input,
        output,
        workspace,
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
    prop_assert_eq!(&found, &run_once(size, options, &input, &weights, &bias));
    let error = error(&found, &expected) / scale;
    let bound = match options.algorithm {
        Algorithm::F6x6 => 1e-4,
        Algorithm::F4x4 => 2e-5,
        _ => 5e-6,
    };
    prop_assert!(
        error < bound,
        "error {error:e} of the scale for {size:?} {options:?}"
    );
    Ok(())
}

fn algorithms() -> impl Strategy<Value = Algorithm> {
    prop::sample::select(Algorithm::ALL.to_vec())
}

fn kernels() -> impl Strategy<Value = Kernel> {
    let available: Vec<_> = Kernel::ALL
        .into_iter()
        .filter(|k| k.is_available())
        .collect();
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

/// All pairs of an algorithm and a kernel that run here.
fn variants() -> impl Iterator<Item = (Algorithm, Kernel)> {
    let kernels = Kernel::ALL.into_iter().filter(|k| k.is_available());
    kernels.flat_map(|kernel| Algorithm::ALL.map(|algorithm| (algorithm, kernel)))
}

const SMALL: Size = Size {
    batch: 3,
    in_channels: 20,
    out_channels: 50,
    height: 11,
    width: 9,
    padding: 1,
};

#[test]
fn bits_do_not_depend_on_threads_or_runs() {
    let size = SMALL;
    let [input, weights, bias] =
        [size.inputs(), size.weights(), size.out_channels].map(|count| random(count, count as u64));
    for (algorithm, kernel) in variants() {
        let options = options(&size).with_algorithm(algorithm).with_kernel(kernel);
        let results = [1, 1, 2, 5].map(|threads| {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .unwrap();
            pool.install(|| run(&size, options, &input, &weights, &bias))
        });
        for other in &results[1..] {
            assert!(
                results[0]
                    .iter()
                    .zip(other)
                    .all(|(a, b)| a.to_bits() == b.to_bits())
            );
        }
    }
}

#[test]
fn avx512_and_avx2_give_the_same_bits() {
    if !Kernel::Avx512.is_available() {
        return;
    }
    let size = SMALL;
    let [input, weights, bias] =
        [size.inputs(), size.weights(), size.out_channels].map(|count| random(count, count as u64));
    for algorithm in Algorithm::ALL {
        let [a, b] = [Kernel::Avx512, Kernel::Avx2].map(|kernel| {
            let options = options(&size).with_algorithm(algorithm).with_kernel(kernel);
            run(&size, options, &input, &weights, &bias)
        });
        assert_eq!(a, b);
    }
}

#[test]
fn what_is_not_finite_stays_visible() {
    let size = SMALL;
    let weights = random(size.weights(), 1);
    let bias = random(size.out_channels, 2);
    for (algorithm, kernel) in variants() {
        for (value, pool) in [(f32::NAN, false), (f32::NAN, true), (f32::INFINITY, false)] {
            let mut input = random(size.inputs(), 3);
            // Image 1, channel 7, row 4, column 6.
            input[((size.in_channels + 7) * size.height + 4) * size.width + 6] = value;
            let options = options(&size)
                .with_relu(value.is_nan())
                .with_pool(pool)
                .with_algorithm(algorithm)
                .with_kernel(kernel);
            let found = run(&size, options, &input, &weights, &bias);
            let (height, width) = if pool { (5, 4) } else { (11, 9) };
            let plane = height * width;
            for (index, value) in found.iter().enumerate() {
                let (image, at) = (index / plane / size.out_channels, index % plane);
                let (y, x) = (at / width, at % width);
                let reached = if pool {
                    // Rows 3..=5 lie in the windows 1 and 2, columns 5..=7 in the windows 2 and 3.
                    image == 1 && (1..=2).contains(&y) && (2..=3).contains(&x)
                } else {
                    image == 1 && (3..=5).contains(&y) && (5..=7).contains(&x)
                };
                if reached {
                    assert!(
                        !value.is_finite(),
                        "{algorithm:?} {kernel:?}: lost at {y}, {x}"
                    );
                } else if algorithm == Algorithm::Im2col || algorithm == Algorithm::Direct {
                    assert!(
                        value.is_finite(),
                        "{algorithm:?} {kernel:?}: spread to {y}, {x}"
                    );
                }
                // A tile keeps to itself: other images are never touched.
                assert!(image == 1 || value.is_finite());
            }
        }
    }
}

#[test]
fn nothing_outside_of_a_tensor_is_written() {
    const GUARD: f32 = 12345.0;
    for (algorithm, kernel) in variants() {
        for pool in [false, true] {
            let size = SMALL;
            let options = options(&size)
                .with_pool(pool)
                .with_algorithm(algorithm)
                .with_kernel(kernel);
            // Larger than needed, so that old content lies behind what is written.
            let mut output =
                Activation::from_nchw(&vec![GUARD; 16 * 8192], [1, 16, 64, 128]).unwrap();
            let input = random(size.inputs(), 1);
            let weights = random(size.weights(), 2);
            let layer =
                Conv3x3::new(&weights, None, size.in_channels, size.out_channels, options).unwrap();
            let x = Activation::from_nchw(
                &input,
                [size.batch, size.in_channels, size.height, size.width],
            )
            .unwrap();
            layer
                .forward(&x, &mut output, &mut Workspace::new())
                .unwrap();
            let used = output.lines().len();
            let lanes = size.out_channels % 16;
            let plane = output.height() * output.width();
            let last = &output.lines()[used - plane..];
            assert!(
                last.iter()
                    .all(|line| line.0[lanes..].iter().all(|&x| x == 0.0))
            );
            let mut copy = vec![0.0; output.len() + 2];
            let end = copy.len() - 1;
            copy[0] = GUARD;
            copy[end] = GUARD;
            output.copy_to_nchw(&mut copy[1..end]).unwrap();
            assert_eq!((copy[0], copy[end]), (GUARD, GUARD));
        }
    }
}

#[test]
fn bad_calls_are_errors() {
    use winograd::Error;
    let size = SMALL;
    let good = options(&size);
    let weights = random(size.weights(), 1);
    let new = |weights: &[f32], bias: Option<&[f32]>, options| {
        Conv3x3::new(weights, bias, size.in_channels, size.out_channels, options)
    };
    assert_eq!(
        new(&weights[1..], None, good).unwrap_err(),
        Error::Length {
            what: "weights",
            expected: 9000,
            found: 8999
        }
    );
    assert_eq!(
        new(&weights, Some(&[0.0; 3]), good).unwrap_err(),
        Error::Length {
            what: "bias",
            expected: 50,
            found: 3
        }
    );
    assert_eq!(
        new(&weights, None, good.with_padding(3)).unwrap_err(),
        Error::Padding { max: 2, found: 3 }
    );
    assert_eq!(
        Conv3x3::new(&[], None, 0, 1, good).unwrap_err(),
        Error::Zero("input channels")
    );
    assert!(Conv3x3::new(&[], None, usize::MAX / 8, usize::MAX / 8, good).is_err());
    if let Some(kernel) = Kernel::ALL.into_iter().find(|k| !k.is_available()) {
        assert_eq!(
            new(&weights, None, good.with_kernel(kernel)).unwrap_err(),
            Error::KernelUnavailable(kernel)
        );
    }

    let layer = new(&weights, None, good.with_padding(0).with_pool(true)).unwrap();
    let (mut output, mut workspace) = (Activation::new(), Workspace::new());
    let x = Activation::from_nchw(&[0.0; 19 * 25], [1, 19, 5, 5]).unwrap();
    assert_eq!(
        layer.forward(&x, &mut output, &mut workspace).unwrap_err(),
        Error::Size {
            what: "channels of the input",
            expected: 20,
            found: 19
        }
    );
    let x = Activation::from_nchw(&[0.0; 20 * 15], [1, 20, 3, 5]).unwrap();
    let error = layer.forward(&x, &mut output, &mut workspace).unwrap_err();
    assert_eq!(
        error.to_string(),
        "an input of 3x5 with padding 0 has no output after 2x2 pooling"
    );
    assert!(
        layer
            .forward(&Activation::new(), &mut output, &mut workspace)
            .is_err()
    );
    assert!(
        layer
            .forward_nchw(&[0.0; 7], [1, 20, 2, 2], &mut output, &mut workspace)
            .is_err()
    );
    assert!(
        layer
            .forward_nchw(&[], [0, 20, 5, 5], &mut output, &mut workspace)
            .is_err()
    );
    assert!(Activation::from_nchw(&[0.0; 7], [1, 2, 2, 2]).is_err());
    assert!(Activation::from_nchw(&[], [1, usize::MAX, usize::MAX, 2]).is_err());
    assert!(x.copy_to_nchw(&mut [0.0; 3]).is_err());
}
