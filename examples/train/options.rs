//! The command line.

use std::path::PathBuf;

use clap::{Parser, ValueEnum};
use examples::workers::WorkerOptions;
use vgg::Engine;

/// Train a VGG on real images, test it, and keep the weights, figures and charts of the run.
///
/// Without options it trains the 28×28 VGG on 6,000 images of clothes that are shipped with this
/// program, and tests it on 1,000 others. Ctrl-C stops after the current step; a run that was
/// stopped or killed goes on with --resume.
#[derive(Parser)]
#[command(version, after_help = EXAMPLES, args_override_self = true)]
pub struct Options {
    /// Which network: vgg16-28, vgg11 … vgg19, vgg11-cifar … vgg19-cifar, or one of them with -bn
    /// behind the depth
    #[arg(long, default_value = "vgg16-28", conflicts_with = "resume")]
    pub model: String,

    /// Add batch normalisation to the network
    #[arg(long, conflicts_with = "resume")]
    pub batch_norm: bool,

    /// Multiply the channels of every layer by this
    #[arg(
        long,
        value_name = "F",
        default_value_t = 1.0,
        conflicts_with = "resume"
    )]
    pub width: f64,

    /// Sizes of the hidden linear layers, such as 512,512; "none" for a single linear layer
    #[arg(long, value_name = "N,N", value_parser = hidden_layers, conflicts_with = "resume")]
    pub hidden: Option<Hidden>,

    /// What to train on: embedded, fashion-mnist, mnist, cifar10, or a folder with IDX files,
    /// with CIFAR-10's .bin files, or with one folder of images a class
    #[arg(long, default_value = "embedded", conflicts_with = "resume")]
    pub data: String,

    /// Leave out images of a folder that are broken, instead of giving up
    #[arg(long, conflicts_with = "resume")]
    pub skip_broken: bool,

    /// Leave the images of a folder in their files, and decode them ahead of the training instead of holding them all;
    /// done by itself where they would take more than 4 GiB
    #[arg(long, conflicts_with = "resume")]
    pub stream: bool,

    /// Use at most so many training images, and as many test images
    #[arg(long, value_name = "N", conflicts_with = "resume")]
    pub limit: Option<usize>,

    /// What computes; --list-backends shows what there is [default: flex, or that of the run]
    #[arg(long, value_name = "NAME")]
    pub backend: Option<String>,

    /// What computes the layers: winograd (where it has kernels for the backend) or burn
    #[arg(long, value_name = "NAME", default_value_t, conflicts_with = "resume")]
    pub engine: Engine,

    /// Which device of the backend, counted from 0; --list-devices shows them
    #[arg(long, value_name = "N")]
    pub device: Option<usize>,

    /// Show the backends and leave
    #[arg(long)]
    pub list_backends: bool,

    /// Show the devices of the backends that are compiled in and leave
    #[arg(long)]
    pub list_devices: bool,

    /// How often every image is seen
    #[arg(long, value_name = "N", default_value_t = 6, conflicts_with = "resume")]
    pub epochs: usize,

    /// Images in a step
    #[arg(
        long,
        value_name = "N",
        default_value_t = 64,
        conflicts_with = "resume"
    )]
    pub batch_size: usize,

    /// Compute the images of a step in so many parts, one after the other: less memory, the same gradients (batch
    /// normalisation sees each part for itself)
    #[arg(long, value_name = "N", conflicts_with = "resume")]
    pub accumulate: Option<usize>,

    /// The learning rate is meant for 64 images in a step: multiply it by batch size / 64
    #[arg(long, conflicts_with = "resume")]
    pub scale_lr: bool,

    /// The highest learning rate [default: 0.02 for sgd, 0.0008 for adamw]
    #[arg(long, value_name = "F", conflicts_with = "resume")]
    pub lr: Option<f64>,

    /// Let the learning rate rise during this part of all steps, before it falls
    #[arg(
        long,
        value_name = "F",
        default_value_t = 0.1,
        conflicts_with = "resume"
    )]
    pub warmup: f64,

    /// How gradients change the weights
    #[arg(long, value_enum, default_value = "adamw", conflicts_with = "resume")]
    pub optimizer: Optimizer,

    /// Pull weights (not biases, not norms) towards zero
    #[arg(
        long,
        value_name = "F",
        default_value_t = 5e-4,
        conflicts_with = "resume"
    )]
    pub weight_decay: f64,

    /// Spread this part of the target over all classes
    #[arg(
        long,
        value_name = "F",
        default_value_t = 0.0,
        conflicts_with = "resume"
    )]
    pub label_smoothing: f64,

    /// Move training images by up to so many pixels
    #[arg(long, value_name = "N", default_value_t = 0, conflicts_with = "resume")]
    pub crop_padding: usize,

    /// Take a random part of each training image, of 8 to 100 % of its area, and scale it to the whole, as networks of
    /// ImageNet are trained; pays with --stream, where it is a part of the picture as it is in its file
    #[arg(long, conflicts_with = "resume")]
    pub random_resized_crop: bool,

    /// Mirror every second training image (never digits): pays in long trainings
    #[arg(long, conflicts_with = "resume")]
    pub mirror: bool,

    /// Every random choice follows from this
    #[arg(long, value_name = "N", default_value_t = 0, conflicts_with = "resume")]
    pub seed: u64,

    /// Where several devices or processes train: let batch normalisation take its statistics over the parts of all
    #[arg(long, conflicts_with = "resume")]
    pub sync_batch_norm: bool,

    #[command(flatten)]
    pub workers: WorkerOptions,

    /// Store the finished weights with 16 bits
    #[arg(long, conflicts_with = "resume")]
    pub half: bool,

    /// The folder of the run [default: a new one in runs/]
    #[arg(long, value_name = "DIR", conflicts_with = "resume")]
    pub out: Option<PathBuf>,

    /// Go on with the run in this folder, with the settings that it was started with
    #[arg(long, value_name = "DIR")]
    pub resume: Option<PathBuf>,
}

const EXAMPLES: &str = "\
Examples:
  train                                   the main job: under ten minutes on two cores
  train --data fashion-mnist --model vgg16-bn-28 --width 0.25 --epochs 10 --mirror
  train --data photos --model vgg11-bn --width 0.5 --backend wgpu
  train --data imagenet --model vgg16-bn --random-resized-crop --mirror --stream
  mpirun -n 4 train --distributed         four processes, each with a quarter of every batch
  train --resume runs/vgg16-28-1          after Ctrl-C, a crash or a power cut";

#[derive(Clone, Copy, ValueEnum)]
pub enum Optimizer {
    Sgd,
    Adamw,
}

#[derive(Clone)]
pub struct Hidden(pub Vec<usize>);

fn hidden_layers(text: &str) -> Result<Hidden, String> {
    let number = |part: &str| {
        part.trim()
            .parse()
            .map_err(|_| format!("{part:?} is no size"))
    };
    match text {
        "none" => Ok(Hidden(vec![])),
        _ => text
            .split(',')
            .map(number)
            .collect::<Result<_, _>>()
            .map(Hidden),
    }
}
