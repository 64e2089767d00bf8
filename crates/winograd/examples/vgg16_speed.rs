//! Times VGG networks with random weights, layer by layer.
//!
//! `cargo run --release -p winograd --example vgg16_speed -- [--threads 1,2] [--batch 1,8] [--net 224|28|all]
//! [--rounds N] [--algorithm f2x2|f4x4|f6x6|im2col] [--kernel avx512|avx2|portable] [--f16]
//! [--compare]`, which compares the logits with those of direct convolution

use std::time::Instant;

use winograd::{
    Activation, Algorithm, Conv3x3, ConvOptions, Kernel, LayerSize, Linear, LinearOptions, Storage,
    Workspace, on_pool,
};

struct Args {
    threads: Vec<usize>,
    batches: Vec<usize>,
    net: String,
    rounds: usize,
    algorithm: Option<Algorithm>,
    kernel: Kernel,
    storage: Storage,
    compare: bool,
}

fn parse() -> Args {
    let mut args = Args {
        threads: vec![1, 2],
        batches: vec![],
        net: "all".into(),
        rounds: 0,
        algorithm: None,
        kernel: Kernel::detect(),
        storage: Storage::F32,
        compare: false,
    };
    let numbers = |text: String| {
        text.split(',')
            .map(|n| n.parse().expect("a number"))
            .collect()
    };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut value = || words.next().expect("a value");
        match word.as_str() {
            "--threads" => args.threads = numbers(value()),
            "--batch" => args.batches = numbers(value()),
            "--net" => args.net = value(),
            "--rounds" => args.rounds = value().parse().expect("a number"),
            "--algorithm" => {
                args.algorithm = Some(match value().as_str() {
                    "f2x2" => Algorithm::F2x2,
                    "f4x4" => Algorithm::F4x4,
                    "f6x6" => Algorithm::F6x6,
                    "im2col" => Algorithm::Im2col,
                    other => panic!("unknown algorithm {other}"),
                })
            }
            "--kernel" => {
                args.kernel = match value().as_str() {
                    "avx512" => Kernel::Avx512,
                    "avx2" => Kernel::Avx2,
                    "portable" => Kernel::Portable,
                    other => panic!("unknown kernel {other}"),
                }
            }
            "--compare" => args.compare = true,
            "--f16" => args.storage = Storage::F16,
            other => panic!("unknown argument {other}"),
        }
    }
    args
}

/// A network: convolutions `(channels, pool)` and linear layers.
struct Network {
    name: &'static str,
    size: usize,
    in_channels: usize,
    convs: &'static [(usize, bool)],
    linears: &'static [usize],
    batches: &'static [usize],
}

const NETWORKS: [Network; 2] = [
    Network {
        name: "224",
        size: 224,
        in_channels: 3,
        convs: &[
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
            (512, false),
            (512, false),
            (512, true),
        ],
        linears: &[4096, 4096, 1000],
        batches: &[1, 8],
    },
    Network {
        name: "28",
        size: 28,
        in_channels: 1,
        convs: &[
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
        ],
        linears: &[4096, 4096, 10],
        batches: &[1, 64],
    },
];

fn random(count: usize, scale: f32) -> Vec<f32> {
    let mut state = count as u32 | 1;
    (0..count)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            (state >> 8) as f32 * (2.0 / (1 << 24) as f32) * scale - scale
        })
        .collect()
}

fn median(times: &mut [f64]) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

fn main() {
    let args = parse();
    for network in &NETWORKS {
        if args.net != "all" && args.net != network.name {
            continue;
        }
        let batches = if args.batches.is_empty() {
            network.batches
        } else {
            &args.batches
        };
        for &batch in batches {
            let layers = Layers::new(network, batch, &args);
            if args.compare {
                let direct = Args {
                    algorithm: Some(Algorithm::Im2col),
                    ..parse()
                };
                let expected = Layers::new(network, batch, &direct).logits(network, batch);
                let found = layers.logits(network, batch);
                let largest = expected.iter().fold(0.0f32, |max, x| max.max(x.abs()));
                let differences = expected.iter().zip(&found).map(|(a, b)| (a - b).abs());
                let difference = differences.fold(0.0, f32::max);
                console::say!("largest logit {largest:.3}, largest difference {difference:.1e}");
                continue;
            }
            for &threads in &args.threads {
                let pool = rayon::ThreadPoolBuilder::new()
                    .num_threads(threads)
                    .build()
                    .unwrap();
                pool.install(|| layers.time(network, batch, threads, &args));
            }
        }
    }
}

struct Layers {
    convs: Vec<Conv3x3>,
    linears: Vec<Linear>,
}

