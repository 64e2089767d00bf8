//! Teaches a trained network other classes, from a folder of photographs.

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;

use burn::tensor::Device;
use clap::Parser;
use examples::finetuning::{Plan, Stage};
use examples::network::{NetworkOptions, Opened};
use examples::runs::free_folder;
use examples::stop::{stoppable, watched};
use vgg::data::{DataOptions, ImageData};
use vgg::train::{
    Augmentation, OptimizerKind, Outcome, RunConfig, RunFolder, Start, TrainConfig, train,
};
use vgg::{LayerGroup, Vgg};

/// Teach a trained network other classes.
///
/// Takes a folder with one folder of images a class, or with folders `train` and `test`
/// of such. The network gets a fresh output layer for these classes. First only the linear layers
/// learn, while the features are frozen: a fresh layer's first gradients would spoil them. Then all
/// layers learn, at a tenth of the rate. The second part is a run folder that `infer` reads. Ctrl-C stops
/// after the current step; what was stopped or killed goes on with --resume.
#[derive(Parser)]
#[command(version, after_help = EXAMPLES)]
struct Options {
    /// The folder of images
    #[arg(long, value_name = "FOLDER", required_unless_present = "resume")]
    data: Option<String>,

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

    /// How often every image is seen with frozen features; 0 leaves this part out
    #[arg(long, value_name = "N", default_value_t = 2)]
    frozen_epochs: usize,

    /// How often every image is seen after that; 0 leaves this part out
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

    /// Take a random part of each training image, of 8 to 100 % of its area, and scale it to the whole
    #[arg(long)]
    random_resized_crop: bool,

    /// Leave out images that are broken, instead of giving up
    #[arg(long)]
    skip_broken: bool,

    /// Leave the images in their files, and decode them ahead of the training instead of holding them all; done by
    /// itself where they would take more than 4 GiB
    #[arg(long)]
    stream: bool,

    /// Where the two run folders go, DIR/frozen and DIR/all [default: a new one in runs/]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,

    /// Go on with the fine-tuning in this folder, with the settings that it was started with
    #[arg(long, value_name = "DIR", conflicts_with_all = STARTING)]
    resume: Option<PathBuf>,

    /// What computes: flex, or a backend that was compiled in [default: flex, or that of the run]
    #[arg(long, value_name = "NAME")]
    backend: Option<String>,
}

/// What only a start takes.
const STARTING: [&str; 26] = [
    "data",
    "weights",
    "pretrained",
    "random_weights",
    "model",
    "width",
    "new_head",
    "seed",
    "global_pooling",
    "side",
    "frozen_blocks",
    "frozen_epochs",
    "epochs",
    "batch_size",
    "lr",
    "out",
    "key",
    "preprocessing",
    "mean",
    "std",
    "bgr",
    "classes",
    "mirror",
    "random_resized_crop",
    "stream",
    "skip_broken",
];

const EXAMPLES: &str = "\
Examples:
  finetune --data flowers --weights vgg16.pth --global-pooling
  finetune --data flowers --weights vgg16.pth --frozen-blocks 3 --epochs 10 --mirror
  finetune --data clothes --random-weights --model vgg16-bn-28 --width 0.25
  finetune --resume runs/finetune-1       after Ctrl-C, a crash or a power cut
  infer --run runs/finetune-1/all photo.jpg";

/// What the second part's learning rate is of the first's.
const SLOWER: f64 = 0.1;

fn main() -> ExitCode {
    console::code(run(&Options::parse()))
}

fn run(options: &Options) -> Result<(), Box<dyn Error>> {
    let Work {
        out,
        plan,
        data,
        device,
        mut network,
    } = match &options.resume {
        Some(folder) => resumed(folder.clone(), options)?,
        None => started(options)?,
    };
    console::tell!(
        "{} training and {} test images of {} classes; {}",
        data.train.len(),
        data.test.len(),
        data.classes.len(),
        out.display()
    );
    let interrupter = stoppable()?;
    let mut last = None;
    // A stage behind which another has begun is over.
    for stage in plan.stages.iter().skip(plan.begun(&out).unwrap_or(0)) {
        console::tell!("\n{}", stage.title);
        let path = stage.path(&out);
        let (folder, mut config) = match &network {
            None => RunFolder::resume(&path)?,
            Some(network) => (
                RunFolder::create_from(&path, &stage.config, network)?,
                stage.config.clone(),
            ),
        };
        config.backend.clone_from(&stage.config.backend);
        let watch = watched(&interrupter);
        match train(&folder, &config, data.clone(), &device, watch)? {
            Outcome::Finished(summary) => {
                console::tell!("test accuracy so far: {:.4}", summary.test_accuracy);
                network = Some(folder.classifier(&device)?.into_network());
                last = Some((path, summary));
            }
            Outcome::Interrupted { epochs_done } => {
                console::tell!(
                    "stopped with {epochs_done} of {} epochs done; go on with --resume {}",
                    config.training.epochs,
                    out.display()
                );
                return Ok(());
            }
        }
    }
    if let Some((path, summary)) = last {
        console::tell!("\nits run folder, for `infer --run`: {}", path.display());
        console::tell!(
            "test accuracy: {:.4} ({} images)",
            summary.test_accuracy,
            summary.test_images
        );
    }
    Ok(())
}

