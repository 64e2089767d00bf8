//! Several devices of one process.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use burn::tensor::Device;

use super::group::Group;
use super::threads::threads;
use crate::data::ImageData;
use crate::device::failure;
use crate::train::config::RunConfig;
use crate::train::error::TrainError;
use crate::train::run::{Outcome, Sets, work};
use crate::train::run_folder::RunFolder;
use crate::train::start::check;
use crate::train::watch::Watch;

/// A worker for which the others have waited so long has hung.
const LIMIT: Duration = Duration::from_secs(600);

/// [`train`](super::super::train) on several devices, each of which computes a part of every batch. A device may be given
/// more than once; its threads are divided then.
///
/// # Errors
/// As for [`train_in_group`](super::super::train_in_group); a network with dropout where a device is given twice, as its random numbers would then come
/// in no fixed order.
pub fn train_on_devices(
    folder: &RunFolder,
    config: &RunConfig,
    data: ImageData,
    devices: &[Device],
    watch: Watch,
) -> Result<Outcome, TrainError> {
    let Some((first, others)) = devices.split_first() else {
        return Err(TrainError::Setting {
            what: "the number of devices",
            range: "at least 1",
            found: "0".to_owned(),
        });
    };
    let twice = (1..devices.len()).any(|index| devices[..index].contains(&devices[index]));
    if twice && config.model.dropout > 0.0 && !config.model.hidden.is_empty() {
        return Err(TrainError::Setting {
            what: "the dropout of a network on a device that is given twice",
            range: "0",
            found: config.model.dropout.to_string(),
        });
    }
    check(config, &data)?;
    let sets = Sets {
        train: Arc::new(data.train),
        test: Arc::new(data.test),
    };
    let places: Vec<_> = (0..devices.len())
        .map(|index| format!("device {index}"))
        .collect();
    let workers = threads(&places, LIMIT);
    let share = (rayon::current_num_threads() / devices.len()).max(1);
    let run = |group: &Arc<dyn Group>, folder, device: &Device, watch| {
        let train = || work(group, folder, config, sets.clone(), device, watch);
        let result = in_pool(share, || catch_unwind(AssertUnwindSafe(train)));
        let result = result.and_then(|caught| match caught {
            Ok(result) => result,
            Err(panic) => Err(TrainError::Device(failure(message(panic.as_ref())))),
        });
        if let Err(error) = &result {
            group.leave(&error.to_string());
        }
        result
    };
    std::thread::scope(|scope| {
        let started: Vec<_> = workers[1..]
            .iter()
            .zip(others)
            .map(|(group, device)| {
                let run = &run;
                scope.spawn(move || run(group, None, device, Watch::none()))
            })
            .collect();
        let mut outcome = run(&workers[0], Some(folder), first, watch);
        for thread in started {
            // What ended the first one may be no more than that another has ended.
            if let Ok(Err(error)) = thread.join()
                && !matches!(error, TrainError::Group(_))
                && matches!(outcome, Err(TrainError::Group(_)))
            {
                outcome = Err(error);
            }
        }
        outcome
    })
}

/// Runs `work` on a pool of its own: a worker that waits for others in the middle of a backward pass must not keep a
/// thread that they need.
fn in_pool<R: Send>(threads: usize, work: impl FnOnce() -> R + Send) -> Result<R, TrainError> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
    let pool = pool.map_err(|error| TrainError::Device(error.to_string()))?;
    Ok(pool.install(work))
}

fn message(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    text.unwrap_or_else(|| "a worker has panicked".to_owned())
}
