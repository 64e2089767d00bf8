//! How long an analysis takes: of the largest VGG, and of chains of blocks.

use std::hint::black_box;

use burn::module::Module;
use burn::nn::Relu;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::tensor::{Device, Tensor};
use cost::{Optimizer, Options, analyse};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use mimalloc::MiMalloc;
use vgg::VggConfig;

// glibc gives the memory of an analysis back to the system at its end, and taking it anew for the next one
// costs more than the analysis itself once it is large. That would be measured, not the analysis.
#[global_allocator]
static MEMORY: MiMalloc = MiMalloc;

/// A convolution and an activation, over and over.
#[derive(Module, Debug)]
struct Chain {
    blocks: Vec<Block>,
}

#[derive(Module, Debug)]
struct Block {
    conv: Conv2d,
    relu: Relu,
}

impl Chain {
    fn new(length: usize) -> Self {
        let device = Device::flex();
        let block = || Block {
            conv: Conv2dConfig::new([4, 4], [1, 1]).init(&device),
            relu: Relu::new(),
        };
        Self {
            blocks: (0..length).map(|_| block()).collect(),
        }
    }

    fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        self.blocks.iter().fold(input, |input, block| {
            block.relu.forward(block.conv.forward(input))
        })
    }
}

fn options() -> Options {
    Options::default().with_training(Optimizer::Adam)
}

fn largest_vgg(criterion: &mut Criterion) {
    let config = VggConfig::named("vgg19-bn").expect("a known name");
    let network = config.init(&Device::flex()).expect("a valid network");
    criterion.bench_function("vgg19-bn at 224, training and memory", |bencher| {
        bencher.iter(|| {
            let analysis = analyse(&network, |network, inputs| {
                network.forward(inputs.float([1, 3, 224, 224]))
            });
            black_box(analysis.expect("it runs").report(&options()))
        });
    });
}

fn chains(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("chain");
    group.sample_size(10);
    for length in [1_000, 10_000] {
        let chain = Chain::new(length);
        group.throughput(Throughput::Elements(length as u64));
        group.bench_function(BenchmarkId::from_parameter(length), |bencher| {
            bencher.iter(|| {
                let analysis = analyse(&chain, |chain, inputs| {
                    chain.forward(inputs.float([1, 4, 8, 8]))
                });
                black_box(analysis.expect("it runs").report(&options()))
            });
        });
    }
    group.finish();
}

criterion_group!(benches, largest_vgg, chains);
criterion_main!(benches);
