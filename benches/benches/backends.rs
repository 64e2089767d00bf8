//! Inference and training steps, model × batch × backend. Backends are those that are compiled in:
//! `cargo bench -p benches --features ndarray --bench backends`.

use std::time::Duration;

use benches::{Implementation, Task, Workload};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

/// Networks, batches, and what is done with them.
const WORKLOADS: [(&str, usize, Task); 5] = [
    ("vgg16-28", 1, Task::Inference),
    ("vgg16-28", 16, Task::Inference),
    ("vgg11-bn-cifar", 16, Task::Inference),
    ("vgg16-28", 16, Task::Sgd),
    ("vgg11-bn-cifar", 16, Task::Sgd),
];

fn backends(criterion: &mut Criterion) {
    for (model, batch, task) in WORKLOADS {
        let workload = Workload::new(model, batch, task).expect("a known network");
        let mut group = criterion.benchmark_group(format!("{model}, {task}"));
        group
            .sample_size(10)
            .warm_up_time(Duration::from_millis(500))
            .measurement_time(Duration::from_secs(3))
            .throughput(Throughput::Elements(batch as u64));
        for backend in vgg::device::compiled_backends() {
            let device = match vgg::device(backend) {
                Ok(device) => device,
                Err(error) => {
                    console::note!("{error}");
                    continue;
                }
            };
            let mut call = workload
                .call(Implementation::Module, &device)
                .expect("a valid network");
            group.bench_function(BenchmarkId::new(backend, batch), |bencher| {
                bencher.iter(|| call().expect("it runs"));
            });
        }
        group.finish();
    }
}

criterion_group!(benches, backends);
criterion_main!(benches);
