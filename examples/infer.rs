//! Recognises what pictures show, with the shipped network or one of your own.

use std::error::Error;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use burn::tensor::Device;
use clap::Parser;
use console::printable;
use examples::classes::{LONGEST_NAME, difference};
use examples::foreign::Foreign;
use examples::network::downloading;
use vgg::data::{DataOptions, ImageSet};
use vgg::train::{Evaluation, RunFolder, evaluate};
use vgg::{Answer, Classifier, ClassifyError, Engine, PretrainedWeights, VggConfig, WeightsError};

/// Say what pictures show.
///
/// Without a network of your own it uses a small one that is shipped with this program; it knows
/// ten kinds of clothes. With --model vgg16 --pretrained it uses published weights, which know the
/// 1,000 classes of ImageNet. Pictures are PNG, JPEG, WebP, BMP, GIF or TIFF of any size, grey or colour, dark on light
/// or light on dark. What cannot be recognised is told on standard error, and the others are
/// recognised all the same; then the program ends with code 1.
#[derive(Parser)]
#[command(version, after_help = EXAMPLES, args_override_self = true)]
struct Options {
    /// Pictures to recognise
    images: Vec<PathBuf>,

    /// Use the network of this run
    #[arg(long, value_name = "DIR", conflicts_with = "weights")]
    run: Option<PathBuf>,

    /// Use the network in this file: one that `train` wrote, or with --model the weights of
    /// torchvision or timm (.pth or .safetensors)
    #[arg(long, value_name = "FILE")]
    weights: Option<PathBuf>,

    /// The network of --pretrained or --weights: vgg11, vgg11-bn, ... vgg19-bn
    #[arg(long, value_name = "NAME", conflicts_with = "run")]
    model: Option<String>,

    #[command(flatten)]
    foreign: Foreign,

    /// Use the published weights of --model; downloaded once (500 MB) and kept in VGG_HOME or
    /// the system's cache folder
    #[arg(long, requires = "model", conflicts_with = "weights")]
    pretrained: bool,

    /// What computes: flex, or a backend that was compiled in
    #[arg(long, value_name = "NAME", default_value = "flex")]
    backend: String,

    /// Which device of the backend, counted from 0; --list-devices shows them
    #[arg(long, value_name = "N")]
    device: Option<usize>,

    /// Show the devices of the backends that are compiled in and leave
    #[arg(long)]
    list_devices: bool,

    /// What computes the layers: winograd (where it has kernels for the backend) or burn
    #[arg(long, value_name = "NAME", default_value_t)]
    engine: Engine,

    /// Show so many of the most probable classes
    #[arg(long, value_name = "K", default_value_t = 5)]
    top: usize,

    /// Write JSON, one object a picture: its `classes`, or the `error` if it cannot be recognised
    #[arg(long)]
    json: bool,

    /// Write the network to this ONNX file, for ONNX Runtime and other tools: docs/weights.md says what goes into it
    /// and what they have to do to a picture first
    #[arg(long, value_name = "FILE")]
    export: Option<PathBuf>,

    /// Recognise so many of the shipped test images, and draw them
    #[arg(long, value_name = "N")]
    samples: Option<usize>,

    /// Recognise all test images of --data: accuracy, and precision and recall of each class
    #[arg(long)]
    evaluate: bool,

    /// The data of --evaluate, as `train --data` knows it
    #[arg(long, default_value = "embedded")]
    data: String,

    /// Use at most so many test images for --evaluate
    #[arg(long, value_name = "N")]
    limit: Option<usize>,

    /// Leave out broken images of a folder
    #[arg(long)]
    skip_broken: bool,
}

const EXAMPLES: &str = "\
Examples:
  infer --samples 8
  infer shirt.jpg bag.png --top 5
  infer --model vgg16 --pretrained cat.jpg
  infer --model vgg16 --weights vgg16-397923af.pth cat.jpg --json
  infer --evaluate --data fashion-mnist
  infer --model vgg16 --pretrained --export vgg16.onnx
  infer --run runs/vgg16-28-1 shirt.jpg --json";

