//! What the programs of this workspace do with their output and their end.
//!
//! The macros of the standard library panic where a text cannot be written: behind `| head -1`, on a full disk, in
//! a terminal that was closed. These do not:
//!
//! - [`say!`] and [`show!`] write to standard output, what the program is for. Where nobody reads it any more the
//!   program ends without a word and with success; where it cannot be written for another reason it says so and fails.
//! - [`tell!`] writes there too, and goes on in any case: for a program whose work outlives its terminal.
//! - [`note!`] writes to standard error, and goes on in any case.
//!
//! Names that come from files are shown by way of [`printable`]; [`width`] is that of the terminal.

#![deny(missing_docs)]

mod exit;
mod output;
mod printable;
mod width;

pub use exit::code;
#[doc(hidden)]
pub use output::{note, show, tell};
pub use printable::printable;
pub use width::width;

/// A line on standard output; the program ends where that cannot be written.
#[macro_export]
macro_rules! say {
    ($($text:tt)*) => { $crate::show(format_args!("{}\n", format_args!($($text)*))) };
}

/// A text on standard output as it is, without a line's end; the program ends where that cannot be written.
#[macro_export]
macro_rules! show {
    ($($text:tt)*) => { $crate::show(format_args!($($text)*)) };
}

/// A line on standard output, left out where that cannot be written.
#[macro_export]
macro_rules! tell {
    ($($text:tt)*) => { $crate::tell(format_args!("{}\n", format_args!($($text)*))) };
}

/// A line on standard error, left out where that cannot be written.
#[macro_export]
macro_rules! note {
    ($($text:tt)*) => { $crate::note(format_args!("{}\n", format_args!($($text)*))) };
}
