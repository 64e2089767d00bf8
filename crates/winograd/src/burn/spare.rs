//! Memory that is used again: feature maps, packed weights and workspaces are large, and asking the system
//! for them anew in each step of a training takes longer than filling them.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::layer::{Input, Layer};
use crate::weights::Weights;
use crate::{Activation, ConvOptions, Error, Line, Workspace, on_pool};

static SPARE: Mutex<Spare> = Mutex::new(Spare {
    workspaces: Vec::new(),
    buffers: Vec::new(),
});

struct Spare {
    workspaces: Vec<Workspace>,
    /// Of feature maps and of packed weights.
    buffers: Vec<Vec<Line>>,
}

fn spare() -> MutexGuard<'static, Spare> {
    SPARE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs with a workspace of its own, as one piece of work of the pool.
pub(super) fn with_workspace<R: Send>(run: impl FnOnce(&mut Workspace) -> R + Send) -> R {
    let mut workspace = spare().workspaces.pop().unwrap_or_default();
    let result = on_pool(|| run(&mut workspace));
    spare().workspaces.push(workspace);
    result
}

/// A buffer, of at least so many lines if there is one.
fn buffer(lines: usize) -> Vec<Line> {
    let mut spare = spare();
    let best = (0..spare.buffers.len())
        .filter(|&index| spare.buffers[index].len() >= lines)
        .min_by_key(|&index| spare.buffers[index].len());
    match best {
        Some(index) => spare.buffers.swap_remove(index),
        None => spare.buffers.pop().unwrap_or_default(),
    }
}

/// An activation for at least `bytes`.
pub(super) fn activation(bytes: usize) -> Activation {
    Activation::from_memory(buffer(bytes.div_ceil(size_of::<Line>())))
}

/// Gives an activation back.
pub(super) fn give_back(activation: Activation) {
    spare().buffers.push(activation.into_memory());
}

/// Computes a layer whose weights serve this once.
pub(super) fn convolve(
    weights: Weights,
    bias: Option<&[f32]>,
    options: ConvOptions,
    input: Input,
    output: &mut Activation,
    workspace: &mut Workspace,
) -> Result<(), Error> {
    let layer = Layer::new(&weights, bias, options)?;
    // A map that is no longer needed is as good as memory of its own.
    workspace.packed = buffer(layer.packing.lines());
    let result = layer.run_once(weights, input, output, workspace);
    let packed = std::mem::take(&mut workspace.packed);
    spare().buffers.push(packed);
    result
}