/// Images that the network sees at once in a test.
const BATCH: usize = 100;
/// Pictures that are read and recognised at once.
const READ_AT_ONCE: usize = 16;
/// Characters of a path, more than systems take.
const LONGEST_PATH: usize = 4096;
/// Cells of the longest bar.
const BAR: usize = 30;
/// From nothing to full light.
const SHADES: [char; 10] = [' ', '.', ':', '-', '=', '+', '*', '#', '%', '@'];

fn main() -> ExitCode {
    console::code(run(&Options::parse()))
}

fn run(options: &Options) -> Result<(), Box<dyn Error>> {
    if options.list_devices {
        console::show!("{}", vgg::device::describe_devices());
        return Ok(());
    }
    let only_network = options.images.is_empty() && options.samples.is_none() && !options.evaluate;
    if only_network && options.export.is_none() {
        return Err(
            "nothing to do: name pictures, or use --samples N, --evaluate or --export FILE".into(),
        );
    }
    let backend = match options.device {
        Some(number) => format!("{}:{number}", options.backend),
        None => options.backend.clone(),
    };
    let device = vgg::device(&backend)?;
    let classifier = classifier(options, &device)?;
    let classifier = classifier.with_engine(options.engine);
    if let Some(path) = &options.export {
        export(&classifier, path)?;
    }
    let mut failed = show_pictures(&classifier, options)?;
    if let Some(count) = options.samples {
        failed += show_samples(&classifier, count, options)?;
    }
    if options.evaluate {
        let test = test_images(&classifier, &options.data, options)?;
        let normalization = &classifier.preprocessing().normalization;
        let (set, mut shown) = (Arc::new(test), 0);
        let mut progress = |done: usize| {
            if done / 2000 > shown {
                shown = done / 2000;
                console::note!("{done}/{} images", set.len());
            }
        };
        let network = classifier.prepared();
        let result = evaluate(network, &set, normalization, BATCH, &mut progress)?;
        console::show!("{}", scores(classifier.classes(), &result, options.json)?);
    }
    match failed {
        0 => Ok(()),
        1 => Err("one picture could not be recognised".into()),
        _ => Err(format!("{failed} pictures could not be recognised").into()),
    }
}

/// The network that the options name.
fn classifier(options: &Options, device: &Device) -> Result<Classifier, Box<dyn Error>> {
    if let Some(run) = &options.run {
        return Ok(RunFolder::open(run)?.0.classifier(device)?);
    }
    match (&options.model, &options.weights) {
        (None, None) => Ok(Classifier::shipped(device)?),
        (None, Some(weights)) => {
            if let Some(option) = options.foreign.given() {
                return Err(
                    format!("{option} is for the weights of another tool, with --model").into(),
                );
            }
            Classifier::from_file(weights, device).map_err(|error| match error {
                WeightsError::NoConfig { .. } | WeightsError::Format { .. } => format!(
                    "{error}\nIf these are the weights of torchvision or timm, say of which \
                     network: --model vgg16 --weights {}",
                    weights.display()
                )
                .into(),
                error => error.into(),
            })
        }
        (Some(model), Some(weights)) => {
            let network = VggConfig::named(model)?.init(device)?;
            let foreign = &options.foreign;
            let (network, report) = network.load_with(weights, &foreign.load_options())?;
            foreign.tell(weights, report)?;
            let preprocessing = foreign.preprocessing(network.config())?;
            let classes = foreign.classes(network.config().classes)?;
            Ok(Classifier::new(network, classes, preprocessing)?)
        }
        (Some(model), None) if options.pretrained => {
            let weights = PretrainedWeights::named(model)?;
            let mut progress = downloading(&weights.address);
            Ok(weights.classifier(device, &mut progress)?)
        }
        (Some(model), None) => Err(format!(
            "which weights of {model}? --pretrained downloads the published ones, --weights FILE \
             takes a file of torchvision or timm"
        )
        .into()),
    }
}

