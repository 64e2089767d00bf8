//! A small VGG in plain Burn to train, and to break: what happens without its parts.

mod counts;
mod design;
mod network;
mod training;

use std::error::Error;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;
use cost::render::units::grouped;
use counts::Counts;
use design::Design;
use examples::stop::stoppable;
use training::Training;
use vgg::data::DataOptions;

/// Train a small VGG and one with something changed, side by side, and see what the change does.
///
/// The small VGG has three blocks of two 3×3 convolutions with 8, 16 and 32 channels, each block ending in a 2×2
/// pooling, and two linear layers. It learns to tell ten kinds of clothes apart from 6,000 images that are shipped
/// with this program, and is tested on 1,000 others. Each option changes one thing. Both networks start from the
/// same seed and see the same images in the same order. Ctrl-C stops after the current step.
#[derive(Parser)]
#[command(version, after_help = EXAMPLES, args_override_self = true)]
struct Options {
    /// Leave out what comes behind each layer: max(0, x)
    #[arg(long)]
    without_relu: bool,

    /// Take the mean of 2×2 values where the small VGG takes the largest. Without ReLU too, nothing is left that is
    /// not linear
    #[arg(long)]
    average_pooling: bool,

    /// Blocks, each of which halves the maps: 1 to 4
    #[arg(long, value_name = "N", default_value_t = Design::default().blocks)]
    blocks: usize,

    /// Convolutions in a block: 1 to 8
    #[arg(long, value_name = "N", default_value_t = Design::default().layers)]
    layers: usize,

    /// The side of the filters: 1, 3, 5 …
    #[arg(long, value_name = "N", default_value_t = Design::default().filter)]
    filter: usize,

    /// How often every image is seen; 0 shows only what the networks cost
    #[arg(long, value_name = "N", default_value_t = 5)]
    epochs: usize,

    /// Learn from so many images at most, and be tested on as many
    #[arg(long, value_name = "N")]
    limit: Option<usize>,

    /// Every random choice follows from this: another one shows how much of a difference is chance
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
}

const EXAMPLES: &str = "\
Examples:
  learn                                     the small VGG alone
  learn --without-relu                      beside one that leaves out the ReLUs
  learn --without-relu --average-pooling    beside one that is linear from end to end
  learn --blocks 2                          beside one with a block less
  learn --filter 5                          beside one with larger filters
  learn --filter 5 --layers 1               one 5×5 filter where there were two of 3×3
  learn --filter 5 --epochs 0               what that costs, without training

The text that goes with it: docs/learn/3-train-and-break.md";

/// Between two words on how far an epoch is, on standard error.
const INTERVAL: Duration = Duration::from_secs(4);

fn main() -> ExitCode {
    console::code(run(&Options::parse()))
}

fn run(options: &Options) -> Result<(), Box<dyn Error>> {
    let changed = Design {
        blocks: options.blocks,
        layers: options.layers,
        filter: options.filter,
        relu: !options.without_relu,
        average: options.average_pooling,
    };
    changed.validate()?;
    let device = vgg::device("flex")?;
    let plain = Design::default();
    let mut designs = vec![(plain, Counts::of(plain, &device)?)];
    if changed != plain {
        designs.push((changed, Counts::of(changed, &device)?));
    }
    show(&designs);
    if options.epochs == 0 {
        return Ok(());
    }
    let interrupter = stoppable()?;
    let shape = [1, design::SIDE, design::SIDE];
    let wanted = DataOptions {
        shape,
        skip_broken: false,
        stream: false,
        limit: options.limit,
    };
    let data = examples::data::load("embedded", &wanted)?;
    console::say!(
        "\n{} images to learn from, {} others to be tested on; the part of those that is recognised:",
        grouped(data.train.len() as u128),
        grouped(data.test.len() as u128)
    );
    let training = |(design, _): &_| Training::new(*design, &data, options.seed, &device);
    let mut trainings = designs
        .iter()
        .map(training)
        .collect::<Result<Vec<_>, _>>()?;
    for epoch in 1..=options.epochs {
        let mut line = format!("epoch {epoch}/{}", options.epochs);
        for training in &mut trainings {
            let mut shown = Instant::now();
            let (name, images) = (training.design.name(), data.train.len());
            let progress = |done| {
                if shown.elapsed() >= INTERVAL {
                    shown = Instant::now();
                    console::note!(
                        "epoch {epoch}/{}  {name}: {done} of {images} images",
                        options.epochs
                    );
                }
            };
            if !training.epoch(&interrupter, progress)? {
                console::say!("stopped in epoch {epoch}");
                return Ok(());
            }
            line += &format!("  {name} {:.3}", training.accuracy());
        }
        console::say!("{line}");
    }
    if let ([plain, changed], [(_, before), (_, after)]) = (&trainings[..], &designs[..]) {
        console::say!(
            "{}: {:+} of {} test images, parameters ×{:.2}, MACs ×{:.2}, time ×{:.2}",
            changed.design.name(),
            changed.right as i64 - plain.right as i64,
            grouped(data.test.len() as u128),
            after.parameters as f64 / before.parameters as f64,
            after.macs as f64 / before.macs as f64,
            changed.seconds / plain.seconds,
        );
    }
    Ok(())
}

/// What the networks cost, and what they can see.
fn show(designs: &[(Design, Counts)]) {
    let letters = |(design, _): &(Design, _)| design.name().chars().count();
    let width = designs.iter().map(letters).max().unwrap_or(0);
    console::say!(
        "{:width$}  {:>10}  {:>11}  sees pixels",
        "",
        "parameters",
        "MACs"
    );
    for (design, counts) in designs {
        let (name, field) = (design.name(), design.receptive_field());
        let [parameters, macs] = [counts.parameters, counts.macs].map(grouped);
        console::say!("{name:width$}  {parameters:>10}  {macs:>11}  {field}×{field}");
    }
}
