//! How a training scales over workers: what one worker's step takes, what it comes to over networks of several speeds, and
//! how much of a wire's time is hidden behind the backward pass.

mod model;
mod wire;

use std::error::Error;
use std::sync::Arc;
use std::time::Instant;

use burn::module::Module;
use burn::tensor::{Device, Distribution, Int, Tensor};
use burn::train::TrainStep;
use clap::Parser;
use vgg::data::{ImageData, ImageSet};
use vgg::train::distributed::Group;
use vgg::train::{
    ImageBatch, Learning, OptimizerKind, Outcome, RunConfig, TrainConfig, Watch, optimizer,
    train_in_group,
};
use vgg::{Engine, LayerGroup, Vgg, VggConfig};

use model::{Step, table};

/// Measure the parts of one worker's training step on Flex, and show what efficiency they come to.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// The network; several may be given
    #[arg(long, default_values = ["vgg16-28"])]
    model: Vec<String>,

    /// Images of a step that one worker computes
    #[arg(long, default_value_t = 32)]
    batch: usize,

    /// Steps that are measured, of which the fastest counts
    #[arg(long, default_value_t = 5)]
    steps: usize,

    /// Also train with two workers of one thread each, with a wire between them that takes half as long as a step of
    /// theirs
    #[arg(long)]
    overlap: bool,
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse();
    for name in &arguments.model {
        let config = VggConfig::named(name)?;
        let step = measure(&config, arguments.batch, arguments.steps)?;
        console::show!("{}", table(name, arguments.batch, &step));
        if arguments.overlap {
            overlap(&config, &arguments)?;
        }
    }
    Ok(())
}

/// The parts of a step of `batch` images on all threads.
fn measure(config: &VggConfig, batch: usize, steps: usize) -> Result<Step, Box<dyn Error>> {
    let device = Device::flex().autodiff();
    let settings = TrainConfig::new(OptimizerKind::Sgd, 1e-4);
    let network = || config.init(&device);
    let [height, width] = config.input_size;
    let images = Tensor::<4>::random(
        [batch, config.input_channels, height, width],
        Distribution::Default,
        &device,
    );
    let batch = ImageBatch {
        images: images.clone(),
        targets: Tensor::<1, Int>::zeros([batch], &device),
    };
    let mut learning = Learning::new(drawn(network()?), 0.0);
    let head = Learning::new(drawn(network()?.with_frozen(LayerGroup::Features)), 0.0);
    let mut optimizer = optimizer(&settings, Engine::default())?;
    let mut best = Step {
        forward: f64::INFINITY,
        backward: f64::INFINITY,
        head: f64::INFINITY,
        optimizer: f64::INFINITY,
        bytes: config.parameter_count() as f64 * size_of::<f32>() as f64,
    };
    // The first one finds no memory to use again.
    for step in 0..=steps {
        let (forward, _) = timed(|| learning.network.forward(images.clone()));
        let (both, output) = timed(|| TrainStep::step(&learning, batch.clone()));
        let (of_head, _) = timed(|| TrainStep::step(&head, batch.clone()));
        let (update, next) =
            timed(|| TrainStep::optimize(learning, &mut optimizer, 1e-4.into(), output.grads));
        learning = next;
        if step > 0 {
            best.forward = best.forward.min(forward);
            best.backward = best.backward.min(both - forward);
            best.head = best.head.min((of_head - forward).max(0.0));
            best.optimizer = best.optimizer.min(update);
        }
    }
    Ok(best)
}

fn timed<T>(work: impl FnOnce() -> T) -> (f64, T) {
    let start = Instant::now();
    let result = work();
    (start.elapsed().as_secs_f64(), result)
}

/// The network with its weights drawn.
fn drawn(network: Vgg) -> Vgg {
    network.valid().train()
}

/// Compares steps without a wire, with one, and the wire alone.
fn overlap(config: &VggConfig, arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    let bytes = config.parameter_count() as f64 * size_of::<f32>() as f64;
    let without = seconds_per_step(config, arguments, None)?;
    // Half a step: what a backward pass can hide, which begins behind the forward pass.
    let with = seconds_per_step(config, arguments, Some(bytes / (0.5 * without)))?;
    console::say!(
        "two workers with one thread each: {without:.3} s a step; with a wire of half as much {with:.3} s, {:.2} times as \
         long (1.5 times if nothing were hidden)\n",
        with / without
    );
    Ok(())
}

/// From the times of a short and a longer training.
fn seconds_per_step(
    config: &VggConfig,
    arguments: &Arguments,
    bytes_per_second: Option<f64>,
) -> Result<f64, Box<dyn Error>> {
    let run = |steps: usize| -> Result<f64, Box<dyn Error>> {
        let images = |count: usize| {
            let [height, width] = config.input_size;
            let shape = [config.input_channels, height, width];
            let pixels = (0..count * shape.iter().product::<usize>()).map(|i| (i * 31 % 251) as u8);
            ImageSet::new(shape, pixels.collect(), vec![0; count])
        };
        let classes: Vec<_> = (0..config.classes).map(|class| class.to_string()).collect();
        let data = ImageData::new(
            images(2 * arguments.batch * steps)?,
            images(2)?,
            classes,
            false,
        );
        let settings = TrainConfig::new(OptimizerKind::Sgd, 1e-4)
            .with_epochs(1)
            .with_batch_size(2 * arguments.batch);
        let config = RunConfig::for_data(config.clone().with_dropout(0.0), settings, &data)?;
        let workers = wire::workers(bytes_per_second);
        let worker = |group: &Arc<dyn Group>| {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(1)
                .build()
                .ok()?;
            let device = Device::flex();
            let train =
                || train_in_group(group, None, &config, data.clone(), &device, Watch::none());
            match pool.install(train) {
                Ok(Outcome::Finished(summary)) => Some(summary.seconds),
                _ => None,
            }
        };
        let worker = &worker;
        let seconds: Vec<_> = std::thread::scope(|scope| {
            let started: Vec<_> = workers
                .iter()
                .map(|group| scope.spawn(move || worker(group)))
                .collect();
            started
                .into_iter()
                .map(|thread| thread.join().ok().flatten())
                .collect()
        });
        let slowest = seconds
            .into_iter()
            .collect::<Option<Vec<_>>>()
            .ok_or("a worker has failed")?;
        Ok(slowest.into_iter().fold(0.0, f64::max))
    };
    let (short, long) = (run(1)?, run(1 + arguments.steps)?);
    Ok((long - short) / arguments.steps as f64)
}
