//! Holds the memory that `cost` predicts against what an allocator counts, on Flex with Burn's own operations.
//!
//! What the backend takes beside its tensors, such as a copy of a convolution's input in another
//! layout, is no property of the network. It is measured by running the operation at the peak
//! alone, and stands in a column of its own.

use std::error::Error;

use burn::nn::LinearConfig;
use burn::nn::loss::CrossEntropyLossConfig;
use burn::optim::{GradientsParams, SgdConfig, momentum::MomentumConfig};
use burn::tensor::{Device, Int, Tensor};
use clap::Parser;
use cost::render::units::bytes;
use cost::{Optimizer, Options, analyse};
use peak_alloc::PeakAlloc;
use vgg::{Engine, Vgg, VggConfig};

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// Compare predicted with measured memory: VGG-16 inference, a training step of the 28x28 VGG,
/// and the analysis itself.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// Batch sizes of the inference
    #[arg(long, value_delimiter = ',', default_value = "1,8")]
    batches: Vec<usize>,

    /// Batch size of the training step
    #[arg(long, default_value_t = 64)]
    training_batch: usize,
}

struct Line {
    what: String,
    predicted: u128,
    scratch: u128,
    measured: u128,
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse();
    let mut lines = Vec::new();
    for &batch in &arguments.batches {
        lines.push(inference("vgg16", batch)?);
    }
    lines.push(training("vgg16-28", arguments.training_batch)?);
    console::say!(
        "what                              predicted    scratch   measured      ratio  with scratch"
    );
    for line in &lines {
        let ratio = |predicted: u128| predicted as f64 / line.measured as f64;
        console::say!(
            "{:<32} {:>10} {:>10} {:>10} {:>10.3} {:>13.3}",
            line.what,
            bytes(line.predicted),
            bytes(line.scratch),
            bytes(line.measured),
            ratio(line.predicted),
            ratio(line.predicted + line.scratch),
        );
    }
    analysis("vgg19-bn")
}

/// The most that `run` takes above what is there before it.
fn peak<T>(run: impl FnOnce() -> T) -> (T, u128) {
    let before = MEMORY.current_usage();
    MEMORY.reset_peak_usage();
    let value = run();
    (value, (MEMORY.peak_usage() - before) as u128)
}

fn shape(config: &VggConfig, batch: usize) -> [usize; 4] {
    let [height, width] = config.input_size;
    [batch, config.input_channels, height, width]
}

fn inference(name: &str, batch: usize) -> Result<Line, Box<dyn Error>> {
    let config = VggConfig::named(name)?;
    let shape = shape(&config, batch);
    let device = Device::flex();
    let report = report(&config, batch, &device, None)?.inference;

    let before = MEMORY.current_usage();
    let network = config.init(&device)?.with_engine(Engine::Burn);
    // The weights are drawn on first use; that is not what is measured.
    drop(network.forward(Tensor::zeros(shape, &device))?);
    let weights = (MEMORY.current_usage() - before) as u128;
    let (output, forward) = peak(|| network.forward(Tensor::ones(shape, &device)));
    drop(output?);
    Ok(Line {
        what: format!("{name} inference, batch {batch}"),
        predicted: report.peak,
        scratch: convolution_scratch(&network, shape, &report.peak_path)?,
        measured: weights + forward,
    })
}

/// What the convolution at `path`, `blocks.B.layers.L.conv`, takes beside input and output.
fn convolution_scratch(
    network: &Vgg,
    [batch, _, height, width]: [usize; 4],
    path: &str,
) -> Result<u128, Box<dyn Error>> {
    let mut parts = path
        .split('.')
        .filter_map(|part| part.parse::<usize>().ok());
    let place = parts.next().zip(parts.next());
    let (block, layer) =
        place.ok_or_else(|| format!("the peak is not at a convolution: {path}"))?;
    let conv = &network.blocks[block].layers[layer].conv;
    let channels = conv.weight.dims()[1];
    let device = Device::flex();
    let sides = [height >> block, width >> block];
    let input = Tensor::<4>::ones([batch, channels, sides[0], sides[1]], &device);
    let (output, taken) = peak(|| conv.forward(input.clone()));
    let [n, c, h, w] = output.dims();
    Ok(taken.saturating_sub((n * c * h * w * 4) as u128))
}

