//! Times the convolutions of a training step of the VGG for 28x28 images: forward, gradients, update.
//!
//! `cargo run --release -p winograd --example training_speed -- [BATCH] [THREADS]`

use std::time::Instant;

use winograd::{
    Activation, Conv3x3, ConvOptions, GradientInputs, Kernel, LayerSize, Workspace, max_pool,
    max_pool_gradient, relu_gradient, weight_gradient,
};

/// Channels and whether a pooling follows.
const CONVS: [(usize, bool); 10] = [
    (64, false),
    (64, true),
    (128, false),
    (128, true),
    (256, false),
    (256, false),
    (256, true),
    (512, false),
    (512, false),
    (512, true),
];

struct Layer {
    weights: Vec<f32>,
    bias: Vec<f32>,
    weight_gradient: Vec<f32>,
    bias_gradient: Vec<f32>,
    forward: Conv3x3,
    backward: Conv3x3,
    pool: bool,
    input: Activation,
    output: Activation,
}

fn main() {
    let mut args = std::env::args()
        .skip(1)
        .map(|n| n.parse().expect("a number"));
    let batch: usize = args.next().unwrap_or(64);
    let threads: usize = args.next().unwrap_or(0);
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .unwrap();
    pool.install(|| run(batch));
}

fn run(batch: usize) {
    let (mut size, mut channels) = (28, 1);
    let mut layers: Vec<_> = CONVS
        .iter()
        .map(|&(out_channels, pool)| {
            let layer = Layer::new(batch, channels, out_channels, size, pool);
            channels = out_channels;
            size /= if pool { 2 } else { 1 };
            layer
        })
        .collect();
    let image = vec![0.5; batch * 28 * 28];
    let mut workspace = Workspace::new();
    let mut gradients = [Activation::new(), Activation::new()];
    let names = [
        "pack",
        "forward",
        "pool",
        "masks",
        "weight gradient",
        "input gradient",
        "update",
    ];
    let mut times: Vec<Vec<f64>> = vec![Vec::new(); names.len() + 1];
    for _ in 0..12 {
        let mut laps = vec![0.0; names.len() + 1];
        let start = Instant::now();
        let mut last = start;
        let mut lap = |index: usize| {
            let now = Instant::now();
            laps[index] += (now - last).as_secs_f64() * 1e3;
            last = now;
        };
        layers[0]
            .input
            .copy_from_nchw(&image, [batch, 1, 28, 28])
            .unwrap();
        for index in 0..layers.len() {
            let (before, after) = layers.split_at_mut(index + 1);
            let layer = &mut before[index];
            layer
                .forward
                .set_weights(&layer.weights, Some(&layer.bias))
                .unwrap();
            lap(0);
            // The next layer's input is this layer's output, pooled or as it is.
            let next = after.first_mut().map(|next| &mut next.input);
            layer
                .forward
                .forward(&layer.input, &mut layer.output, &mut workspace)
                .unwrap();
            lap(1);
            match next {
                Some(next) if layer.pool => max_pool(&layer.output, next).unwrap(),
                Some(next) => std::mem::swap(next, &mut layer.output),
                None => max_pool(&layer.output, &mut gradients[0]).unwrap(),
            }
            lap(2);
        }
        for index in (0..layers.len()).rev() {
            let (before, after) = layers.split_at_mut(index + 1);
            let layer = &mut before[index];
            let [from, to] = &mut gradients;
            if layer.pool {
                max_pool_gradient(&layer.output, from, to, true).unwrap();
                std::mem::swap(from, to);
            } else {
                relu_gradient(&after[0].input, from).unwrap();
            }
            lap(3);
            weight_gradient(
                &GradientInputs {
                    input: &layer.input,
                    gradient: from,
                    padding: 1,
                    kernel: Kernel::detect(),
                },
                &mut layer.weight_gradient,
                Some(&mut layer.bias_gradient),
                &mut workspace,
            )
            .unwrap();
            lap(4);
            if index > 0 {
                layer.backward.set_weights(&layer.weights, None).unwrap();
                lap(0);
                layer.backward.forward(from, to, &mut workspace).unwrap();
                lap(5);
                std::mem::swap(from, to);
            }
            let update = |values: &mut [f32], gradients: &[f32]| {
                for (value, gradient) in values.iter_mut().zip(gradients) {
                    *value -= 1e-6 * gradient;
                }
            };
            update(&mut layer.weights, &layer.weight_gradient);
            update(&mut layer.bias, &layer.bias_gradient);
            lap(6);
        }
        laps[names.len()] = start.elapsed().as_secs_f64() * 1e3;
        for (times, lap) in times.iter_mut().zip(laps) {
            times.push(lap);
        }
    }
    console::say!(
        "batch {batch}, {} threads, milliseconds (median)",
        rayon::current_num_threads()
    );
    for (name, times) in names.iter().chain(&["total"]).zip(&mut times) {
        times.drain(..2);
        times.sort_by(f64::total_cmp);
        console::say!("  {name:16} {:8.2}", times[times.len() / 2]);
    }
    console::say!("  scratch {:.1} MB", workspace.bytes() as f64 / 1e6);
}

impl Layer {
    fn new(batch: usize, channels: usize, out_channels: usize, size: usize, pool: bool) -> Self {
        let options = ConvOptions::for_size(&LayerSize {
            batch,
            in_channels: channels,
            out_channels,
            out_height: size,
            out_width: size,
            pool: false,
        });
        let scale = (2.0 / (9 * channels) as f32).sqrt();
        let weights: Vec<f32> = (0..out_channels * channels * 9)
            .map(|i| ((i * 7919 % 1009) as f32 / 504.0 - 1.0) * scale)
            .collect();
        let bias = vec![0.0; out_channels];
        let backward = ConvOptions::for_size(&LayerSize {
            batch,
            in_channels: out_channels,
            out_channels: channels,
            out_height: size,
            out_width: size,
            pool: false,
        });
        Self {
            forward: Conv3x3::new(
                &weights,
                Some(&bias),
                channels,
                out_channels,
                options.with_relu(true),
            )
            .unwrap(),
            backward: Conv3x3::input_gradient(&weights, channels, out_channels, backward).unwrap(),
            weight_gradient: vec![0.0; weights.len()],
            bias_gradient: vec![0.0; out_channels],
            weights,
            bias,
            pool,
            input: Activation::new(),
            output: Activation::new(),
        }
    }
}