/// Writes the network as ONNX, and says on standard error what that takes and gives: standard output is for answers.
fn export(classifier: &Classifier, path: &Path) -> Result<(), Box<dyn Error>> {
    classifier.export_onnx(path)?;
    let [channels, height, width] = classifier.preprocessing().shape;
    console::note!(
        "{}: {:.1} MB; takes `images` [batch, {channels}, {height}, {width}], gives `logits` [batch, {}]",
        printable(&path.display().to_string(), LONGEST_PATH),
        std::fs::metadata(path)?.len() as f64 / 1e6,
        classifier.classes().len()
    );
    Ok(())
}

/// The test images of `name`, which have to fit the network.
fn test_images(
    classifier: &Classifier,
    name: &str,
    options: &Options,
) -> Result<ImageSet, Box<dyn Error>> {
    let data_options = DataOptions {
        shape: classifier.preprocessing().shape,
        skip_broken: options.skip_broken,
        stream: false,
        limit: options.limit,
    };
    let data = examples::data::load(name, &data_options)?;
    match difference(classifier.classes(), &data.classes, name) {
        Some(difference) => Err(difference.into()),
        None => Ok(data.test.in_order(classifier.preprocessing().order)),
    }
}

/// The pictures of the command line in their order, some at once; gives how many could not be recognised.
fn show_pictures(classifier: &Classifier, options: &Options) -> Result<usize, Box<dyn Error>> {
    let mut failed = 0;
    for paths in options.images.chunks(READ_AT_ONCE) {
        let read = classifier.preprocessing().read_all(paths);
        let pixels: Vec<&[u8]> = read.iter().flatten().map(Vec::as_slice).collect();
        let mut recognised = recognise(classifier, &pixels)?.into_iter();
        for (path, read) in paths.iter().zip(&read) {
            let title = path.display().to_string();
            let found = match read {
                // As many were recognised as were read.
                Ok(_) => recognised
                    .next()
                    .unwrap_or_else(|| Err("no answer".to_owned())),
                Err(error) => Err(error.to_string()),
            };
            match found {
                Ok(answer) => {
                    let answer = shown(&answer, &title, options)?;
                    console::say!("{answer}");
                }
                Err(reason) => {
                    failed += 1;
                    show_failure(&title, &reason, options);
                }
            }
        }
    }
    Ok(failed)
}

/// What each of some images shows, or why that cannot be said.
///
/// # Errors
/// A device that failed, which serves no other image either.
fn recognise(
    classifier: &Classifier,
    images: &[&[u8]],
) -> Result<Vec<Result<Answer, String>>, ClassifyError> {
    match classifier.classify_pixels(&images.concat()) {
        Ok(answers) => Ok(answers.into_iter().map(Ok).collect()),
        Err(error @ ClassifyError::Values(_)) => Err(error),
        Err(error) if images.len() == 1 => Ok(vec![Err(error.to_string())]),
        // Whose error it is shows when each is asked alone.
        Err(_) => {
            let alone = images.iter().map(|image| recognise(classifier, &[image]));
            Ok(alone.collect::<Result<Vec<_>, _>>()?.concat())
        }
    }
}

/// Says why a picture could not be recognised; with --json in its place among the answers, too.
fn show_failure(title: &str, reason: &str, options: &Options) {
    let (name, short) = (
        printable(title, LONGEST_PATH),
        printable(reason, LONGEST_PATH),
    );
    match reason.starts_with(title) {
        true => console::note!("error: {short}"),
        false => console::note!("error: {name}: {short}"),
    }
    if options.json {
        console::say!("{}", serde_json::json!({"image": title, "error": reason}));
    }
}

/// Some test images with their answers; gives how many could not be recognised.
fn show_samples(
    classifier: &Classifier,
    count: usize,
    options: &Options,
) -> Result<usize, Box<dyn Error>> {
    let set = test_images(classifier, "embedded", options)?.limited(count)?;
    let mut failed = 0;
    for index in 0..set.len() {
        let class = &classifier.classes()[set.label(index)];
        let pixels = &*set.pixels(index)?;
        let title = format!("this is: {class}");
        for found in recognise(classifier, &[pixels])? {
            match found {
                Ok(answer) => {
                    let answer = shown(&answer, &title, options)?;
                    match options.json {
                        true => console::say!("{answer}"),
                        false => {
                            console::say!("{}", beside(&picture(pixels, set.shape()), &answer));
                        }
                    }
                }
                Err(reason) => {
                    failed += 1;
                    show_failure(&title, &reason, options);
                }
            }
        }
    }
    Ok(failed)
}

