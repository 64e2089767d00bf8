//! Stopping a training from outside.

use std::process;
use std::sync::atomic::{AtomicBool, Ordering};

use vgg::train::{Interrupter, Watch};

/// What Ctrl-C, a closed terminal or a polite `kill` stops a training with, behind its current step; a second one
/// ends the program at once. Can be had once in a program, for all its trainings.
pub fn stoppable() -> Result<Interrupter, ctrlc::Error> {
    let interrupter = Interrupter::new();
    let stop = interrupter.clone();
    let pressed = AtomicBool::new(false);
    ctrlc::set_handler(move || {
        if pressed.swap(true, Ordering::Relaxed) {
            process::exit(130);
        }
        stop.stop(Some("Ctrl-C"));
        console::note!("stopping after this step; once more to leave at once");
    })?;
    Ok(interrupter)
}

/// A training that `interrupter` stops and that tells its progress on standard output, as long as somebody is there
/// to read it.
pub fn watched(interrupter: &Interrupter) -> Watch {
    Watch {
        interrupter: interrupter.clone(),
        line: Box::new(|line| console::tell!("{line}")),
    }
}
