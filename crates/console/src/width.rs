//! How wide a line may be.

use std::io::stdout;

use terminal_size::{Width, terminal_size_of};

/// The columns of the terminal that standard output goes to; `None` where it goes elsewhere, to a file or through a
/// pipe, or the terminal does not tell.
pub fn width() -> Option<usize> {
    let (Width(columns), _) = terminal_size_of(stdout())?;
    (columns > 0).then_some(columns.into())
}
