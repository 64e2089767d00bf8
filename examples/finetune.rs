//! Teaches a trained network other classes, from a folder of photographs.

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;

use burn::tensor::Device;
use clap::Parser;
use examples::network::{NetworkOptions, Opened};
use examples::runs::free_folder;
use vgg::data::{self, DataOptions, ImageData, Preprocessing};
use vgg::train::{
    Augmentation, Interrupter, OptimizerKind, Outcome, RunConfig, RunFolder, Summary, TrainConfig,
    fine_tune,
};
use vgg::{Engine, LayerGroup, Precision, Vgg};

/// Teach a trained network other classes.
///
/// Takes a folder with one folder of PNG or JPEG images a class, or with folders `train` and `test`
/// of such. The network gets a fresh output layer for these classes. First only the linear layers
/// learn, while the features are frozen: a fresh layer's first gradients would spoil them. Then all
/// layers learn, at a tenth of the rate. The second part is a run folder that `infer` reads.
#[derive(Parser)]
#[command(version, after_help = EXAMPLES)]
struct Options {
    /// The folder of images
    #[arg(long, value_name = "FOLDER")]
    data: String,

    #[command(flatten)]
    network: NetworkOptions,

    /// Replace the linear layers by the mean of each channel and one layer: far fewer weights,
    /// and the better choice for few images
    #[arg(long)]
    global_pooling: bool,

    /// Height and width that images are brought to [default: what the network is for]
    #[arg(long, value_name = "N", requires = "global_pooling")]
    side: Option<usize>,

    /// Freeze only the first so many blocks in the first part [default: all]
    #[arg(long, value_name = "N")]
    frozen_blocks: Option<usize>,

    /// How often every image is seen with frozen features
    #[arg(long, value_name = "N", default_value_t = 2)]
    frozen_epochs: usize,

    /// How often every image is seen after that
    #[arg(long, value_name = "N", default_value_t = 3)]
    epochs: usize,

    /// Images in a step
    #[arg(long, value_name = "N", default_value_t = 32)]
    batch_size: usize,

    /// The highest learning rate of the first part; a tenth of it is that of the second
    #[arg(long, value_name = "F", default_value_t = 1e-3)]
    lr: f64,

    /// Mirror every second training image
    #[arg(long)]
    mirror: bool,

    /// Leave out images that are broken, instead of giving up
    #[arg(long)]
    skip_broken: bool,

    /// Where the two run folders go, DIR/frozen and DIR/all [default: a new one in runs/]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,

    /// What computes: flex, or a backend that was compiled in
    #[arg(long, value_name = "NAME", default_value = "flex")]
    backend: String,
}

const EXAMPLES: &str = "\
Examples:
  finetune --data flowers --weights vgg16.pth --global-pooling
  finetune --data flowers --weights vgg16.pth --frozen-blocks 3 --epochs 10 --mirror
  finetune --data clothes --random-weights --model vgg16-bn-28 --width 0.25
  infer --run runs/finetune/all photo.jpg";

/// What the second part's learning rate is of the first's.
const SLOWER: f64 = 0.1;

fn main() -> ExitCode {
    console::code(run(&Options::parse()))
}

fn run(options: &Options) -> Result<(), Box<dyn Error>> {
    let device = vgg::device(&options.backend)?;
    let Opened {
        network,
        normalization,
        order,
        ..
    } = options.network.open(&device)?;
    let [height, width] = network.config().input_size;
    let (height, width) = options.side.map_or((height, width), |side| (side, side));
    let shape = [network.config().input_channels, height, width];
    let data_options = DataOptions {
        shape,
        skip_broken: options.skip_broken,
        limit: None,
    };
    let (data, fit) = data::load(&options.data, &data_options)?;
    // What the weights are used to; random ones are used to nothing.
    let mut preprocessing = Preprocessing::measure(&data.train, fit);
    if !options.network.is_random() {
        preprocessing.normalization = normalization;
        preprocessing.order = order;
    }

    let classes = data.classes.len();
    let network = match options.global_pooling {
        true => network.with_global_pooling(classes)?,
        false => network.with_classes(classes)?,
    };
    network.check_input([1, shape[0], height, width])?;
    console::tell!(
        "{} training and {} test images of {classes} classes: {}",
        data.train.len(),
        data.test.len(),
        data.classes.join(", "),
    );

    let part = options
        .frozen_blocks
        .map_or(LayerGroup::Features, LayerGroup::Blocks);
    let out = options.out.clone();
    let out = out.unwrap_or_else(|| free_folder("finetune"));
    let first = Stage {
        folder: out.join("frozen"),
        epochs: options.frozen_epochs,
        rate: options.lr,
    };
    console::tell!("\nthe features are frozen, the linear layers learn");
    let network = network.with_frozen(part);
    let Some((network, _)) = first.run(network, data.clone(), &preprocessing, options, &device)?
    else {
        return Ok(());
    };
    let second = Stage {
        folder: out.join("all"),
        epochs: options.epochs,
        rate: options.lr * SLOWER,
    };
    console::tell!("\nall layers learn");
    let Some((_, summary)) = second.run(network, data, &preprocessing, options, &device)? else {
        return Ok(());
    };
    let run = second.folder.display();
    console::tell!("\nits run folder, for `infer --run`: {run}");
    console::tell!(
        "test accuracy: {:.4} ({} images)",
        summary.test_accuracy,
        summary.test_images
    );
    Ok(())
}

/// One of the two parts of a fine-tuning.
struct Stage {
    folder: PathBuf,
    epochs: usize,
    rate: f64,
}

impl Stage {
    /// The network as it came out, and its test; `None` if it was stopped.
    fn run(
        &self,
        network: Vgg,
        data: ImageData,
        preprocessing: &Preprocessing,
        options: &Options,
        device: &Device,
    ) -> Result<Option<(Vgg, Summary)>, Box<dyn Error>> {
        let augmentation = Augmentation::new().with_mirror(options.mirror && data.mirrors);
        let training = TrainConfig::new(OptimizerKind::AdamW, self.rate)
            .with_epochs(self.epochs)
            .with_batch_size(options.batch_size)
            .with_augmentation(augmentation)
            .with_seed(options.network.seed);
        let config = RunConfig {
            model: network.config().clone(),
            training,
            data: options.data.clone(),
            limit: None,
            skip_broken: options.skip_broken,
            classes: data.classes.clone(),
            preprocessing: preprocessing.clone(),
            backend: options.backend.clone(),
            engine: Engine::default().to_string(),
            precision: Precision::F32,
        };
        config.training.validate()?;
        let folder = RunFolder::create(&self.folder, &config)?;
        let interrupter = Interrupter::new();
        match fine_tune(network, &folder, &config, data, device, interrupter)? {
            Outcome::Finished(summary) => {
                console::tell!("test accuracy so far: {:.4}", summary.test_accuracy);
                Ok(Some((folder.classifier(device)?.network, summary)))
            }
            Outcome::Interrupted { .. } => Ok(None),
        }
    }
}
