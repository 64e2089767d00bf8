//! Trains a VGG on real images, tests it, and keeps everything in a run folder.

mod options;
#[cfg(feature = "mpi")]
mod rank;

use std::error::Error;
use std::io::IsTerminal;
use std::path::Path;
use std::process::ExitCode;

use clap::Parser;
use console::printable;
use cost::render::units::grouped;
use examples::classes::LONGEST_NAME;
use examples::runs::free_folder;
use examples::stop::{stoppable, watched};
use vgg::data::{DataOptions, ImageData};
use vgg::train::distributed::train_on_devices;
use vgg::train::{
    Augmentation, OptimizerKind, Outcome, RunConfig, RunFolder, Summary, TrainConfig, train,
};
use vgg::{Precision, VggConfig};

use options::{Hidden, Optimizer, Options};

fn main() -> ExitCode {
    let options = Options::parse();
    if options.list_backends {
        console::show!("{}", vgg::device::describe_backends());
        return ExitCode::SUCCESS;
    }
    if options.list_devices {
        console::show!("{}", vgg::device::describe_devices());
        return ExitCode::SUCCESS;
    }
    console::code(run(&options))
}

fn run(options: &Options) -> Result<(), Box<dyn Error>> {
    if options.workers.distributed {
        #[cfg(feature = "mpi")]
        return rank::distributed(options);
        #[cfg(not(feature = "mpi"))]
        return Err("this program was built without MPI: build it with --features mpi (docs/distributed.md says what that \
                    needs)"
            .into());
    }
    let (folder, config, data) = prepared(options)?;
    let watch = watched(&stoppable()?);
    let outcome = match options.workers.devices.as_slice() {
        [] => {
            let device = vgg::device(&config.backend)?;
            introduce(&folder, &config, &data, &config.backend)?;
            train(&folder, &config, data, &device, watch)?
        }
        names => {
            let devices: Result<Vec<_>, _> = names.iter().map(|name| vgg::device(name)).collect();
            introduce(&folder, &config, &data, &names.join(", "))?;
            train_on_devices(&folder, &config, data, &devices?, watch)?
        }
    };
    conclude(outcome, &folder, &config);
    Ok(())
}

fn introduce(
    folder: &RunFolder,
    config: &RunConfig,
    data: &ImageData,
    who: &str,
) -> Result<(), Box<dyn Error>> {
    console::tell!(
        "{} parameters; {} training and {} test images of {} classes; {who}; {}",
        grouped(config.model.parameter_count()),
        data.train.len(),
        data.test.len(),
        config.classes.len(),
        folder.path().display(),
    );
    if !vgg::device::is_on_cpu(&config.backend)? {
        console::tell!(
            "the first step compiles kernels, and with autotune tries them: for seconds or minutes"
        );
    }
    Ok(())
}

fn conclude(outcome: Outcome, folder: &RunFolder, config: &RunConfig) {
    match outcome {
        Outcome::Finished(summary) => show(&summary, folder),
        Outcome::Interrupted { epochs_done } => {
            console::tell!(
                "stopped with {epochs_done} of {} epochs done; go on with --resume {}",
                config.training.epochs,
                folder.path().display()
            );
        }
    }
}

type Prepared = (RunFolder, RunConfig, ImageData);

/// The run that the options say, a new one or one to go on with.
fn prepared(options: &Options) -> Result<Prepared, Box<dyn Error>> {
    if let Some(path) = &options.resume {
        return resumed(path, options);
    }
    let (config, data) = configured(options)?;
    let path = options
        .out
        .clone()
        .unwrap_or_else(|| free_folder(&options.model));
    Ok((RunFolder::create(&path, &config)?, config, data))
}