impl Layers {
    fn new(network: &Network, batch: usize, args: &Args) -> Self {
        let mut elapsed = [0.0; 2];
        let (mut size, mut channels) = (network.size, network.in_channels);
        let mut convs = Vec::new();
        for &(out_channels, pool) in network.convs {
            let mut options = ConvOptions::for_size(&LayerSize {
                batch,
                in_channels: channels,
                out_channels,
                out_height: size,
                out_width: size,
                pool,
            })
            .with_relu(true)
            .with_kernel(args.kernel);
            if let Some(algorithm) = args.algorithm.filter(|_| channels > 4) {
                options = options.with_algorithm(algorithm);
            }
            let weights = random(
                out_channels * channels * 9,
                (6.0 / (9 * channels) as f32).sqrt(),
            );
            let bias = random(out_channels, 0.1);
            let start = Instant::now();
            convs.push(
                Conv3x3::new(&weights, Some(&bias), channels, out_channels, options).unwrap(),
            );
            elapsed[0] += start.elapsed().as_secs_f64() * 1e3;
            channels = out_channels;
            size /= if pool { 2 } else { 1 };
        }
        let mut features = channels * size * size;
        let mut linears = Vec::new();
        for &out in network.linears {
            let options = LinearOptions {
                relu: out != *network.linears.last().unwrap(),
                kernel: args.kernel,
                storage: args.storage,
                ..Default::default()
            };
            let weights = random(out * features, (6.0 / features as f32).sqrt());
            let bias = random(out, 0.1);
            let start = Instant::now();
            linears.push(Linear::new(&weights, Some(&bias), features, out, options).unwrap());
            elapsed[1] += start.elapsed().as_secs_f64() * 1e3;
            features = out;
        }
        let bytes: usize = convs.iter().map(Conv3x3::bytes).sum::<usize>()
            + linears.iter().map(Linear::bytes).sum::<usize>();
        console::say!(
            "{} batch {batch}: convolutions packed in {:.0} ms, linears in {:.0} ms, {:.0} MB",
            network.name,
            elapsed[0],
            elapsed[1],
            bytes as f64 / 1e6
        );
        Self { convs, linears }
    }

    fn logits(&self, network: &Network, batch: usize) -> Vec<f32> {
        let input = random(
            batch * network.in_channels * network.size * network.size,
            1.0,
        );
        let mut workspace = Workspace::new();
        let mut maps = [Activation::new(), Activation::new()];
        maps[0]
            .copy_from_nchw(
                &input,
                [batch, network.in_channels, network.size, network.size],
            )
            .unwrap();
        for conv in &self.convs {
            let [from, to] = &mut maps;
            conv.forward(from, to, &mut workspace).unwrap();
            maps.swap(0, 1);
        }
        let mut flat = maps[0].to_nchw();
        for linear in &self.linears {
            let mut features = vec![0.0; batch * linear.out_features()];
            linear
                .forward(&flat, &mut features, &mut workspace)
                .unwrap();
            flat = features;
        }
        flat
    }

    fn time(&self, network: &Network, batch: usize, threads: usize, args: &Args) {
        on_pool(|| self.time_here(network, batch, threads, args));
    }

    fn time_here(&self, network: &Network, batch: usize, threads: usize, args: &Args) {
        let image = network.size * network.size;
        let input = random(batch * network.in_channels * image, 1.0);
        let mut workspace = Workspace::new();
        let mut maps = [Activation::new(), Activation::new()];
        let mut flat = vec![0.0; 0];
        let mut features = Vec::new();
        let mut times = vec![Vec::new(); self.convs.len() + self.linears.len() + 2];
        let rounds = match args.rounds {
            0 => (60 * 224 * 224 / (image * batch)).clamp(7, 60),
            rounds => rounds,
        };
        for round in 0..rounds + 2 {
            let begin = Instant::now();
            let mut last = begin;
            let mut lap = |times: &mut [Vec<f64>], index: usize| {
                let now = Instant::now();
                if round >= 2 {
                    times[index].push((now - last).as_secs_f64() * 1e3);
                }
                last = now;
            };
            for (index, conv) in self.convs.iter().enumerate() {
                let [from, to] = &mut maps;
                if index == 0 {
                    let size = network.size;
                    conv.forward_nchw(
                        &input,
                        [batch, conv.in_channels(), size, size],
                        to,
                        &mut workspace,
                    )
                } else {
                    conv.forward(from, to, &mut workspace)
                }
                .unwrap();
                maps.swap(0, 1);
                lap(&mut times, index);
            }
            flat.resize(maps[0].len(), 0.0);
            maps[0].copy_to_nchw(&mut flat).unwrap();
            for (index, linear) in self.linears.iter().enumerate() {
                features.resize(batch * linear.out_features(), 0.0);
                linear
                    .forward(&flat, &mut features, &mut workspace)
                    .unwrap();
                std::mem::swap(&mut flat, &mut features);
                lap(&mut times, self.convs.len() + index);
            }
            let total = self.convs.len() + self.linears.len();
            if round >= 2 {
                times[total].push(begin.elapsed().as_secs_f64() * 1e3);
            }
        }
        self.print(network, batch, threads, &mut times, workspace.bytes());
    }

    fn print(
        &self,
        network: &Network,
        batch: usize,
        threads: usize,
        times: &mut [Vec<f64>],
        scratch: usize,
    ) {
        console::say!("vgg16-{} batch {batch} threads {threads}", network.name);
        let mut size = network.size;
        for (index, conv) in self.convs.iter().enumerate() {
            let time = median(&mut times[index]);
            let (i, o) = (conv.in_channels(), conv.out_channels());
            let flops = 2.0 * (batch * i * o * 9 * size * size) as f64;
            console::say!(
                "  conv {i:3} -> {o:3} @ {size:3}  {:8} {time:8.3} ms (min {:8.3})  {:6.0} GFLOP/s",
                format!("{:?}", conv.options().algorithm),
                times[index][0],
                flops / time / 1e6
            );
            size /= if conv.options().pool { 2 } else { 1 };
        }
        for (index, linear) in self.linears.iter().enumerate() {
            let times = &mut times[self.convs.len() + index];
            let time = median(times);
            console::say!(
                "  linear {:5} -> {:4}        {time:8.3} ms (min {:8.3})  {:6.1} GB/s",
                linear.in_features(),
                linear.out_features(),
                times[0],
                linear.bytes() as f64 / time / 1e6
            );
        }
        let total = &mut times[self.convs.len() + self.linears.len()];
        let time = median(total);
        console::say!(
            "  total {time:.2} ms (min {:.2}); scratch {:.1} MB",
            total[0],
            scratch as f64 / 1e6
        );
    }
}
