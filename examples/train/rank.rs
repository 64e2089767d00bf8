//! Training as one of the processes that `mpirun` has started.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use examples::stop::{stoppable, watched};
use examples::workers::{describe, told};
use vgg::train::distributed::{Group, MpiGroup};
use vgg::train::{RunConfig, Watch, train_in_group};

use crate::options::Options;
use crate::{conclude, configured, introduce, numbered, prepared};

/// So long the others wait with their end, for the one that tells why.
const WORD: Duration = Duration::from_secs(2);

/// Trains as this rank.
pub fn distributed(options: &Options) -> Result<(), Box<dyn Error>> {
    let mpi = Arc::new(MpiGroup::start(Duration::from_secs(
        options.workers.time_limit,
    ))?);
    let group: Arc<dyn Group> = mpi.clone();
    let Err(error) = as_rank(options, &group) else {
        return Ok(());
    };
    match told(group.as_ref(), error.as_ref()) {
        Some(text) => {
            console::code(Err(text.into()));
        }
        None => std::thread::sleep(WORD),
    }
    group.leave(&error.to_string());
    mpi.abort();
}

/// The device of this rank: of several GPUs on a machine each rank takes one, unless the options name one.
fn own(backend: &str, group: &dyn Group) -> Result<String, Box<dyn Error>> {
    if backend.contains(':') || vgg::device::is_on_cpu(backend)? {
        return Ok(backend.to_owned());
    }
    let here = group.member(group.rank()).place;
    let before = (0..group.rank()).filter(|&rank| group.member(rank).place == here);
    let count = vgg::device::devices(backend)?.len().max(1);
    Ok(format!("{backend}:{}", before.count() % count))
}

/// What one rank does. Rank 0 has the folder, and tells how it goes.
fn as_rank(options: &Options, group: &Arc<dyn Group>) -> Result<(), Box<dyn Error>> {
    if group.rank() == 0 {
        let (folder, config, data) = prepared(options)?;
        if options.resume.is_some() {
            group.broadcast(serde_json::to_vec(&config)?)?;
        }
        let device = vgg::device(&own(&config.backend, group.as_ref())?)?;
        let who = format!("{}; {}", config.backend, describe(group.as_ref()));
        introduce(&folder, &config, &data, &who)?;
        let watch = watched(&stoppable()?);
        let outcome = train_in_group(group, Some(&folder), &config, data, &device, watch)?;
        conclude(outcome, &folder, &config);
        return Ok(());
    }
    let (config, data) = match &options.resume {
        // Its folder need not be there on every machine.
        Some(_) => {
            let mut config: RunConfig = serde_json::from_slice(&group.broadcast(Vec::new())?)?;
            if let Some(backend) = &options.backend {
                config.backend.clone_from(backend);
            }
            config.backend = numbered(config.backend, options.device);
            let data = examples::data::again(&config)?;
            (config, data)
        }
        None => configured(options)?,
    };
    let device = vgg::device(&own(&config.backend, group.as_ref())?)?;
    let watch = Watch {
        interrupter: stoppable()?,
        ..Watch::none()
    };
    train_in_group(group, None, &config, data, &device, watch)?;
    Ok(())
}
