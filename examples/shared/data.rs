//! Data by name, with a word on what is left out of it.

use console::printable;
use vgg::data::{self, DataError, DataOptions, DataState, ImageData};
use vgg::train::RunConfig;

use crate::network::downloading;

/// Files that are named; the others are counted.
const NAMED: usize = 5;
/// Letters of a line about one of them.
const LONGEST: usize = 400;

/// The data called `name`, as [`data::load`] knows it. Says on standard error how far a download is, and what was left
/// out of a folder.
pub fn load(name: &str, options: &DataOptions) -> Result<ImageData, DataError> {
    let data = data::load(name, options, &mut downloading(name))?;
    let count = data.left_out.len();
    if count > 0 {
        console::note!("left out of {name}: {count}");
        for left in data.left_out.iter().take(NAMED) {
            let path = left.path.display().to_string();
            console::note!(
                "  {}: {}",
                printable(&path, LONGEST),
                printable(&left.reason, LONGEST)
            );
        }
        if count > NAMED {
            console::note!("  and {} more", count - NAMED);
        }
    }
    Ok(data)
}

/// The data of a run, without a word.
pub fn again(config: &RunConfig) -> Result<ImageData, DataError> {
    let data = data::load(&config.data, &options(config), &mut |_, _| {})?;
    Ok(data.in_order(config.preprocessing.order))
}

fn options(config: &RunConfig) -> DataOptions {
    DataOptions {
        shape: config.preprocessing.shape,
        skip_broken: config.skip_broken,
        stream: config.stream == Some(true),
        limit: config.limit,
    }
}

/// The data of a run that is resumed. Says on standard error if it is other data than it was at the start.
pub fn reload(config: &RunConfig) -> Result<ImageData, DataError> {
    let data = load(&config.data, &options(config))?;
    if let Some(change) = config
        .data_state
        .as_ref()
        .and_then(|before| change(before, &data.state))
    {
        console::note!(
            "warning: {} has changed since the run was started: {change}. It will not end with the figures of a run \
             that was never stopped",
            config.data
        );
    }
    Ok(data.in_order(config.preprocessing.order))
}

fn change(before: &DataState, now: &DataState) -> Option<String> {
    let counts = [
        (before.train, now.train, "training"),
        (before.test, now.test, "test"),
    ];
    let changed = counts.into_iter().filter(|(before, now, _)| before != now);
    let changed: Vec<_> = changed
        .map(|(before, now, part)| format!("{before} {part} images then, {now} now"))
        .collect();
    match changed.is_empty() {
        false => Some(changed.join("; ")),
        true => (before.names != now.names).then(|| "its images have other names".to_owned()),
    }
}
