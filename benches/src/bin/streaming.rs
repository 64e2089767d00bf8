//! What it costs to train on a folder of pictures without holding them in memory: how long a start takes, how fast
//! pictures are decoded, and how fast a training is beside one that holds them all.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Instant;

use burn::data::dataloader::DataLoader;
use burn::tensor::Device;
use clap::{Parser, ValueEnum};
use image::codecs::jpeg::JpegEncoder;
use image::{Rgb, RgbImage};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use vgg::VggConfig;
use vgg::data::{DataOptions, ImageData, Normalization, load};
use vgg::train::{
    Augmentation, EpochLoader, OptimizerKind, Outcome, RunConfig, RunFolder, TrainConfig, Watch,
    train,
};

/// Make a folder of small pictures, and measure a training that reads them while it goes on.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// Where the pictures are, or are made: FOLDER/train/CLASS/NUMBER.jpg and FOLDER/test/CLASS/NUMBER.jpg
    folder: PathBuf,

    /// Pictures in all, a tenth of them for the test
    #[arg(long, default_value_t = 200_000)]
    images: usize,

    /// Classes
    #[arg(long, default_value_t = 100)]
    classes: usize,

    /// Pixels on a side
    #[arg(long, default_value_t = 64)]
    side: usize,

    /// The network of the training
    #[arg(long, default_value = "vgg11-bn")]
    model: String,

    /// Multiply the channels of every layer by this
    #[arg(long, default_value_t = 0.25)]
    width: f64,

    /// Pictures that are trained on in each training
    #[arg(long, default_value_t = 20_000)]
    train: usize,

    /// How often each kind of training is measured, in turns
    #[arg(long, default_value_t = 2)]
    rounds: usize,

    /// Be one of the processes
    #[arg(long, hide = true)]
    one: Option<Kind>,
}

/// What a process measures.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// A start without the images in memory.
    Start,
    /// Decoding.
    Decode,
    /// A training with all images in memory.
    Memory,
    /// A training that reads them meanwhile.
    Streamed,
}

/// What a process says.
#[derive(Serialize, Deserialize)]
struct Said {
    seconds: f64,
    images: usize,
    /// The most memory that it held.
    peak: Option<u64>,
    line: String,
}

impl Said {
    fn rate(&self) -> f64 {
        self.images as f64 / self.seconds
    }

    fn show(&self, what: &str) {
        let peak = self
            .peak
            .map_or("?".to_owned(), |bytes| format!("{:.2}", bytes as f64 / 1e9));
        console::say!(
            "{what:<32} {:>9.2} {:>10.0} {peak:>8}  {}",
            self.seconds,
            self.rate(),
            self.line
        );
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse();
    if let Some(kind) = arguments.one {
        let said = match kind {
            Kind::Start => start(&arguments)?,
            Kind::Decode => decode(&arguments)?,
            Kind::Memory | Kind::Streamed => training(&arguments, kind == Kind::Streamed)?,
        };
        console::say!("{}", serde_json::to_string(&said)?);
        return Ok(());
    }
    if !arguments.folder.is_dir() {
        let start = Instant::now();
        generate(&arguments)?;
        console::say!(
            "{} pictures made in {:.0} s",
            arguments.images,
            start.elapsed().as_secs_f64()
        );
        // A folder that has changed just now is not indexed.
        std::thread::sleep(std::time::Duration::from_secs(3));
    }
    // An index of its own, which is not there yet.
    let home = arguments.folder.with_extension("index");
    if home.is_dir() {
        fs::remove_dir_all(&home)?;
    }
    let one = |kind: Kind, threads: Option<usize>| process(&home, kind, threads);
    console::say!(
        "{:<32} {:>9} {:>10} {:>8}",
        "",
        "seconds",
        "images/s",
        "peak GB"
    );
    one(Kind::Start, None)?.show("first start");
    one(Kind::Start, None)?.show("second start");
    one(Kind::Decode, Some(1))?.show("decoding on one thread");
    let (mut memory, mut streamed) = (0.0f64, 0.0f64);
    for _ in 0..arguments.rounds {
        let said = one(Kind::Memory, None)?;
        said.show("training, all in memory");
        memory = memory.max(said.rate());
        let said = one(Kind::Streamed, None)?;
        said.show("training, streamed");
        streamed = streamed.max(said.rate());
    }
    console::say!(
        "the faster of the streamed trainings has {:.3} of the rate of the faster one in memory",
        streamed / memory
    );
    Ok(())
}

/// This program with its own arguments, as a process that measures one thing.
fn process(home: &Path, kind: Kind, threads: Option<usize>) -> Result<Said, Box<dyn Error>> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(std::env::args_os().skip(1));
    let name = kind.to_possible_value().ok_or("a hidden kind")?;
    command.args(["--one", name.get_name()]);
    command.env("VGG_HOME", home).stderr(Stdio::inherit());
    if let Some(threads) = threads {
        command.env("RAYON_NUM_THREADS", threads.to_string());
    }
    let output = command.output()?;
    let text = String::from_utf8(output.stdout)?;
    match text.lines().last() {
        Some(line) if output.status.success() => Ok(serde_json::from_str(line)?),
        _ => Err(format!("a process has failed: {text}").into()),
    }
}

