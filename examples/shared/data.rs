//! Data by name, with a word on what is left out of it.

use vgg::data::{self, DataError, DataOptions, Fit, ImageData};

use crate::network::downloading;

/// Files that are named; the others are counted.
const NAMED: usize = 5;

/// The data called `name`, as [`data::load`] knows it. Says on standard error how far a download is, and what was left
/// out of a folder.
pub fn load(name: &str, options: &DataOptions) -> Result<(ImageData, Fit), DataError> {
    let (data, fit) = data::load(name, options, &mut downloading(name))?;
    let count = data.left_out.len();
    if count > 0 {
        console::note!("left out of {name}: {count}");
        for left in data.left_out.iter().take(NAMED) {
            console::note!("  {}: {}", left.path.display(), left.reason);
        }
        if count > NAMED {
            console::note!("  and {} more", count - NAMED);
        }
    }
    Ok((data, fit))
}
