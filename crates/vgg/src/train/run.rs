//! A whole run, from a configuration to a tested network.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use burn::data::dataloader::DataLoader;
use burn::module::Module;
use burn::optim::OptimizerRecord;
use burn::optim::lr_scheduler::LrSchedulerRecord;
use burn::store::ModuleRecord;
use burn::tensor::Device;
use burn::train::metric::{AccuracyMetric, LearningRateMetric, LossMetric};
use burn::train::{Learner, SupervisedTraining, TrainStep};

use super::chart;
use super::checkpoint::{Checkpoints, Found, Part, PartCheckpointer};
use super::config::{RunConfig, Start, TrainConfig};
use super::error::TrainError;
use super::evaluate::{Evaluation, evaluate};
use super::finite::{LossWatch, Lost, is_finite};
use super::history::{EpochEnd, History, MemoryLog};
use super::loader::EpochLoader;
use super::optimizer::{optimizer, schedule};
use super::progress::renderer;
use super::run_folder::{ClassSummary, RunFolder, Summary};
use super::seal::settings as settings_digest;
use super::step::Learning;
use super::watch::Watch;
use crate::classifier::Classifier;
use crate::config::VggConfig;
use crate::data::{ImageData, ImageSet};
use crate::device::failure;
use crate::model::Vgg;

/// How a run ended.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// All epochs are done, and the network was tested.
    Finished(Summary),
    /// It was stopped. The weights so far are saved, and the run can be resumed behind its last
    /// full epoch.
    Interrupted {
        /// How many epochs are complete.
        epochs_done: usize,
    },
}

/// Trains the network that `config` describes, from its newest checkpoint in `folder` if there
/// is one, else from the weights that [`RunConfig::start`] says, and tests it. `watch` follows it and can stop it.
///
/// # Errors
/// Settings or images that do not fit, a loss that is not finite any more, another process at work on
/// the run, or a file that cannot be read or written. Checkpoints that were saved before an error stay usable.
pub fn train(
    folder: &RunFolder,
    config: &RunConfig,
    data: ImageData,
    device: &Device,
    watch: Watch,
) -> Result<Outcome, TrainError> {
    check(config, &data)?;
    let _lock = folder.locked()?;
    let settings = &config.training;
    let (train_set, test_set) = (Arc::new(data.train), Arc::new(data.test));

    let network = start(folder, config, device)?;
    device.seed(settings.seed);
    let network = network.valid().train();
    let network = network.with_engine(config.engine);
    network.check_input(batch_shape(&train_set))?;
    network.check_input(batch_shape(&test_set))?;

    let bound = settings_digest(config)
        .map_err(|error| TrainError::broken(&folder.path().join("config.json"), error))?;
    let found = Found::newest(folder.path())?;
    if let Some(found) = &found {
        found.check(&bound)?;
    }
    let epochs_done = found.as_ref().map_or(0, |found| found.epoch);
    let rows = found.as_ref().map_or(Ok(vec![]), Found::rows)?;
    let history = History::new(rows);
    let mut learning = Learning::new(network, settings.label_smoothing);
    if let Some(found) = &found {
        learning = restore(learning, found)?;
    }
    let start = Instant::now();
    if epochs_done < settings.epochs {
        let interrupter = watch.interrupter.clone();
        let losses = LossWatch::new(interrupter.clone());
        let checkpoints = Checkpoints::new(folder.path(), bound, history.clone());
        let normalization = Arc::new(config.preprocessing.normalization.clone());
        let in_order = |set: &Arc<ImageSet>| {
            EpochLoader::in_order(
                set.clone(),
                normalization.clone(),
                settings.batch_size,
                device,
            )
        };
        // Before the dashboard opens, which would hide why it takes long.
        try_step(&learning, &in_order(&train_set))?;
        let train_loader =
            in_order(&train_set).shuffled(settings.seed, settings.augmentation, epochs_done);
        let part = |part| PartCheckpointer {
            part,
            checkpoints: checkpoints.clone(),
        };
        let mut training = SupervisedTraining::new(
            folder.path(),
            Arc::new(train_loader),
            Arc::new(in_order(&test_set)),
        )
        .metric_train_numeric(LossMetric::new())
        .metric_train_numeric(AccuracyMetric::new())
        .metric_train_numeric(LearningRateMetric::new())
        .metric_valid_numeric(LossMetric::new())
        .metric_valid_numeric(AccuracyMetric::new())
        .with_metric_logger(MemoryLog::new(losses.clone()))
        .with_application_logger(None)
        .with_checkpointing_strategy(EpochEnd {
            history: history.clone(),
            losses: losses.clone(),
        })
        .with_custom_checkpointers(
            part(Part::Model),
            part(Part::Optimizer),
            part(Part::Schedule),
        )
        .with_interrupter(interrupter)
        .renderer(renderer(watch, found.as_ref().map(|found| found.epoch)))
        .num_epochs(settings.epochs);
        if let Some(found) = &found {
            training = training.checkpoint(found.epoch);
        }
        let schedule = schedule(settings, train_set.len())?;
        let learner = Learner::new(learning, optimizer(settings, config.engine)?, schedule);
        let result = training.launch(learner);
        if let Some(failure) = checkpoints.take_failure() {
            return Err(failure);
        }
        if let Some(error) = result.error {
            return Err(TrainError::Stopped(failure(error)));
        }
        if let Some(Lost { what, found, epoch }) = losses.lost() {
            let checkpoint = history.rows().last().map(|row| row.epoch);
            return Err(TrainError::NotFinite {
                what,
                found,
                epoch,
                checkpoint,
            });
        }
        learning = result.model;
        if result.interrupted.is_some() {
            save(folder, config, learning.network)?;
            let epochs_done = history.rows().last().map_or(0, |row| row.epoch);
            return Ok(Outcome::Interrupted { epochs_done });
        }
    }
    let seconds = start.elapsed().as_secs_f64();

    learning = learning.valid();
    let evaluation = evaluate(
        &learning.network.prepare(),
        &test_set,
        &config.preprocessing.normalization,
        settings.batch_size,
        &mut |_| {},
    )?;
    let drawn = |name: &str, svg: Result<String, String>| {
        let svg = svg.map_err(|error| TrainError::broken(&folder.path().join(name), error))?;
        folder.write(name, &svg)
    };
    drawn("curve.svg", chart::curve(&history.rows()))?;
    drawn(
        "confusion.svg",
        chart::confusion(&evaluation, &config.classes),
    )?;
    save(folder, config, learning.network)?;
    let seen = (settings.epochs.saturating_sub(epochs_done)) * train_set.len();
    let summary = Summary {
        parameters: config.model.parameter_count() as u64,
        epochs: settings.epochs,
        train_images: train_set.len(),
        test_images: test_set.len(),
        test_loss: evaluation.loss,
        test_accuracy: evaluation.accuracy(),
        seconds,
        images_per_second: seen as f64 / seconds,
        classes: class_summaries(&evaluation, &config.classes),
    };
    folder.write_json("summary.json", &summary)?;
    Ok(Outcome::Finished(summary))
}

