//! How long a feature map takes: as long as the layers up to it, whatever network they are of.
//! (VGG-11 has no relu2_2: one convolution in block 2.)

use std::hint::black_box;

use burn::tensor::{Device, Distribution, Tensor};
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use mimalloc::MiMalloc;
use vgg::VggConfig;

// As in the bench of `cost`: the system's allocator would be measured with large maps.
#[global_allocator]
static MEMORY: MiMalloc = MiMalloc;

fn relu2_2(criterion: &mut Criterion) {
    let device = Device::flex();
    let images = Tensor::<4>::random([1, 3, 224, 224], Distribution::Default, &device);
    let mut group = criterion.benchmark_group("relu2_2 at 224");
    group.sample_size(20);
    for name in ["vgg13", "vgg16", "vgg19"] {
        // Without the head's weights, which take half a gigabyte and no part in this.
        let config = VggConfig::named(name)
            .expect("a known name")
            .with_hidden(vec![]);
        let layers = [config
            .feature_layer("relu2_2")
            .expect("two convolutions in block 2")];
        let features = config.init(&device).expect("valid").into_features();
        group.bench_function(BenchmarkId::from_parameter(name), |bencher| {
            bencher.iter(|| black_box(features.forward_at(images.clone(), &layers)));
        });
    }
    group.finish();
}

criterion_group!(benches, relu2_2);
criterion_main!(benches);
