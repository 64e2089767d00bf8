//! A whole run, from a configuration to a tested network.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use burn::module::Module;
use burn::tensor::Device;
use burn::train::metric::{AccuracyMetric, LearningRateMetric, LossMetric};
use burn::train::{Learner, SupervisedTraining, TrainingStrategy};

use super::checkpoint::{Checkpoints, Found, Part, PartCheckpointer, ReceivedPart};
use super::config::{RunConfig, TrainConfig};
use super::distributed::{Ending, Footing, Group, Solo, Together, check_sync, synchronised};
use super::error::TrainError;
use super::evaluate::evaluate_in_group;
use super::finish::{class_summaries, draw, save};
use super::finite::{LossWatch, Lost};
use super::history::{EpochEnd, History, MemoryLog};
use super::loader::EpochLoader;
use super::optimizer::{optimizer, schedule};
use super::portion::Deal;
use super::progress::renderer;
use super::run_folder::{RunFolder, Summary};
use super::seal::settings as settings_digest;
use super::start::{begin, check, try_step};
use super::watch::Watch;
use crate::config::VggConfig;
use crate::data::{ImageData, ImageSet};
use crate::device::failure;

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
    let alone: Arc<dyn Group> = Arc::new(Solo);
    train_in_group(&alone, Some(folder), config, data, device, watch)
}

/// [`train`] as one worker of a group, of which each computes a part of every batch on its own `device` and comes to the
/// same end. Rank 0 gives the `folder`, which the others do not need, and the network; all need the same data and settings.
///
/// # Errors
/// As for [`train`], and [`TrainError::Group`]: workers that were not started alike, or one that is lost. A worker that
/// has an error of its own has to tell the others ([`Group::leave`]).
pub fn train_in_group(
    group: &Arc<dyn Group>,
    folder: Option<&RunFolder>,
    config: &RunConfig,
    data: ImageData,
    device: &Device,
    watch: Watch,
) -> Result<Outcome, TrainError> {
    check(config, &data)?;
    let sets = Sets {
        train: Arc::new(data.train),
        test: Arc::new(data.test),
    };
    work(group, folder, config, sets, device, watch)
}

/// The images of a run, which several workers of a process share.
#[derive(Clone)]
pub(super) struct Sets {
    pub(super) train: Arc<ImageSet>,
    pub(super) test: Arc<ImageSet>,
}