/// Trains a new network as `model` describes it on `data`, in the new run folder at `path`: [`train`] in one call, with
/// the number of classes and channels and the size of images that the data have.
///
/// ```
/// # #[cfg(all(feature = "flex", feature = "embedded"))] {
/// use burn::tensor::Device;
/// use vgg::data::ImageData;
/// use vgg::train::{OptimizerKind, Outcome, TrainConfig, fit};
/// use vgg::VggConfig;
///
/// # let folder = tempfile::tempdir()?;
/// # for class in ["dark", "light"] {
/// #     std::fs::create_dir_all(folder.path().join("photos").join(class))?;
/// #     for number in 0..12u8 {
/// #         let shade = number + if class == "light" { 200 } else { 20 };
/// #         let path = folder.path().join(format!("photos/{class}/{number}.png"));
/// #         image::RgbImage::from_pixel(40, 30, image::Rgb([shade; 3])).save(path)?;
/// #     }
/// # }
/// # let (photos, run) = (folder.path().join("photos"), folder.path().join("run"));
/// # let model = VggConfig::named("vgg11-cifar")?.with_width(0.125);
/// // Five lines: a folder with one folder of pictures a class becomes a trained classifier.
/// let data = ImageData::from_folder(&photos, [3, 32, 32])?;
/// let settings = TrainConfig::new(OptimizerKind::AdamW, 1e-3).with_epochs(2);
/// fit(&run, model, data, settings, &Device::flex())?;
/// let classifier = vgg::Classifier::from_file(run.join("weights.safetensors"), &Device::flex())?;
/// println!("{:?}", classifier.classify(&photos.join("dark/0.png"))?.top(1));
/// # assert_eq!(classifier.classes(), ["dark", "light"]);
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// As for [`train`] and [`RunFolder::create`].
pub fn fit(
    path: impl AsRef<Path>,
    model: VggConfig,
    data: ImageData,
    settings: TrainConfig,
    device: &Device,
) -> Result<Summary, TrainError> {
    let config = RunConfig::for_data(model, settings, &data);
    let folder = RunFolder::create(path.as_ref(), &config)?;
    match train(&folder, &config, data, device, Watch::none())? {
        Outcome::Finished(summary) => Ok(summary),
        Outcome::Interrupted { epochs_done } => Err(TrainError::Stopped(format!(
            "the training was stopped behind {epochs_done} epochs"
        ))),
    }
}

