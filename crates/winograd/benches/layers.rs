//! Each 3x3 layer of vgg16 at 224x224 (batch 1) and of its variant for 28x28 (batch 64), by each algorithm
//! that serves it. The throughput is the number of floating-point operations of *direct* convolution, so
//! that algorithms can be compared; it exceeds the processor's peak where an algorithm saves operations.
//!
//! `cargo bench -p winograd -- FILTER`; `WINOGRAD_THREADS=1` for one thread.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use winograd::{
    Activation, Algorithm, Conv3x3, ConvOptions, GradientInputs, Kernel, LayerSize, Workspace,
    weight_gradient,
};

/// `(batch, input channels, output channels, height and width, pooling)`
const LAYERS: [(usize, usize, usize, usize, bool); 19] = [
    (1, 3, 64, 224, false),
    (1, 64, 64, 224, true),
    (1, 64, 128, 112, false),
    (1, 128, 128, 112, true),
    (1, 128, 256, 56, false),
    (1, 256, 256, 56, false),
    (1, 256, 512, 28, false),
    (1, 512, 512, 28, false),
    (1, 512, 512, 14, false),
    (1, 256, 256, 7, false),
    (1, 512, 512, 3, false),
    (64, 1, 64, 28, false),
    (64, 64, 64, 28, true),
    (64, 64, 128, 14, false),
    (64, 128, 128, 14, true),
    (64, 128, 256, 7, false),
    (64, 256, 256, 7, false),
    (64, 256, 512, 3, false),
    (64, 512, 512, 3, true),
];

fn values(count: usize) -> Vec<f32> {
    (0..count)
        .map(|i| (i * 7919 % 1009) as f32 / 504.0 - 1.0)
        .collect()
}

fn layers(criterion: &mut Criterion) {
    let threads = std::env::var("WINOGRAD_THREADS").map_or(0, |n| n.parse().expect("a number"));
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .unwrap();
    let mut workspace = Workspace::new();
    for (batch, in_channels, out_channels, size, pool_after) in LAYERS {
        let layer_size = LayerSize {
            batch,
            in_channels,
            out_channels,
            out_height: size,
            out_width: size,
            pool: pool_after,
        };
        let chosen = Algorithm::choose(&layer_size);
        let weights = values(out_channels * in_channels * 9);
        let x = values(batch * in_channels * size * size);
        let x = Activation::from_nchw(&x, [batch, in_channels, size, size]).unwrap();
        let mut y = Activation::new();
        let pooled = if pool_after { ", pool" } else { "" };
        let mut group = criterion.benchmark_group(format!(
            "{batch}x{in_channels}->{out_channels}@{size}{pooled}"
        ));
        group.sample_size(20);
        group.warm_up_time(std::time::Duration::from_millis(300));
        group.measurement_time(std::time::Duration::from_secs(1));
        let operations = 2 * batch * in_channels * out_channels * 9 * size * size;
        group.throughput(Throughput::Elements(operations as u64));
        for algorithm in Algorithm::ALL {
            let few = in_channels <= 4;
            if few != (algorithm == Algorithm::Direct) {
                continue;
            }
            let options = ConvOptions::for_size(&layer_size).with_algorithm(algorithm);
            let options = options.with_relu(true);
            let layer = Conv3x3::new(&weights, None, in_channels, out_channels, options).unwrap();
            let mark = if algorithm == chosen { " (chosen)" } else { "" };
            let id = BenchmarkId::new("forward", format!("{algorithm:?}{mark}"));
            group.bench_function(id, |bencher| {
                pool.install(|| {
                    bencher.iter(|| layer.forward(&x, &mut y, &mut workspace).unwrap());
                });
            });
        }
        if batch > 1 {
            let dy = values(batch * out_channels * size * size);
            let dy = Activation::from_nchw(&dy, [batch, out_channels, size, size]).unwrap();
            let mut gradient = weights.clone();
            let kernel = Kernel::detect();
            group.bench_function("weight gradient", |bencher| {
                pool.install(|| {
                    bencher.iter(|| {
                        weight_gradient(
                            &GradientInputs {
                                input: &x,
                                gradient: &dy,
                                padding: 1,
                                kernel,
                            },
                            &mut gradient,
                            None,
                            &mut workspace,
                        )
                        .unwrap();
                    });
                });
            });
        }
        group.finish();
    }
}

criterion_group!(benches, layers);
criterion_main!(benches);
