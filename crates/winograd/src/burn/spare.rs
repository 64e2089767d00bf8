//! Memory that is used again: packed weights, feature maps and workspaces are large, and asking the system
//! for them anew in each step of a training takes longer than filling them.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::weights::Weights;
use crate::{Activation, Conv3x3, ConvOptions, Error, Line, Workspace};

static SPARE: Mutex<Spare> = Mutex::new(Spare {
    workspaces: Vec::new(),
    activations: Vec::new(),
    packed: Vec::new(),
});

struct Spare {
    workspaces: Vec<Workspace>,
    activations: Vec<Activation>,
    /// Of packed weights: one for each thread that computes, as large as its largest layer needs.
    packed: Vec<Vec<Line>>,
}

fn spare() -> MutexGuard<'static, Spare> {
    SPARE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs with a workspace of its own.
pub(super) fn with_workspace<R>(run: impl FnOnce(&mut Workspace) -> R) -> R {
    let mut workspace = spare().workspaces.pop().unwrap_or_default();
    let result = run(&mut workspace);
    spare().workspaces.push(workspace);
    result
}

/// An activation, of at least `bytes` if there is one.
pub(super) fn activation(bytes: usize) -> Activation {
    let mut spare = spare();
    let fits = |activation: &Activation| activation.bytes() >= bytes;
    let best = (0..spare.activations.len())
        .filter(|&index| fits(&spare.activations[index]))
        .min_by_key(|&index| spare.activations[index].bytes());
    match best {
        Some(index) => spare.activations.swap_remove(index),
        None => spare.activations.pop().unwrap_or_default(),
    }
}

/// Gives an activation back.
pub(super) fn give_back(activation: Activation) {
    spare().activations.push(activation);
}

/// Runs with a layer that is packed for this once.
pub(super) fn with_layer<R>(
    weights: Weights,
    bias: Option<&[f32]>,
    options: ConvOptions,
    run: impl FnOnce(&Conv3x3) -> Result<R, Error>,
) -> Result<R, Error> {
    let memory = spare().packed.pop().unwrap_or_default();
    let layer = Conv3x3::pack(weights, bias, options, memory)?;
    let result = run(&layer);
    spare().packed.push(layer.into_memory());
    result
}
