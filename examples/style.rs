//! Paints the content of one picture in the style of another.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use burn::module::{Module, Param};
use burn::optim::{AdamConfig, GradientsParams};
use burn::tensor::{Distribution, Tensor};
use clap::Parser;
use examples::network::{NetworkOptions, Opened, input};
use examples::{picture, values};
use vgg::{FeatureLayer, PerceptualLoss, VggFeatures, gram};

/// Paint the content of one picture in the style of another.
///
/// Starts from the content and changes its pixels step by step, so that a network sees the same
/// things in the same places (content: the feature map of a late layer), and the same colours,
/// strokes and textures as in the other picture (style: which channels of several layers are
/// active together). After Gatys, Ecker and Bethge, "A Neural Algorithm of Artistic Style", 2015.
#[derive(Parser)]
#[command(version, after_help = EXAMPLES)]
struct Options {
    /// The picture whose content is kept
    #[arg(long, value_name = "FILE")]
    content: PathBuf,

    /// The picture whose style is taken
    #[arg(long, value_name = "FILE")]
    style: PathBuf,

    #[command(flatten)]
    network: NetworkOptions,

    /// How often the pixels are changed
    #[arg(long, value_name = "N", default_value_t = 300)]
    steps: usize,

    /// How far they change in a step, of their range from 0 to 1
    #[arg(long, value_name = "F", default_value_t = 0.02)]
    lr: f64,

    /// The longer side of the result, in pixels
    #[arg(long, value_name = "N", default_value_t = 256)]
    side: usize,

    /// How much content counts, beside a style of 1
    #[arg(long, value_name = "F", default_value_t = 0.1)]
    content_weight: f64,

    /// How much smoothness counts, beside a style of 1: without it, noise that the network does not
    /// see is left in the picture
    #[arg(long, value_name = "F", default_value_t = 1.0)]
    smoothness: f64,

    /// Layers for the content
    #[arg(
        long,
        value_name = "NAMES",
        value_delimiter = ',',
        default_value = "relu4_2"
    )]
    content_layers: Vec<String>,

    /// Layers for the style
    #[arg(
        long,
        value_name = "NAMES",
        value_delimiter = ',',
        default_value = "relu1_1,relu2_1,relu3_1,relu4_1,relu5_1"
    )]
    style_layers: Vec<String>,

    /// Start from noise instead of the content
    #[arg(long)]
    from_noise: bool,

    /// Write the picture every so many steps
    #[arg(long, value_name = "N", default_value_t = 50)]
    every: usize,

    /// Where the pictures go: step-N.png and style.png
    #[arg(long, value_name = "DIR", default_value = "style")]
    out: PathBuf,

    /// What computes: flex, or a backend that was compiled in
    #[arg(long, value_name = "NAME", default_value = "flex")]
    backend: String,
}

const EXAMPLES: &str = "\
Examples:
  style --content cat.png --style painting.jpg --weights vgg19.pth --model vgg19
  style --content cat.png --style painting.jpg --weights vgg16.pth --content-weight 0.02
  style --content cat.png --style coffee.png --random-weights --steps 100";

/// Time between two lines.
const INTERVAL: Duration = Duration::from_secs(2);

fn main() -> ExitCode {
    console::code(run(&Options::parse()))
}

/// The picture that is painted, values 0 to 1.
#[derive(Module, Debug)]
struct Canvas {
    pixels: Param<Tensor<4>>,
}