/// The network as the run begins, on an autodiff device.
fn start(folder: &RunFolder, config: &RunConfig, device: &Device) -> Result<Vgg, TrainError> {
    device.seed(config.training.seed);
    let network = config.model.init(&device.clone().autodiff())?;
    let network = match config.start {
        // Read again even right behind their saving: numbers in another order in memory are added in another
        // order, and a run that was resumed would end with other last digits.
        Some(Start::Given) => network.load(folder.start_weights())?,
        Some(Start::Random) | None => network,
    };
    Ok(match config.frozen {
        Some(group) => network.with_frozen(group),
        None => network,
    })
}

fn check(config: &RunConfig, data: &ImageData) -> Result<(), TrainError> {
    config.model.validate()?;
    config.training.validate()?;
    if data.classes != config.classes {
        return Err(TrainError::Setting {
            what: "the classes of the images",
            range: "those of the run's config.json",
            found: data.classes.join(", "),
        });
    }
    if config.classes.len() != config.model.classes {
        return Err(TrainError::Setting {
            what: "the number of classes",
            range: "the same for network and images",
            found: format!("{} and {}", config.model.classes, config.classes.len()),
        });
    }
    Ok(())
}

/// A forward and a backward pass, without the optimizer and its state, that change nothing. Where a GPU's memory
/// does not suffice for them, its error comes here at once: burn-train would hand out steps until a queue is full,
/// and wait there for ever.
fn try_step(learning: &Learning, loader: &EpochLoader) -> Result<(), TrainError> {
    // On the device on which burn-train will have it.
    let device = learning.network.output.weight.lazy_device();
    let Some(batch) = loader.to_device(&device).iter().next() else {
        return Ok(());
    };
    let batch = batch.map_err(|error| TrainError::Stopped(error.to_string()))?;
    // Normalisations have running statistics of their own in a copy that is made like this.
    let copy = learning.clone().valid().train();
    let output = TrainStep::step(&copy, batch);
    let device = |error| TrainError::Device(failure(error));
    let loss = output.item.loss.try_into_vec_as::<f32>().map_err(device)?;
    if let Some(&found) = loss.iter().find(|loss| !loss.is_finite()) {
        return Err(TrainError::NotFinite {
            what: "training loss",
            found: found.into(),
            epoch: 0,
            checkpoint: None,
        });
    }
    // The gradient of the first layer that learns is the last one to be computed.
    let mut weights = copy.network.blocks.iter().flat_map(|block| &block.layers);
    let gradient = weights.find_map(|layer| output.grads.get::<4>(layer.conv.weight.id));
    if let Some(gradient) = gradient {
        gradient.try_into_vec_as::<f32>().map_err(device)?;
    }
    Ok(())
}

fn batch_shape(set: &ImageSet) -> [usize; 4] {
    let [channels, height, width] = set.shape();
    [1, channels, height, width]
}

/// Loads all parts of a checkpoint once, so that a damaged one is an error here: burn-train,
/// which loads them again, would panic.
fn restore(learning: Learning, found: &Found) -> Result<Learning, TrainError> {
    let record: ModuleRecord = found.part(Part::Model)?;
    found.part::<OptimizerRecord>(Part::Optimizer)?;
    found.part::<LrSchedulerRecord>(Part::Schedule)?;
    learning
        .try_load_record(record)
        .map_err(|error| found.damaged(&found.path(Part::Model), error))
}

/// Saves the network, unless it is of no use: then what was saved before stays.
fn save(folder: &RunFolder, config: &RunConfig, network: Vgg) -> Result<(), TrainError> {
    if !is_finite(&network)? {
        return Err(TrainError::Stopped(
            "weights of the network are not finite, and were not saved".to_owned(),
        ));
    }
    let (classes, preprocessing) = (config.classes.clone(), config.preprocessing.clone());
    let classifier = Classifier::new(network, classes, preprocessing)?;
    Ok(classifier.save(folder.weights(), config.precision)?)
}

fn class_summaries(evaluation: &Evaluation, classes: &[String]) -> Vec<ClassSummary> {
    let finite = |value: f64| value.is_finite().then_some(value);
    let scores = evaluation.scores().into_iter().zip(classes);
    scores
        .map(|(score, name)| ClassSummary {
            name: name.clone(),
            precision: finite(score.precision),
            recall: finite(score.recall),
        })
        .collect()
}
