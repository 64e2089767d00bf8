//! Winograd's algorithm with numbers: by hand, counted, and measured on a layer.

mod by_hand;
mod layer;

use std::error::Error;
use std::process::ExitCode;

use by_hand::{Count, Transforms, direct, minimal, transformed};
use clap::Parser;
use console::say;
use cost::render::units::grouped;
use layer::Layer;
use winograd::Algorithm;

/// Show how Winograd's algorithm multiplies less, and what it takes instead.
///
/// First two outputs of a filter of three, step by step, with four products where the definition has six. Then how
/// many products a tile of 2×2 and of 4×4 outputs takes. Last a whole layer by this project's kernels: products,
/// memory, time, and how far the results are from those in double precision.
#[derive(Parser)]
#[command(version, after_help = EXAMPLES)]
struct Options {
    /// Four inputs of the calculation by hand
    #[arg(long, value_name = "A,B,C,D", value_parser = four, default_value = "1,2,3,4", allow_hyphen_values = true)]
    inputs: [f64; 4],

    /// The filter of the calculation by hand
    #[arg(long, value_name = "A,B,C", value_parser = three, default_value = "2,1,4", allow_hyphen_values = true)]
    filter: [f64; 3],

    /// Channels of the layer, in and out
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..=1024))]
    channels: u16,

    /// Pixels of a side of the layer's maps
    #[arg(long, value_name = "N", default_value_t = 28, value_parser = clap::value_parser!(u16).range(1..=512))]
    side: u16,
}

const EXAMPLES: &str = "\
Examples:
  winograd
  winograd --inputs 5,-1,0,2 --filter 1,0,-1      other numbers
  winograd --channels 64 --side 224               a layer of VGG-16 for photographs

The text that goes with it: docs/learn/4-winograd.md";

fn numbers<const N: usize>(text: &str) -> Result<[f64; N], String> {
    let number = |part: &str| {
        part.trim()
            .parse::<f64>()
            .ok()
            .filter(|number| number.is_finite())
    };
    let numbers: Option<Vec<_>> = text.split(',').map(number).collect();
    let numbers = numbers.and_then(|numbers| numbers.try_into().ok());
    numbers.ok_or_else(|| format!("{N} numbers with commas between them are expected"))
}

fn four(text: &str) -> Result<[f64; 4], String> {
    numbers(text)
}

fn three(text: &str) -> Result<[f64; 3], String> {
    numbers(text)
}

fn main() -> ExitCode {
    console::code(run(&Options::parse()))
}

fn run(options: &Options) -> Result<(), Box<dyn Error>> {
    line(&options.inputs, &options.filter);
    tiles();
    let (channels, side) = (options.channels.into(), options.side.into());
    measured(Layer { channels, side })
}

/// F(2, 3) step by step.
fn line(inputs: &[f64; 4], filter: &[f64; 3]) {
    let two = Transforms::two();
    let [tile, weights] = [transformed(&two.b, inputs), transformed(&two.g, filter)];
    let products: Vec<_> = tile
        .iter()
        .zip(&weights)
        .map(|(value, weight)| value * weight)
        .collect();
    let definition: Vec<f64> = inputs
        .windows(3)
        .map(|three| {
            three
                .iter()
                .zip(filter)
                .map(|(value, weight)| value * weight)
                .sum()
        })
        .collect();
    say!("F(2,3) by hand");
    say!("  inputs              {}", list(inputs));
    say!("  filter              {}", list(filter));
    say!("  inputs transformed  {}", list(&tile));
    say!("  filter transformed  {}", list(&weights));
    say!("  4 products          {}", list(&products));
    say!(
        "  outputs             {}",
        list(&transformed(&two.a, &products))
    );
    say!("  by 6 products       {}", list(&definition));
}

fn list(numbers: &[f64]) -> String {
    // Adding zero makes zero of minus zero.
    let numbers: Vec<_> = numbers
        .iter()
        .map(|number| (number + 0.0).to_string())
        .collect();
    numbers.join("  ")
}

/// Products of a tile in two dimensions, counted while they are computed, and how far the two results are apart.
fn tiles() {
    say!(
        "\none tile           products, direct  products, Winograd  ratio  additions in transforms  difference"
    );
    for transforms in [Transforms::two(), Transforms::four()] {
        let (m, n) = (transforms.outputs, transforms.inputs());
        let square = |side: usize, seed| -> Vec<Vec<f64>> {
            let values = layer::random(side * side, seed);
            values
                .chunks_exact(side)
                .map(|row| row.iter().map(|&value| value.into()).collect())
                .collect()
        };
        let (tile, filter) = (square(n, 3), square(3, 4));
        let [mut slow, mut fast] = [Count::default(); 2];
        let expected = direct(&tile, &filter, &mut slow);
        let outputs = minimal(&transforms, &tile, &filter, &mut fast);
        let differences = expected.iter().flatten().zip(outputs.iter().flatten());
        let difference = differences.map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        say!(
            "  F({m}×{m}, 3×3)      {:>16}  {:>18}  {:>5.2}  {:>23}  {difference:>10.0e}",
            slow.multiplications,
            fast.multiplications,
            slow.multiplications as f64 / fast.multiplications as f64,
            fast.transform_additions,
        );
    }
}

/// A layer by each algorithm, on one thread: what two of them gain differs from one algorithm to the next.
fn measured(layer: Layer) -> Result<(), Box<dyn Error>> {
    let one = rayon::ThreadPoolBuilder::new().num_threads(1).build()?;
    let (maps, weights) = layer.values();
    let exact = layer.exact(&maps, &weights);
    let Layer { channels, side } = layer;
    say!("\n{channels} → {channels} channels, {side}×{side}, f32, one thread");
    say!("                        products  weights, KiB  workspace, KiB  time, ms    error");
    for (name, algorithm) in [
        ("direct", Algorithm::Im2col),
        ("F(2×2, 3×3)", Algorithm::F2x2),
        ("F(4×4, 3×3)", Algorithm::F4x4),
        ("F(6×6, 3×3)", Algorithm::F6x6),
    ] {
        let row = one.install(|| layer.measure(algorithm, &maps, &weights, &exact))?;
        say!(
            "  {name:12}  {:>16}  {:>12}  {:>14}  {:>8.2}  {:>7.1e}",
            grouped(row.multiplications as u128),
            grouped(row.weight_bytes as u128 / 1024),
            grouped(row.workspace_bytes as u128 / 1024),
            row.milliseconds,
            row.error
        );
    }
    Ok(())
}
