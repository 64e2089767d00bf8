//! Stopping a run from outside.

use std::process;
use std::sync::atomic::{AtomicBool, Ordering};

static STOPPED: AtomicBool = AtomicBool::new(false);

/// The exit code of a program that was stopped.
pub const STOPPED_CODE: u8 = 130;

/// Takes Ctrl-C, a closed terminal and a polite `kill` as the wish to stop, which [`check_stopped`] then tells; a
/// second one ends the program at once. Once in a program.
///
/// # Errors
/// The system does not let signals be handled.
pub fn listen_for_stop() -> Result<(), ctrlc::Error> {
    ctrlc::set_handler(|| {
        if STOPPED.swap(true, Ordering::Relaxed) {
            process::exit(STOPPED_CODE.into());
        }
        console::note!("stopping; what is complete is kept; once more to leave at once");
    })
}

/// Somebody wished the program to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("stopped")]
pub struct Stopped;

/// An error since the program is to stop.
///
/// # Errors
/// It is to stop.
pub fn check_stopped() -> Result<(), Stopped> {
    match STOPPED.load(Ordering::Relaxed) {
        true => Err(Stopped),
        false => Ok(()),
    }
}
