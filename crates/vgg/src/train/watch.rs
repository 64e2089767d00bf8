//! How a caller follows a training, and stops it.

use burn::train::Interrupter;

/// Where a line goes that says how far a training is.
pub type Line = Box<dyn FnMut(&str) + Send + Sync>;

/// How a caller follows a training, and stops it.
pub struct Watch {
    /// Stops it behind the current step.
    pub interrupter: Interrupter,
    /// Called every few seconds, and behind each epoch, from another thread.
    pub line: Line,
}

impl Watch {
    /// Nobody looks, and nobody stops it.
    pub fn none() -> Self {
        Self {
            interrupter: Interrupter::new(),
            line: Box::new(|_| {}),
        }
    }
}