/// [`train_in_group`] with images that were checked.
pub(super) fn work(
    group: &Arc<dyn Group>,
    folder: Option<&RunFolder>,
    config: &RunConfig,
    sets: Sets,
    device: &Device,
    watch: Watch,
) -> Result<Outcome, TrainError> {
    let settings = &config.training;
    let parts = settings.accumulate.unwrap_or(1);
    let sync_norms =
        settings.sync_batch_norm == Some(true) && config.model.batch_norm && group.size() > 1;
    check_sync(sync_norms, config, device)?;
    // Rank 0 alone keeps the folder.
    let folder = folder.filter(|_| group.rank() == 0);
    let _lock = folder.map(RunFolder::locked).transpose()?;
    let bound = settings_digest(config)
        .map_err(|error| TrainError::Stopped(format!("the settings: {error}")))?;
    if group.size() > 1 {
        Footing::new(&bound, &sets.train, &sets.test)?.agree(group.as_ref())?;
    }
    let found = match folder {
        Some(folder) => Found::newest(folder.path())?,
        None => None,
    };
    if let Some(found) = &found {
        found.check(&bound)?;
    }
    let rows = found.as_ref().map_or(Ok(vec![]), Found::rows)?;
    let history = History::new(rows);
    let of_run = [sets.train.as_ref(), sets.test.as_ref()];
    let beginning = begin(
        group.as_ref(),
        folder,
        found.as_ref(),
        config,
        of_run,
        device,
    )?;
    let epochs_done = beginning.epochs;
    let mut learning = beginning.learning;

    let normalization = Arc::new(config.preprocessing.normalization.clone());
    let deal = |parts| Deal {
        rank: group.rank(),
        size: group.size(),
        parts,
    };
    let in_order = |set: &Arc<ImageSet>, parts| {
        let loader = EpochLoader::in_order(
            set.clone(),
            normalization.clone(),
            settings.batch_size,
            device,
        );
        loader.dealt(deal(parts))
    };
    let (train_images, test_images) = (in_order(&sets.train, parts), in_order(&sets.test, 1));
    let start = Instant::now();
    if epochs_done < settings.epochs {
        let interrupter = watch.interrupter.clone();
        let losses = LossWatch::new(interrupter.clone());
        // Before the dashboard opens, which would hide why it takes long.
        try_step(&learning, &train_images)?;
        let train_loader =
            train_images
                .clone()
                .shuffled(settings.seed, settings.augmentation, epochs_done);
        let resumed = (epochs_done > 0).then_some(epochs_done);
        let mut training = SupervisedTraining::new(
            folder.map_or(Path::new(""), RunFolder::path),
            Arc::new(train_loader.clone()),
            Arc::new(test_images.clone()),
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
        .with_interrupter(interrupter)
        .renderer(renderer(watch, train_images.supply(), resumed))
        .num_epochs(settings.epochs);
        let checkpoints =
            folder.map(|folder| Checkpoints::new(folder.path(), bound, history.clone()));
        if let Some(checkpoints) = &checkpoints {
            let part = |part| PartCheckpointer {
                part,
                checkpoints: checkpoints.clone(),
            };
            let [model, optimizer, schedule] = Part::ALL.map(part);
            training = training.with_custom_checkpointers(model, optimizer, schedule);
        } else if let Some(received) = beginning.received {
            let [model, optimizer, schedule] = received.map(ReceivedPart::new);
            training = training.with_custom_checkpointers(model, optimizer, schedule);
        }
        if let Some(epoch) = resumed {
            training = training.checkpoint(epoch);
        }
        let ending = Arc::new(Ending::default());
        let together = group.size() > 1 || parts > 1;
        if together {
            let device = device.clone().autodiff();
            learning.network = synchronised(learning.network, group, sync_norms);
            training =
                training.with_training_strategy(TrainingStrategy::Custom(Arc::new(Together {
                    group: group.clone(),
                    train: train_loader.on(&device),
                    test: test_images.clone(),
                    device,
                    sync_norms,
                    ending: ending.clone(),
                })));
        }
        let schedule = schedule(settings, sets.train.len())?;
        let learner = Learner::new(learning, optimizer(settings, config.engine)?, schedule);
        let result = training.launch(learner);
        if let Some(failure) = checkpoints.and_then(|checkpoints| checkpoints.take_failure()) {
            return Err(failure);
        }
        let failed = [&train_images, &test_images].map(|loader| loader.supply().take_failure());
        if let Some(error) = failed.into_iter().flatten().next() {
            return Err(error.into());
        }
        if let Some(error) = result.error {
            return Err(TrainError::Stopped(failure(error)));
        }
        let checkpoint = history.rows().last().map(|row| row.epoch);
        if let Some(failure) = ending.take_failure() {
            return Err(failure.with_checkpoint(checkpoint));
        }
        if let Some(Lost { what, found, epoch }) = losses.lost() {
            return Err(TrainError::NotFinite {
                what,
                found,
                epoch,
                checkpoint,
                member: None,
            });
        }
        learning = result.model;
        let stopped = match together {
            true => ending.stopped(),
            false => result.interrupted.is_some(),
        };
        if stopped {
            if let Some(folder) = folder {
                save(folder, config, learning.network)?;
            }
            return Ok(Outcome::Interrupted {
                epochs_done: checkpoint.unwrap_or(0),
            });
        }
    }
    let seconds = start.elapsed().as_secs_f64();

    learning = learning.valid();
    let prepared = learning.network.prepare();
    let evaluation = evaluate_in_group(group.as_ref(), &prepared, &test_images, &mut |_| {})?;
    let seen = (settings.epochs.saturating_sub(epochs_done)) * sets.train.len();
    let summary = Summary {
        parameters: config.model.parameter_count() as u64,
        epochs: settings.epochs,
        train_images: sets.train.len(),
        test_images: evaluation.images(),
        test_loss: evaluation.loss,
        test_accuracy: evaluation.accuracy(),
        seconds,
        images_per_second: seen as f64 / seconds,
        classes: class_summaries(&evaluation, &config.classes),
    };
    if let Some(folder) = folder {
        draw(folder, config, &history, &evaluation)?;
        save(folder, config, learning.network)?;
        folder.write_json("summary.json", &summary)?;
    }
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
    let config = RunConfig::for_data(model, settings, &data)?;
    let folder = RunFolder::create(path.as_ref(), &config)?;
    match train(&folder, &config, data, device, Watch::none())? {
        Outcome::Finished(summary) => Ok(summary),
        Outcome::Interrupted { epochs_done } => Err(TrainError::Stopped(format!(
            "the training was stopped behind {epochs_done} epochs"
        ))),
    }
}