fn training(name: &str, batch: usize) -> Result<Line, Box<dyn Error>> {
    let config = VggConfig::named(name)?;
    let shape = shape(&config, batch);
    let device = Device::flex().autodiff();
    let report = report(&config, batch, &device, Some(Optimizer::Momentum))?;
    let predicted = report.training.map_or(0, |memory| memory.peak);

    let before = MEMORY.current_usage();
    let mut network = config.init(&device)?.with_engine(Engine::Burn);
    let momentum = MomentumConfig::new().with_momentum(0.9);
    let mut optimizer = SgdConfig::new().with_momentum(Some(momentum)).init();
    let mut measured = 0;
    // The first step draws the weights, the second is the first with a momentum.
    for _ in 0..3 {
        let resident = (MEMORY.current_usage() - before) as u128;
        let (result, step) = peak(|| -> Result<Vgg, Box<dyn Error>> {
            let images = Tensor::ones(shape, &device);
            let labels = Tensor::<1, Int>::zeros([batch], &device);
            let logits = network.clone().forward(images)?;
            let loss = CrossEntropyLossConfig::new()
                .init(&device)
                .forward(logits, labels);
            let gradients = GradientsParams::from_grads(loss.backward(), &network);
            Ok(optimizer.step(0.01, network, gradients))
        });
        network = result?;
        measured = resident + step;
    }
    let hidden = config.hidden_sizes();
    Ok(Line {
        what: format!("{name} training step, batch {batch}"),
        predicted,
        scratch: linear_backward_scratch(batch, hidden.iter().copied().max().unwrap_or(1)),
        measured,
    })
}

/// What the backward pass of the largest linear layer takes beside its gradients.
fn linear_backward_scratch(batch: usize, side: usize) -> u128 {
    let device = Device::flex().autodiff();
    let layer = LinearConfig::new(side, side).init(&device);
    let input = Tensor::<2>::ones([batch, side], &device).require_grad();
    let loss = layer.forward(input).sum();
    let (gradients, taken) = peak(|| loss.backward());
    drop(gradients);
    taken.saturating_sub(4 * (side * side + side + 2 * batch * side) as u128)
}

struct Peaks {
    inference: cost::report::MemoryReport,
    training: Option<cost::report::MemoryReport>,
}

fn report(
    config: &VggConfig,
    batch: usize,
    device: &Device,
    optimizer: Option<Optimizer>,
) -> Result<Peaks, Box<dyn Error>> {
    let network = config.init(device)?;
    let shape = shape(config, batch);
    let analysis = analyse(&network, |network, inputs| {
        let (images, labels) = (inputs.float(shape), inputs.int([batch]));
        let logits = network.forward(images);
        logits.map(|logits| match optimizer {
            Some(_) => {
                let loss = CrossEntropyLossConfig::new().init(&logits.device());
                vec![loss.forward(logits, labels)]
            }
            None => vec![logits.flatten(0, 1)],
        })
    })?;
    let options = Options {
        training: optimizer,
        ..Options::default()
    };
    let report = analysis.report(&options);
    Ok(Peaks {
        inference: report.inference,
        training: report.training.map(|training| training.memory),
    })
}

/// The heap that an analysis itself takes.
fn analysis(name: &str) -> Result<(), Box<dyn Error>> {
    let config = VggConfig::named(name)?;
    let shape = shape(&config, 1);
    let network = config.init(&Device::flex())?;
    let (report, taken) = peak(|| {
        let options = Options::default().with_training(Optimizer::Adam);
        analyse(&network, |network, inputs| {
            network.forward(inputs.float(shape))
        })
        .map(|analysis| analysis.report(&options))
    });
    report?;
    console::say!(
        "\nanalysis of {name} with training and memory: {} of heap",
        bytes(taken)
    );
    Ok(())
}