/// The settings and data of a new run.
fn configured(options: &Options) -> Result<(RunConfig, ImageData), Box<dyn Error>> {
    let mut model = VggConfig::named(&options.model)?.with_width(options.width);
    model.batch_norm |= options.batch_norm;
    if let Some(Hidden(sizes)) = &options.hidden {
        model.hidden = sizes.clone();
    }
    let (kind, default_rate) = match options.optimizer {
        Optimizer::Sgd => (OptimizerKind::Sgd, 0.02),
        Optimizer::Adamw => (OptimizerKind::AdamW, 8e-4),
    };
    let mut training = TrainConfig::new(kind, options.lr.unwrap_or(default_rate))
        .with_epochs(options.epochs)
        .with_batch_size(options.batch_size)
        .with_warmup(options.warmup)
        .with_weight_decay(options.weight_decay)
        .with_label_smoothing(options.label_smoothing)
        .with_seed(options.seed)
        .with_accumulate(options.accumulate)
        .with_sync_batch_norm(options.sync_batch_norm.then_some(true));
    if options.scale_lr {
        training = training.with_scaled_learning_rate();
    }
    training.validate()?;
    model.validate()?;
    let named = options.workers.devices.first().or(options.backend.as_ref());
    let backend = named.cloned().unwrap_or_else(default_backend);
    let backend = numbered(backend, options.device);
    // Whether it is there, and large enough, before data are read.
    model.init(&vgg::device(&backend)?)?;

    let [height, width] = model.input_size;
    let shape = [model.input_channels, height, width];
    let (skip_broken, stream, limit) = (options.skip_broken, options.stream, options.limit);
    let data = examples::data::load(
        &options.data,
        &DataOptions {
            shape,
            skip_broken,
            stream,
            limit,
        },
    )?;
    training.augmentation = Augmentation::new()
        .with_crop_padding(options.crop_padding)
        .with_random_resized_crop(options.random_resized_crop.then_some(true))
        .with_mirror(data.mirrors && options.mirror);
    let precision = if options.half {
        Precision::F16
    } else {
        Precision::F32
    };
    let config = RunConfig {
        limit,
        skip_broken,
        stream: stream.then_some(true),
        backend,
        engine: options.engine,
        precision,
        ..RunConfig::for_data(model, training, &data)?
    };
    config.model.validate()?;
    Ok((config, data))
}

/// The run in the folder `path`, to be continued.
fn resumed(path: &Path, options: &Options) -> Result<Prepared, Box<dyn Error>> {
    let (folder, mut config) = RunFolder::resume(path)?;
    if let Some(backend) = options.workers.devices.first().or(options.backend.as_ref()) {
        config.backend.clone_from(backend);
    }
    config.backend = numbered(config.backend, options.device);
    let data = examples::data::reload(&config)?;
    Ok((folder, config, data))
}

/// The backend's device of this number, as [`vgg::device`] takes it.
fn numbered(backend: String, device: Option<usize>) -> String {
    match device {
        Some(number) => format!("{}:{number}", backend.split(':').next().unwrap_or(&backend)),
        None => backend,
    }
}

fn default_backend() -> String {
    let first = vgg::device::compiled_backends().first().copied();
    first.unwrap_or("flex").to_owned()
}

fn show(summary: &Summary, folder: &RunFolder) {
    console::tell!("\nclass            precision  recall");
    let percent = |value: Option<f64>| value.map_or("-".into(), |value| format!("{value:.3}"));
    for class in &summary.classes {
        console::tell!(
            "{:16} {:>9}  {:>6}",
            printable(&class.name, LONGEST_NAME),
            percent(class.precision),
            percent(class.recall)
        );
    }
    console::tell!(
        "\n{:.0} s, {:.0} images/s; weights, figures and charts: {}",
        summary.seconds,
        summary.images_per_second,
        folder.path().display()
    );
    if std::io::stdout().is_terminal() {
        console::tell!(
            "try them: cargo run --release --example infer -- --run {} --samples 8",
            folder.path().display()
        );
    }
    console::tell!(
        "test accuracy: {:.4} ({} images)",
        summary.test_accuracy,
        summary.test_images
    );
}
