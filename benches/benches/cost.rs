//! How long an analysis takes: of the largest VGG, of chains of blocks, of layers that share one
//! activation, and of modules nested in each other.

use std::hint::black_box;

use burn::module::{Module, ModuleDisplay};
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

/// Convolutions, all before the same activation.
#[derive(Module, Debug)]
struct Shared {
    layers: Vec<Conv2d>,
    relu: Relu,
}

impl Shared {
    fn new(length: usize) -> Self {
        let device = Device::flex();
        let layer = || Conv2dConfig::new([4, 4], [1, 1]).init(&device);
        Self {
            layers: (0..length).map(|_| layer()).collect(),
            relu: Relu::new(),
        }
    }

    fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        let layers = self.layers.iter();
        layers.fold(input, |input, layer| {
            self.relu.forward(layer.forward(input))
        })
    }
}

/// A block with another one inside, and so on.
#[derive(Module, Debug)]
struct Nested {
    conv: Conv2d,
    inner: Vec<Nested>,
    relu: Relu,
}

impl Nested {
    fn new(depth: usize) -> Self {
        let device = Device::flex();
        let block = |inner| Self {
            conv: Conv2dConfig::new([4, 4], [1, 1]).init(&device),
            inner,
            relu: Relu::new(),
        };
        (1..depth).fold(block(Vec::new()), |inner, _| block(vec![inner]))
    }

    fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        let input = self.conv.forward(input);
        let inner = self.inner.iter();
        self.relu
            .forward(inner.fold(input, |input, inner| inner.forward(input)))
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

/// Networks of several sizes, each made of a size and run by `forward`.
fn sizes<M: Module + ModuleDisplay>(
    criterion: &mut Criterion,
    name: &str,
    sizes: [usize; 3],
    new: fn(usize) -> M,
    forward: fn(&M, Tensor<4>) -> Tensor<4>,
) {
    let mut group = criterion.benchmark_group(name);
    group.sample_size(10);
    for size in sizes {
        let network = new(size);
        group.throughput(Throughput::Elements(size as u64));
        group.bench_function(BenchmarkId::from_parameter(size), |bencher| {
            bencher.iter(|| {
                let analysis = analyse(&network, |network, inputs| {
                    forward(network, inputs.float([1, 4, 8, 8]))
                });
                black_box(analysis.expect("it runs").report(&options()))
            });
        });
    }
    group.finish();
}

fn chains(criterion: &mut Criterion) {
    let lengths = [1_000, 10_000, 20_000];
    sizes(criterion, "chain", lengths, Chain::new, Chain::forward);
}

fn shared(criterion: &mut Criterion) {
    let (name, lengths) = ("layers with one activation", [1_000, 10_000, 20_000]);
    sizes(criterion, name, lengths, Shared::new, Shared::forward);
}

fn nested(criterion: &mut Criterion) {
    let depths = [100, 300, 1_000];
    sizes(criterion, "nested", depths, Nested::new, Nested::forward);
}

criterion_group!(benches, largest_vgg, chains, shared, nested);
criterion_main!(benches);
