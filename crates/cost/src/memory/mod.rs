//! Memory over time, by liveness on the record.
//!
//! A tensor's memory is taken when an operation makes it and given back after its last use.
//! A view shares its source's memory, which then lives as long as both. An operation that writes
//! one result per element of an input nobody needs any more writes into that input's memory.

mod life;
mod saved;
mod storage;

use crate::gradient::Backward;
use crate::optimizer::Optimizer;
use crate::record::{Origin, Record};
use crate::report::MemoryReport;
use crate::tree::Role;

use life::Life;
use saved::Saved;
use storage::Storages;

/// The memory of a forward pass for inference.
pub(crate) fn inference(record: &Record) -> MemoryReport {
    let saved = Saved::nothing(record);
    let storages = Storages::new(record, &saved, false);
    let mut report = fixed(record);
    let base = report.parameters + report.buffers;
    fullest(&mut report, record, base, |life| {
        life.forward(&storages, &saved)
    });
    report
}

/// The memory of a training step: forward, backward, update.
///
/// `extras` says what is kept beside all this, and after which operations.
pub(crate) fn training(
    record: &Record,
    backward: &Backward,
    optimizer: Optimizer,
    extras: impl Iterator<Item = (usize, u128)>,
) -> MemoryReport {
    let mut saved = Saved::new(record, backward);
    for (after, bytes) in extras {
        if let Some(kept) = saved.beside.get_mut(after) {
            *kept += bytes;
        }
    }
    let storages = Storages::new(record, &saved, true);
    let mut report = fixed(record);
    for parameter in &record.tree.parameters {
        if parameter.role == Role::Trainable {
            report.gradients += parameter.bytes();
            report.optimizer += parameter.bytes() * optimizer.state_values();
        }
    }
    report.saved = storages.saved(record) + saved.beside.iter().sum::<u128>();
    let base = report.parameters + report.buffers + report.optimizer;
    fullest(&mut report, record, base, |life| {
        life.forward(&storages, &saved);
        life.backward(&storages, &saved, backward);
    });
    report
}

/// Walks twice: to find the fullest moment, and to see what is alive then.
fn fullest<'a>(
    report: &mut MemoryReport,
    record: &'a Record,
    base: u128,
    walk: impl Fn(&mut Life<'a>),
) {
    let mut first = Life::new(record, base, usize::MAX);
    walk(&mut first);
    let mut second = Life::new(record, base, first.peak.moment);
    walk(&mut second);
    report.peak = first.peak.total;
    second.describe(&first.peak, report);
}

/// What is there before the forward pass.
fn fixed(record: &Record) -> MemoryReport {
    let mut report = MemoryReport::default();
    for parameter in &record.tree.parameters {
        match parameter.role {
            Role::Buffer => report.buffers += parameter.bytes(),
            Role::Trainable | Role::Frozen => report.parameters += parameter.bytes(),
        }
    }
    for tensor in &record.tensors {
        match tensor.origin {
            Origin::Constant => report.buffers += tensor.bytes(),
            Origin::Input => report.inputs += tensor.bytes(),
            Origin::Parameter(_) | Origin::Operation(_) => {}
        }
    }
    report
}
