//! Holds the least times that `cost` computes from a machine's peaks against what VGG-16 and ResNet-18 take on it.

// The network stands once in the workspace, beside the program that shows winograd's convolutions in it.
#[path = "../../../crates/winograd/examples/resnet18/model.rs"]
mod resnet18;

use std::error::Error;
use std::process::ExitCode;
use std::time::Instant;

use burn::nn::conv::Conv2d;
use burn::tensor::{Device, Tensor};
use clap::Parser;
use cost::bounds::{Bounds, Peaks};
use cost::{Options, analyse};
use vgg::{Engine, VggConfig};
use winograd::burn::Conv2dExt;

use resnet18::{PreparedResNet, ResNet};

/// Measure the processor's peaks, and hold the least times that follow from them and from the counts of `cost`
/// against the times of VGG-16 and ResNet-18 on Flex: with Burn's own operations, which do the arithmetic that is
/// counted, with winograd's, which do less, and prepared for inference.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// Images in a call
    #[arg(long, value_delimiter = ',', default_value = "1,8")]
    batch: Vec<usize>,

    /// Threads [default: all]
    #[arg(long)]
    threads: Option<usize>,

    /// How often each side is measured, in turns
    #[arg(long, default_value_t = 9)]
    rounds: usize,
}

/// One way to compute a network: its name, and a call.
type Side<'a> = (
    &'static str,
    Box<dyn Fn() -> Result<Tensor<2>, Box<dyn Error>> + 'a>,
);

fn main() -> ExitCode {
    console::code(run(&Arguments::parse()))
}

fn run(arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    if let Some(threads) = arguments.threads {
        rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build_global()?;
    }
    let measured = benches::Peaks::of_processor();
    let peaks = Peaks {
        flops_per_second: measured.gflops * 1e9,
        bytes_per_second: measured.gigabytes_per_second * 1e9,
    };
    console::say!(
        "{}, {} threads: at most {:.0} GFLOP/s, {:.1} GB/s; median of {} rounds, in milliseconds\n",
        benches::Processor::this(None),
        rayon::current_num_threads(),
        measured.gflops,
        measured.gigabytes_per_second,
        arguments.rounds
    );
    console::say!(
        "{:<20} {:>14} {:>11} {:>7}   {:<9} {:>7} {:>9}",
        "network",
        "by arithmetic",
        "by memory",
        "least",
        "computed",
        "took",
        "of least"
    );
    for &batch in &arguments.batch {
        vgg16(batch, peaks, arguments.rounds)?;
        resnet(batch, peaks, arguments.rounds)?;
    }
    Ok(())
}

fn vgg16(batch: usize, peaks: Peaks, rounds: usize) -> Result<(), Box<dyn Error>> {
    let device = Device::flex();
    let network = VggConfig::named("vgg16")?.init(&device)?;
    let shape = [batch, 3, 224, 224];
    let analysis = analyse(&network, |network, inputs| {
        network.forward(inputs.float(shape))
    })?;
    let images = Tensor::<4>::ones(shape, &device);
    let own = network.clone().with_engine(Engine::Burn);
    let prepared = network.prepare();
    let sides: [Side; 3] = [
        ("burn", Box::new(|| Ok(own.forward(images.clone())?))),
        (
            "winograd",
            Box::new(|| Ok(network.forward(images.clone())?)),
        ),
        (
            "prepared",
            Box::new(|| Ok(prepared.forward(images.clone())?)),
        ),
    ];
    let report = analysis.report(&Options::default()).with_bounds(peaks);
    show(
        &format!("vgg16, batch {batch}"),
        report.bounds,
        &sides,
        rounds,
    )
}

fn resnet(batch: usize, peaks: Peaks, rounds: usize) -> Result<(), Box<dyn Error>> {
    let device = Device::flex();
    let network = ResNet::new(64, 1000, &device);
    let shape = [batch, 3, 224, 224];
    let analysis = analyse(&network, |network, inputs| {
        network.forward(inputs.float(shape), Conv2d::forward)
    })?;
    let images = Tensor::<4>::ones(shape, &device);
    let prepared = PreparedResNet::new(&network)?;
    let sides: [Side; 3] = [
        (
            "burn",
            Box::new(|| Ok(network.forward(images.clone(), Conv2d::forward))),
        ),
        (
            "winograd",
            Box::new(|| Ok(network.forward(images.clone(), Conv2d::forward_winograd))),
        ),
        (
            "prepared",
            Box::new(|| Ok(prepared.forward(images.clone()))),
        ),
    ];
    let report = analysis.report(&Options::default()).with_bounds(peaks);
    show(
        &format!("resnet18, batch {batch}"),
        report.bounds,
        &sides,
        rounds,
    )
}

/// Measures the sides in turns, and prints a line of each beside the bounds.
fn show(
    network: &str,
    bounds: Option<Bounds>,
    sides: &[Side],
    rounds: usize,
) -> Result<(), Box<dyn Error>> {
    let bounds = bounds.ok_or("the report has no bounds")?;
    let mut times = vec![Vec::new(); sides.len()];
    for round in 0..=rounds {
        for ((_, call), times) in sides.iter().zip(&mut times) {
            let start = Instant::now();
            drop(call()?);
            // The first call of each draws weights, and does not count.
            if round > 0 {
                times.push(start.elapsed().as_secs_f64() * 1e3);
            }
        }
    }
    let least = 1e3 * bounds.sum.seconds();
    for (row, ((side, _), times)) in sides.iter().zip(&times).enumerate() {
        let head = match row {
            0 => format!(
                "{network:<20} {:>14.1} {:>11.1} {least:>7.1}",
                1e3 * bounds.sum.arithmetic_seconds,
                1e3 * bounds.sum.memory_seconds,
            ),
            _ => String::new(),
        };
        let took = benches::median(times);
        console::say!("{head:<55}   {side:<9} {took:>7.1} {:>9.2}", took / least);
    }
    Ok(())
}
