//! The portable kernel through every path that shares memory between threads or reads it unchecked, on the
//! smallest sizes that go there: few enough for an interpreter. `scripts/sanitize.sh` runs this with Miri.

mod common;

use std::sync::LazyLock;

use common::{Size, convolve, error, pool, random};
use winograd::{
    Activation, Algorithm, BatchNormLayer, Conv3x3, ConvOptions, ConvParameters, GradientInputs,
    Kernel, LayerSize, Linear, LinearOptions, Storage, WeightOrder, Workspace, batch_norm,
    batch_norm_gradient, convolve_once, max_pool, max_pool_gradient, relu_gradient,
    weight_gradient,
};

/// On two threads, whatever the machine has.
fn on_two_threads<R: Send>(work: impl FnOnce() -> R + Send) -> R {
    static POOL: LazyLock<rayon::ThreadPool> = LazyLock::new(|| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(2);
        pool.build().expect("threads start")
    });
    POOL.install(work)
}

/// Sizes with a last line that is not full, a tile that sticks out, and each padding.
fn sizes() -> impl Iterator<Item = Size> {
    let sizes = [
        (1, 2, 17, 3, 5, 1),
        (2, 17, 3, 4, 4, 1),
        (1, 1, 1, 1, 2, 2),
        (1, 3, 2, 4, 4, 0),
    ];
    // An interpreter takes minutes for the first.
    let count = if cfg!(miri) { 1 } else { sizes.len() };
    sizes.into_iter().take(count).map(
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

fn options(size: &Size, algorithm: Algorithm) -> ConvOptions {
    let layer = LayerSize {
        batch: size.batch,
        in_channels: size.in_channels,
        out_channels: size.out_channels,
        out_height: size.out_height(),
        out_width: size.out_width(),
        pool: false,
    };
    ConvOptions::for_size(&layer)
        .with_padding(size.padding)
        .with_kernel(Kernel::Portable)
        .with_algorithm(algorithm)
}

fn convolutions(algorithm: Algorithm) {
    for size in sizes() {
        let input = random(size.inputs(), 1);
        let (weights, bias) = (random(size.weights(), 2), random(size.out_channels, 3));
        let whole = convolve(&size, &input, &weights, Some(&bias));
        let (height, width) = (size.out_height(), size.out_width());
        let map = Activation::from_nchw(
            &input,
            [size.batch, size.in_channels, size.height, size.width],
        );
        let map = map.expect("fits");
        for pooled in [false, true] {
            if pooled && height.min(width) < 2 {
                continue;
            }
            let expected = match pooled {
                true => pool(&whole, height, width),
                false => whole.clone(),
            };
            let options = options(&size, algorithm).with_pool(pooled);
            let (mut output, mut once) = (Activation::new(), Activation::new());
            on_two_threads(|| {
                let mut workspace = Workspace::new();
                let (inputs, outputs) = (size.in_channels, size.out_channels);
                let layer = Conv3x3::new(&weights, Some(&bias), inputs, outputs, options);
                let layer = layer.expect("fits");
                let [n, h, w] = [size.batch, size.height, size.width];
                let done = layer.forward_nchw(
                    &input,
                    [n, layer.in_channels(), h, w],
                    &mut output,
                    &mut workspace,
                );
                done.expect("fits");
                let done = convolve_once(
                    &ConvParameters {
                        weights: &weights,
                        bias: Some(&bias),
                        out_channels: outputs,
                    },
                    options,
                    &map,
                    &mut once,
                    &mut workspace,
                );
                done.expect("fits");
            });
            for output in [output, once] {
                assert!(
                    error(&output.to_nchw(), &expected) < 1e-4,
                    "{algorithm:?} {size:?}"
                );
            }
        }
    }
}

#[test]
fn tiles_of_2() {
    convolutions(Algorithm::F2x2);
}

#[test]
fn tiles_of_4() {
    convolutions(Algorithm::F4x4);
}

#[test]
fn tiles_of_6() {
    convolutions(Algorithm::F6x6);
}

#[test]
fn one_product() {
    convolutions(Algorithm::Im2col);
}

#[test]
fn direct() {
    convolutions(Algorithm::Direct);
}

#[test]
fn gradients_of_weights() {
    for size in sizes() {
        let input = random(size.inputs(), 1);
        let gradient = random(size.outputs(), 2);
        let mut expected = vec![0.0; size.weights()];
        size.products(|o, i, w| expected[w] += f64::from(gradient[o]) * f64::from(input[i]));
        let (mut weights, mut bias) = (vec![0.0; size.weights()], vec![0.0; size.out_channels]);
        on_two_threads(|| {
            let map = |data: &[f32], channels, height, width| {
                Activation::from_nchw(data, [size.batch, channels, height, width]).expect("fits")
            };
            let input = map(&input, size.in_channels, size.height, size.width);
            let (height, width) = (size.out_height(), size.out_width());
            let gradient = map(&gradient, size.out_channels, height, width);
            let done = weight_gradient(
                &GradientInputs {
                    input: &input,
                    gradient: &gradient,
                    padding: size.padding,
                    kernel: Kernel::Portable,
                },
                &mut weights,
                Some(&mut bias),
                &mut Workspace::new(),
            );
            done.expect("fits");
        });
        assert!(error(&weights, &expected) < 1e-4, "{size:?}");
    }
}

#[test]
fn linear_layers() {
    let (inputs, outputs) = (19, 35);
    let (weights, bias) = (random(inputs * outputs, 1), random(outputs, 2));
    let orders = [WeightOrder::OutIn, WeightOrder::InOut];
    for (order, storage) in orders.into_iter().zip([Storage::F32, Storage::F16]) {
        let options = LinearOptions {
            order,
            storage,
            kernel: Kernel::Portable,
            ..LinearOptions::default()
        };
        for batch in [1, 3] {
            let input = random(batch * inputs, 3);
            let mut output = vec![0.0; batch * outputs];
            on_two_threads(|| {
                let layer = Linear::new(&weights, Some(&bias), inputs, outputs, options);
                let layer = layer.expect("fits");
                let done = layer.forward(&input, &mut output, &mut Workspace::new());
                done.expect("fits");
            });
            let at = |output: usize, input: usize| match order {
                WeightOrder::OutIn => weights[output * inputs + input],
                WeightOrder::InOut => weights[input * outputs + output],
            };
            let expected: Vec<f64> = (0..batch * outputs)
                .map(|index| {
                    let (row, output) = (index / outputs, index % outputs);
                    let products = (0..inputs).map(|k| at(output, k) * input[row * inputs + k]);
                    f64::from(bias[output] + products.sum::<f32>())
                })
                .collect();
            assert!(error(&output, &expected) < 1e-2, "{order:?} {storage:?}");
        }
    }
}

#[test]
fn what_follows_convolutions() {
    let [batch, channels, height, width] = [2, 18, 5, 3];
    let data = random(batch * channels * height * width, 1);
    let input = Activation::from_nchw(&data, [batch, channels, height, width]).expect("fits");
    let (gamma, beta) = (vec![1.5; channels], vec![0.1; channels]);
    let layer = BatchNormLayer {
        gamma: &gamma,
        beta: &beta,
        epsilon: 1e-5,
        relu: true,
        across: None,
    };
    on_two_threads(|| {
        let (mut normed, mut pooled) = (Activation::new(), Activation::new());
        let statistics = batch_norm(&input, &layer, &mut normed).expect("fits");
        max_pool(&normed, &mut pooled).expect("fits");
        assert_eq!([pooled.height(), pooled.width()], [2, 1]);
        let mut gradient = Activation::new();
        max_pool_gradient(&normed, &pooled, &mut gradient, true).expect("fits");
        relu_gradient(&normed, &mut gradient).expect("fits");
        let found = batch_norm_gradient(&input, &layer, &statistics, &mut gradient);
        let found = found.expect("fits");
        assert!(
            found
                .gamma
                .iter()
                .chain(&found.beta)
                .all(|value| value.is_finite())
        );
    });
}
