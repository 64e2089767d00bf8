//! Recording on Burn's capture device.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, PoisonError};

use burn::tensor::Device;
use burn_ir::OperationIr;

use crate::error::Error;

/// Capture devices that are free for the next recording. A process can make only 65,536 of
/// them, so they are handed round.
static FREE: Mutex<Vec<Device>> = Mutex::new(Vec::new());

/// A device that goes back when the recording is over, also by a panic.
struct Lease(Option<Device>);

impl Lease {
    fn take() -> Self {
        let free = FREE.lock().unwrap_or_else(PoisonError::into_inner).pop();
        Self(Some(free.unwrap_or_else(Device::capture)))
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(device) = self.0.take() {
            FREE.lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(device);
        }
    }
}

/// What `run` did on the device, operation by operation, and what it returned; its panic's
/// message where it panicked.
pub(crate) fn record<R>(
    run: impl FnOnce(&Device) -> R,
) -> Result<(Vec<OperationIr>, Result<R, String>), Error> {
    let lease = Lease::take();
    let Some(device) = &lease.0 else {
        return Err(Error::Capture("no device".into()));
    };
    let mut outcome = Err(String::new());
    let captured = device.capture_scope(|scope| {
        outcome = catch_unwind(AssertUnwindSafe(|| run(device))).map_err(|panic| message(&*panic));
        scope.complete([], [])
    });
    match captured {
        Ok(captured) => Ok((captured.graph.operations, outcome)),
        Err(error) => Err(Error::Capture(error.to_string())),
    }
}

/// The text of a panic.
pub(crate) fn message(panic: &(dyn Any + Send)) -> String {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .map_or("a panic without a message", str::trim)
        .to_owned()
}
