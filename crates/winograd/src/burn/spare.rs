//! Memory that is used again: packed weights, feature maps and workspaces are large, and asking the system
//! for them anew in each step of a training takes longer than filling them.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::{Activation, Conv3x3, ConvOptions, Error, Workspace};

/// Prepared layers that are kept; the oldest goes first.
const MOST_LAYERS: usize = 64;

static SPARE: Mutex<Spare> = Mutex::new(Spare {
    workspaces: Vec::new(),
    activations: Vec::new(),
    layers: Vec::new(),
});

struct Spare {
    workspaces: Vec<Workspace>,
    activations: Vec<Activation>,
    layers: Vec<(Key, Conv3x3)>,
}

/// What has to be the same for a layer's memory to fit.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Key {
    in_channels: usize,
    out_channels: usize,
    options: ConvOptions,
    turned: bool,
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

/// The weights of a convolution.
#[derive(Clone, Copy)]
pub(super) struct Weights<'a> {
    /// `[out_channels, in_channels, 3, 3]`
    pub(super) weights: &'a [f32],
    /// `None` for the convolution that carries a gradient back.
    pub(super) bias: Option<&'a [f32]>,
    pub(super) in_channels: usize,
    pub(super) out_channels: usize,
}

/// Runs with a prepared layer.
pub(super) fn with_layer<R>(
    weights: Weights,
    options: ConvOptions,
    run: impl FnOnce(&Conv3x3) -> Result<R, Error>,
) -> Result<R, Error> {
    let key = Key {
        in_channels: weights.in_channels,
        out_channels: weights.out_channels,
        options,
        turned: weights.bias.is_none(),
    };
    let known = {
        let mut spare = spare();
        let index = spare.layers.iter().position(|(other, _)| *other == key);
        index.map(|index| spare.layers.remove(index).1)
    };
    let layer = match known {
        Some(mut layer) => {
            layer.set_weights(weights.weights, weights.bias)?;
            layer
        }
        None => new_layer(weights, options)?,
    };
    let result = run(&layer);
    let mut spare = spare();
    spare.layers.push((key, layer));
    if spare.layers.len() > MOST_LAYERS {
        spare.layers.remove(0);
    }
    result
}

fn new_layer(weights: Weights, options: ConvOptions) -> Result<Conv3x3, Error> {
    let (inputs, outputs) = (weights.in_channels, weights.out_channels);
    match weights.bias {
        Some(bias) => Conv3x3::new(weights.weights, Some(bias), inputs, outputs, options),
        None => Conv3x3::input_gradient(weights.weights, inputs, outputs, options),
    }
}
