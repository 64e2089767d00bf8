//! What a run begins with: settings that fit, and the network of its first or of its last epoch.

use burn::module::Module;
use burn::optim::OptimizerRecord;
use burn::optim::lr_scheduler::LrSchedulerRecord;
use burn::store::ModuleRecord;
use burn::tensor::{Bytes, Device};

use super::checkpoint::{Found, Part};
use super::config::{RunConfig, Start};
use super::distributed::Group;
use super::error::TrainError;
use super::loader::EpochLoader;
use super::run_folder::RunFolder;
use super::step::Learning;
use crate::data::{ImageData, ImageSet};
use crate::device::failure;
use crate::model::Vgg;

/// Checks that settings and data fit together.
pub(super) fn check(config: &RunConfig, data: &ImageData) -> Result<(), TrainError> {
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

/// Where a worker begins.
pub(super) struct Beginning {
    pub(super) learning: Learning,
    /// Epochs that are done.
    pub(super) epochs: usize,
    /// The parts of the checkpoint behind them, if there are any, in the order of [`Part::ALL`]: of a worker that has
    /// not loaded them itself.
    pub(super) received: Option<[Vec<u8>; 3]>,
}

/// The network of a worker: that of the run's folder for rank 0, from which the others get it.
pub(super) fn begin(
    group: &dyn Group,
    folder: Option<&RunFolder>,
    found: Option<&Found>,
    config: &RunConfig,
    sets: [&ImageSet; 2],
    device: &Device,
) -> Result<Beginning, TrainError> {
    // First what rank 0 has: it has drawn its weights then, and may share its random numbers with this worker.
    let received = match group.rank() {
        0 => None,
        _ => Some(Received::of(group)?),
    };
    let network = start(folder, config, device)?;
    device.seed(config.training.seed);
    let network = network.valid().train();
    let network = network.with_engine(config.engine);
    for set in sets {
        let [channels, height, width] = set.shape();
        network.check_input([1, channels, height, width])?;
    }
    let mut learning = Learning::new(network, config.training.label_smoothing);
    if let Some(found) = found {
        learning = restore(learning, found)?;
    }
    let Some(received) = received else {
        let epochs = found.map_or(0, |found| found.epoch);
        if group.size() > 1 {
            send(group, &learning, found)?;
        }
        return Ok(Beginning {
            learning,
            epochs,
            received: None,
        });
    };
    let broken = |error| TrainError::Stopped(format!("the network of rank 0: {error}"));
    let record = ModuleRecord::from_bytes(Bytes::from_bytes_vec(received.network.clone()));
    let learning = learning
        .try_load_record(record.map_err(broken)?)
        .map_err(broken)?;
    Ok(Beginning {
        learning,
        epochs: received.epochs,
        received: received
            .others
            .map(|[optimizer, schedule]| [received.network, optimizer, schedule]),
    })
}

/// What rank 0 sends.
struct Received {
    epochs: usize,
    network: Vec<u8>,
    /// Optimizer and schedule, behind the first epoch.
    others: Option<[Vec<u8>; 2]>,
}

impl Received {
    fn of(group: &dyn Group) -> Result<Self, TrainError> {
        let next = || group.broadcast(Vec::new());
        let epochs = next()?.as_slice().try_into().map_or(0, u64::from_le_bytes) as usize;
        Ok(Self {
            epochs,
            network: next()?,
            others: match epochs {
                0 => None,
                _ => Some([next()?, next()?]),
            },
        })
    }
}

/// Gives the other workers the network, and what else is in the checkpoint that it comes from.
fn send(group: &dyn Group, learning: &Learning, found: Option<&Found>) -> Result<(), TrainError> {
    let epochs = found.map_or(0, |found| found.epoch as u64);
    group.broadcast(epochs.to_le_bytes().to_vec())?;
    let Some(found) = found else {
        let bytes = learning.clone().into_record().into_bytes();
        let bytes = bytes.map_err(|error| TrainError::Stopped(error.to_string()))?;
        group.broadcast(bytes.to_vec())?;
        return Ok(());
    };
    for part in Part::ALL {
        group.broadcast(found.bytes(part)?)?;
    }
    Ok(())
}

/// The network as the run begins, on an autodiff device.
fn start(
    folder: Option<&RunFolder>,
    config: &RunConfig,
    device: &Device,
) -> Result<Vgg, TrainError> {
    device.seed(config.training.seed);
    let network = config.model.init(&device.clone().autodiff())?;
    let network = match (config.start, folder) {
        // Read again even right behind their saving: numbers in another order in memory are added in another
        // order, and a run that was resumed would end with other last digits.
        (Some(Start::Given), Some(folder)) => network.load(folder.start_weights())?,
        _ => network,
    };
    Ok(match config.frozen {
        Some(group) => network.with_frozen(group),
        None => network,
    })
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

/// A forward and a backward pass, without the optimizer and its state, that change nothing. Where a GPU's memory
/// does not suffice for them, its error comes here at once: burn-train would hand out steps until a queue is full,
/// and wait there for ever.
pub(super) fn try_step(learning: &Learning, loader: &EpochLoader) -> Result<(), TrainError> {
    // On the device on which burn-train will have it.
    let device = learning.network.output.weight.lazy_device();
    let Some(dealt) = loader.on(&device).epoch().next_dealt() else {
        return Ok(());
    };
    let Some(batch) = dealt?.parts.into_iter().flatten().next() else {
        return Ok(());
    };
    // Normalisations have running statistics of their own in a copy that is made like this.
    let copy = learning.clone().valid().train();
    let output = copy.step_of_part(batch, 1.0);
    let device = |error| TrainError::Device(failure(error));
    let loss = output.item.loss.try_into_vec_as::<f32>().map_err(device)?;
    if let Some(&found) = loss.iter().find(|loss| !loss.is_finite()) {
        return Err(TrainError::NotFinite {
            what: "training loss",
            found: found.into(),
            epoch: 0,
            checkpoint: None,
            member: None,
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