/// Stripes and spots that differ with class and number.
fn picture(side: usize, class: usize, number: usize) -> RgbImage {
    let (class, number) = (class as u64, number as u64);
    let mixed = |value: u64| (value ^ (value >> 31)).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40;
    let shift = mixed(class * 1_000_003 + number);
    RgbImage::from_fn(side as u32, side as u32, |x, y| {
        let (x, y) = (u64::from(x), u64::from(y));
        let stripe = ((x * (1 + class % 10) + y * (1 + class / 10) + shift) % 64) * 3;
        let spot = mixed(x / 4 + (y / 4) * 97 + number * 7919) % 64;
        Rgb([stripe + spot, stripe / 2 + spot, 255 - stripe].map(|value| value as u8))
    })
}

fn generate(arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    // Under another name until it is whole.
    let unfinished = arguments.folder.with_extension("unfinished");
    let each = arguments.images / arguments.classes;
    for part in ["train", "test"] {
        for class in 0..arguments.classes {
            fs::create_dir_all(unfinished.join(part).join(format!("class{class:04}")))?;
        }
    }
    let write = |index: usize| -> Result<(), String> {
        let (class, number) = (index / each, index % each);
        let part = if number % 10 == 9 { "test" } else { "train" };
        let path = unfinished
            .join(part)
            .join(format!("class{class:04}/{number:06}.jpg"));
        let mut bytes = Vec::new();
        picture(arguments.side, class, number)
            .write_with_encoder(JpegEncoder::new_with_quality(&mut bytes, 85))
            .map_err(|error| error.to_string())?;
        fs::write(&path, bytes).map_err(|error| format!("{}: {error}", path.display()))
    };
    (0..each * arguments.classes)
        .into_par_iter()
        .try_for_each(write)?;
    fs::rename(&unfinished, &arguments.folder)?;
    Ok(())
}

fn data(arguments: &Arguments, stream: bool) -> Result<ImageData, Box<dyn Error>> {
    let options = DataOptions {
        shape: [3, arguments.side, arguments.side],
        skip_broken: false,
        stream,
        limit: None,
    };
    let name = arguments.folder.to_string_lossy();
    Ok(load(&name, &options, &mut |_, _| {})?)
}

/// Up to the moment when the first step could be made.
fn start(arguments: &Arguments) -> Result<Said, Box<dyn Error>> {
    let start = Instant::now();
    let data = data(arguments, true)?;
    let settings = TrainConfig::new(OptimizerKind::Sgd, 0.01);
    RunConfig::for_data(VggConfig::named(&arguments.model)?, settings, &data)?;
    Ok(Said {
        seconds: start.elapsed().as_secs_f64(),
        images: data.train.len() + data.test.len(),
        peak: benches::peak_memory(),
        line: String::new(),
    })
}

fn decode(arguments: &Arguments) -> Result<Said, Box<dyn Error>> {
    let set = data(arguments, true)?.train.limited(arguments.train)?;
    // Twice: the files are in the system's memory then.
    let mut rates = Vec::new();
    for _ in 0..2 {
        let start = Instant::now();
        for index in 0..set.len() {
            set.pixels(index)?;
        }
        rates.push(start.elapsed().as_secs_f64());
    }
    // With what a training does with them, beside the thread that decodes.
    let augmentation = Augmentation::new()
        .with_mirror(true)
        .with_random_resized_crop(Some(true));
    let normalization = Normalization::measure(&set)?;
    let (images, set) = (set.len(), Arc::new(set));
    let device = Device::flex();
    let loader = EpochLoader::in_order(set, Arc::new(normalization), 64, &device);
    let loader = loader.shuffled(1, augmentation, 0);
    let start = Instant::now();
    for batch in loader.iter() {
        batch?;
    }
    let cropped = images as f64 / start.elapsed().as_secs_f64();
    Ok(Said {
        seconds: rates[1],
        images,
        peak: benches::peak_memory(),
        line: format!("with random crops {cropped:.0} images/s"),
    })
}

fn training(arguments: &Arguments, stream: bool) -> Result<Said, Box<dyn Error>> {
    let mut data = data(arguments, stream)?;
    data.train = data.train.limited(arguments.train)?;
    data.test = data.test.limited(100)?;
    let model = VggConfig::named(&arguments.model)?.with_width(arguments.width);
    let settings = TrainConfig::new(OptimizerKind::Sgd, 0.01)
        .with_epochs(1)
        .with_augmentation(Augmentation::new().with_mirror(true));
    let config = RunConfig::for_data(model, settings, &data)?;
    let run = arguments.folder.with_extension("run");
    if run.is_dir() {
        fs::remove_dir_all(&run)?;
    }
    let folder = RunFolder::create(&run, &config)?;
    let (lines, said) = std::sync::mpsc::channel();
    let watch = Watch {
        line: Box::new(move |line| drop(lines.send(line.to_owned()))),
        ..Watch::none()
    };
    let outcome = train(&folder, &config, data, &Device::flex(), watch)?;
    let Outcome::Finished(summary) = outcome else {
        return Err("the training was stopped".into());
    };
    fs::remove_dir_all(&run)?;
    let last = said.try_iter().last().unwrap_or_default();
    let waiting = last.split(", ").find(|part| part.contains("waiting"));
    Ok(Said {
        seconds: summary.seconds,
        images: summary.train_images,
        peak: benches::peak_memory(),
        line: waiting.unwrap_or_default().to_owned(),
    })
}