fn run(options: &Options) -> Result<(), Box<dyn Error>> {
    let device = vgg::device(&options.backend)?;
    let Opened {
        network,
        normalization,
        order,
        ..
    } = options.network.open(&device)?;
    let channels = network.config().input_channels;
    let features = network.into_features();
    let content = picture::read(&options.content, channels, options.side, &device)?;
    let style = picture::read(&options.style, channels, options.side, &device)?;
    let start = match options.from_noise {
        false => content.clone(),
        true => {
            device.seed(options.network.seed);
            Tensor::random(content.dims(), Distribution::Uniform(0.0, 1.0), &device)
        }
    };
    let [content, style] = [content, style].map(|image| input(image, &normalization, order));
    let loss = loss(options, &features, &content, &style)?;
    let target = loss.target(content, style)?;
    let see = |canvas: &Canvas| input(canvas.pixels.val(), &normalization, order);

    let mut canvas = Canvas {
        pixels: Param::from_tensor(Tensor::from_inner(start)),
    };
    let mut optimizer = AdamConfig::new().init();
    let began = Instant::now();
    let mut last_line: Option<Instant> = None;
    for step in 1..=options.steps {
        let parts = loss.forward(see(&canvas), &target)?;
        let [content, style] = [&parts.content, &parts.style].map(|part| number(part.clone()));
        let (content, style) = (content?, style?);
        if last_line.is_none_or(|last| last.elapsed() >= INTERVAL) || step == options.steps {
            last_line = Some(Instant::now());
            let seconds = began.elapsed().as_secs_f64();
            let left = seconds / step as f64 * (options.steps - step) as f64;
            console::say!(
                "step {step}/{}  content {content:.4}  style {style:.4}  {left:.0} s left",
                options.steps
            );
        }
        let rough = roughness(canvas.pixels.val()).mul_scalar(options.smoothness);
        let sum = parts.content.mul_scalar(options.content_weight) + parts.style + rough;
        let gradients = GradientsParams::from_grads(sum.backward(), &canvas);
        canvas = optimizer.step(options.lr, canvas, gradients);
        // Colours that no screen shows would cost nothing and look wrong.
        canvas.pixels = canvas
            .pixels
            .map(|pixels| Tensor::from_inner(pixels.inner().clamp(0.0, 1.0)).require_grad());
        if options.every > 0 && step % options.every == 0 && step < options.steps {
            write(&canvas, &options.out.join(format!("step-{step}.png")))?;
        }
    }
    let path = options.out.join("style.png");
    write(&canvas, &path)?;
    console::say!("{:.0} s; {}", began.elapsed().as_secs_f64(), path.display());
    Ok(())
}

/// The mean square of the difference of neighbouring pixels, across and down.
fn roughness(pixels: Tensor<4>) -> Tensor<1> {
    let [_, _, height, width] = pixels.dims();
    let difference = |dim: usize, size: usize| {
        if size < 2 {
            return Tensor::zeros([1], &pixels.device());
        }
        let next = pixels.clone().narrow(dim, 1, size - 1);
        let difference = next - pixels.clone().narrow(dim, 0, size - 1);
        difference.powi_scalar(2).mean()
    };
    difference(2, height) + difference(3, width)
}

/// A loss in which every layer counts the same for style, and for content: each is divided by what
/// its target amounts to, so that the weights mean the same for every network.
fn loss(
    options: &Options,
    features: &VggFeatures,
    content: &Tensor<4>,
    style: &Tensor<4>,
) -> Result<PerceptualLoss, Box<dyn Error>> {
    let named = |names: &[String]| -> Result<Vec<FeatureLayer>, vgg::LayerError> {
        names
            .iter()
            .map(|name| features.config().feature_layer(name))
            .collect()
    };
    let (content_layers, style_layers) = (
        named(&options.content_layers)?,
        named(&options.style_layers)?,
    );
    let maps = features.forward_at(content.clone(), &content_layers)?;
    let grams = features
        .forward_at(style.clone(), &style_layers)?
        .into_iter()
        .map(gram);
    let content = maps
        .into_iter()
        .map(|map| energy(map.powi_scalar(2).mean()));
    let style = grams.map(|gram| energy(gram.powi_scalar(2).mean()));
    let content = weighted(&content_layers, content)?;
    let style = weighted(&style_layers, style)?;
    Ok(PerceptualLoss::new(features, &content, &style)?)
}

type Energy = Result<f64, Box<dyn Error>>;

fn weighted(
    layers: &[FeatureLayer],
    energies: impl Iterator<Item = Energy>,
) -> Result<Vec<(FeatureLayer, f64)>, Box<dyn Error>> {
    let count = layers.len() as f64;
    let weight = |(&layer, energy): (&FeatureLayer, Energy)| Ok((layer, 1.0 / (energy? * count)));
    layers.iter().zip(energies).map(weight).collect()
}

fn energy(mean: Tensor<1>) -> Energy {
    Ok(number(mean)?.max(f64::from(f32::MIN_POSITIVE)))
}

fn number(tensor: Tensor<1>) -> Energy {
    Ok(values(tensor)?
        .first()
        .map_or(0.0, |&value| f64::from(value)))
}

fn write(canvas: &Canvas, path: &Path) -> Result<(), Box<dyn Error>> {
    picture::save(&picture::picture(canvas.pixels.val().inner())?, path)
}