/// All that a fine-tuning needs to begin or to go on.
struct Work {
    out: PathBuf,
    plan: Plan,
    data: ImageData,
    device: Device,
    /// What the next stage starts from; `None` where it has begun.
    network: Option<Vgg>,
}

/// A new fine-tuning as the options say.
fn started(options: &Options) -> Result<Work, Box<dyn Error>> {
    if options.frozen_epochs == 0 && options.epochs == 0 {
        return Err("nothing to do: --frozen-epochs and --epochs are both 0".into());
    }
    let backend = options.backend.as_deref().unwrap_or("flex").to_owned();
    let device = vgg::device(&backend)?;
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
        stream: options.stream,
        limit: None,
    };
    let name = options.data.as_deref().unwrap_or_default();
    let data = examples::data::load(name, &data_options)?;
    let augmentation = Augmentation::new()
        .with_mirror(options.mirror && data.mirrors)
        .with_random_resized_crop(options.random_resized_crop.then_some(true));
    let training = TrainConfig::new(OptimizerKind::AdamW, options.lr)
        .with_batch_size(options.batch_size)
        .with_augmentation(augmentation)
        .with_seed(options.network.seed);
    let mut run = RunConfig {
        skip_broken: options.skip_broken,
        stream: options.stream.then_some(true),
        backend,
        start: Some(Start::Given),
        ..RunConfig::for_data(network.config().clone(), training, &data)?
    };
    // What the weights are used to; random ones are used to nothing.
    if !options.network.is_random() {
        run.preprocessing.normalization = normalization;
        run.preprocessing.order = order;
    }
    let data = data.in_order(run.preprocessing.order);
    let classes = data.classes.len();
    let network = match options.global_pooling {
        true => network.with_global_pooling(classes)?,
        false => network.with_classes(classes)?,
    };
    network.check_input([1, shape[0], height, width])?;
    run.model = network.config().clone();

    let stage =
        |folder: &str, title: &str, epochs: usize, rate: f64, frozen: Option<LayerGroup>| {
            let training = TrainConfig {
                learning_rate: rate,
                epochs,
                ..run.training.clone()
            };
            let config = RunConfig {
                training,
                frozen,
                ..run.clone()
            };
            config.training.validate()?;
            let (folder, title) = (folder.to_owned(), title.to_owned());
            Ok::<_, Box<dyn Error>>(Stage {
                folder,
                title,
                config,
            })
        };
    let mut plan = Plan { stages: Vec::new() };
    if options.frozen_epochs > 0 {
        let group = options.frozen_blocks;
        let frozen = Some(group.map_or(LayerGroup::Features, LayerGroup::Blocks));
        let title = "the features are frozen, the linear layers learn";
        let epochs = options.frozen_epochs;
        plan.stages
            .push(stage("frozen", title, epochs, options.lr, frozen)?);
    }
    if options.epochs > 0 {
        let rate = options.lr * SLOWER;
        plan.stages.push(stage(
            "all",
            "all layers learn",
            options.epochs,
            rate,
            None,
        )?);
    }
    let out = options.out.clone();
    let out = out.unwrap_or_else(|| free_folder("finetune"));
    plan.write(&out)?;
    Ok(Work {
        out,
        plan,
        data,
        device,
        network: Some(network),
    })
}

/// The fine-tuning in the folder `out`, to be continued.
fn resumed(out: PathBuf, options: &Options) -> Result<Work, Box<dyn Error>> {
    let mut plan = Plan::read(&out)?;
    if let Some(backend) = &options.backend {
        for stage in &mut plan.stages {
            stage.config.backend.clone_from(backend);
        }
    }
    let Some(begun) = plan.begun(&out) else {
        let out = out.display();
        return Err(format!(
            "{out}: it was stopped before its network was saved; start it again with --out {out}"
        )
        .into());
    };
    let config = &plan.stages[begun].config;
    let data = examples::data::reload(config)?;
    Ok(Work {
        device: vgg::device(&config.backend)?,
        network: None,
        out,
        plan,
        data,
    })
}