/// The most probable classes of one image, with bars or as JSON.
fn shown(answer: &Answer, title: &str, options: &Options) -> Result<String, Box<dyn Error>> {
    let ranked = answer.top(options.top.max(1));
    if options.json {
        let classes: Vec<_> = ranked
            .iter()
            .map(
                |guess| serde_json::json!({"class": guess.class, "probability": guess.probability}),
            )
            .collect();
        return Ok(serde_json::json!({"image": title, "classes": classes}).to_string());
    }
    let mut text = format!("{}\n", printable(title, LONGEST_PATH));
    let ranked = ranked.into_iter();
    let ranked: Vec<_> = ranked
        .map(|guess| (guess.probability, printable(guess.class, LONGEST_NAME)))
        .collect();
    let width = ranked.iter().map(|(_, class)| class.chars().count());
    let width = width.max().unwrap_or(0).max(14);
    for (probability, class) in ranked {
        let bar = "█".repeat((probability * BAR as f32).round() as usize);
        writeln!(
            text,
            "  {class:width$} {:5.1} %  {bar}",
            probability * 100.0
        )?;
    }
    Ok(text)
}

/// The mean brightness of the channels as characters, two pixels high each.
fn picture(pixels: &[u8], [channels, height, width]: [usize; 3]) -> String {
    let brightness = |row: usize, column: usize| -> usize {
        let at = |channel: usize| pixels[(channel * height + row) * width + column];
        (0..channels)
            .map(|channel| usize::from(at(channel)))
            .sum::<usize>()
            / channels
    };
    let mut text = String::new();
    for row in (0..height).step_by(2) {
        for column in 0..width {
            let below = brightness((row + 1).min(height - 1), column);
            let value = usize::midpoint(brightness(row, column), below);
            text.push(SHADES[value * (SHADES.len() - 1) / 255]);
        }
        text.push('\n');
    }
    text
}

/// Two texts side by side.
fn beside(left: &str, right: &str) -> String {
    let width = left
        .lines()
        .map(|line| line.chars().count())
        .max()
        .unwrap_or(0);
    let rows = left.lines().count().max(right.lines().count());
    let mut text = String::new();
    for row in 0..rows {
        let left = left.lines().nth(row).unwrap_or("");
        let right = right.lines().nth(row).unwrap_or("");
        text.push_str(format!("{left:width$}  {right}").trim_end());
        text.push('\n');
    }
    text
}

fn scores(classes: &[String], result: &Evaluation, json: bool) -> Result<String, Box<dyn Error>> {
    let finite = |value: f64| value.is_finite().then_some(value);
    let rows = classes.iter().zip(result.scores());
    if json {
        let classes: Vec<_> = rows
            .map(|(class, score)| {
                serde_json::json!({
                    "class": class,
                    "precision": finite(score.precision),
                    "recall": finite(score.recall),
                    "images": score.images,
                })
            })
            .collect();
        let all = serde_json::json!({
            "accuracy": result.accuracy(),
            "loss": result.loss,
            "images": result.images(),
            "classes": classes,
        });
        return Ok(format!("{all}\n"));
    }
    let mut text = String::from("class            precision  recall  images\n");
    let show = |value: f64| finite(value).map_or("-".to_owned(), |value| format!("{value:.3}"));
    for (class, score) in rows {
        let class = printable(class, LONGEST_NAME);
        let (precision, recall) = (show(score.precision), show(score.recall));
        writeln!(
            text,
            "{class:16} {precision:>9}  {recall:>6}  {:>6}",
            score.images
        )?;
    }
    writeln!(
        text,
        "test accuracy: {:.4} ({} images)",
        result.accuracy(),
        result.images()
    )?;
    Ok(text)
}
