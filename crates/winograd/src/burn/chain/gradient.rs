//! A chain with automatic differentiation: one step of the backward pass for all its layers.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use burn::tensor::Tensor;
use burn_autodiff::checkpoint::base::Checkpointer;
use burn_autodiff::checkpoint::strategy::NoCheckpointing;
use burn_autodiff::grads::Gradients;
use burn_autodiff::ops::{Backward, Ops, OpsKind};
use burn_backend::{AutodiffBackend, TensorMetadata};

use super::forward::{Forward, SavedMaps};
use super::layer::{Convolution, LayerTensors};
use super::sizes::Sizes;
use super::types::{Chained, as_tensors};
use crate::burn::backend::{CpuBackend, Primitive, Tracked, contiguous};
use crate::burn::tensors::{TensorSource, TrackedTensors, map_tensor, values, vector};
use crate::burn::workspaces::with_workspace;
use crate::convolution::layer::{Input, Layer};
use crate::convolution::weights::Weights;
use crate::maps::activation::map_lines;
use crate::memory::pages::zeros;
use crate::{
    Activation, BatchStatistics, ConvOptions, Error, GradientInputs, Kernel, LayerSize, Workspace,
    batch_norm_gradient, max_pool_gradient, relu_gradient, weight_gradient,
};

/// Burn fixes the number of a step's inputs at compile time: the map, and up to four for each layer.
pub(super) const MOST_LAYERS: usize = 4;

pub(super) fn run<B: CpuBackend>(
    input: &Tensor<4>,
    layers: &[Convolution],
    sizes: &Sizes,
) -> Option<Chained> {
    let mut tracked = TrackedTensors::default();
    let maps = TensorSource::<B>::contiguous(&mut tracked, input)?;
    let tensors = LayerTensors::<B>::all(layers, &mut tracked)?;
    let step = Step {
        tracked,
        input: maps,
        layers: tensors,
        sizes,
    };
    match step.tracked.len() {
        2 => step.run::<2>(),
        3 => step.run::<3>(),
        5 => step.run::<5>(),
        7 => step.run::<7>(),
        9 => step.run::<9>(),
        11 => step.run::<11>(),
        13 => step.run::<13>(),
        15 => step.run::<15>(),
        17 => step.run::<17>(),
        _ => None,
    }
}

/// A forward pass that becomes one step of the backward pass.
struct Step<'a, B: CpuBackend> {
    tracked: TrackedTensors,
    input: Primitive<B>,
    layers: Vec<LayerTensors<B>>,
    sizes: &'a Sizes,
}

impl<B: CpuBackend> Step<'_, B> {
    /// With `N` inputs.
    fn run<const N: usize>(self) -> Option<Chained> {
        let guards = self.tracked.guards::<N>()?;
        let forward = Forward::new(&self.input, &self.layers, self.sizes);
        let gradient = ChainGradient(PhantomData::<B>);
        let prepared = Backward::<B, N>::prepare::<NoCheckpointing>(gradient, guards);
        let (output, statistics) = match prepared.compute_bound().stateful() {
            OpsKind::Tracked(tracked) => {
                let (output, saved) = forward.training()?;
                let found: Vec<_> = saved.statistics.iter().flatten().cloned().collect();
                let state = State {
                    saved,
                    layers: self.layers,
                    pool: self.sizes.pool,
                };
                (tracked.finish(Arc::new(state), output), found)
            }
            OpsKind::UnTracked(untracked) => {
                let forwarded = forward.inference()?;
                (untracked.finish(forwarded.output), forwarded.statistics)
            }
        };
        Some(Chained {
            output: B::from_tracked(output),
            // Tensors that no gradient flows through.
            statistics: as_tensors(&statistics, |values| {
                B::from_tracked(Tracked::<B>::from_inner(vector::<B>(values)))
            }),
        })
    }
}

#[derive(Debug)]
struct ChainGradient<B>(PhantomData<B>);

/// What the forward pass leaves for the backward pass.
struct State<B: CpuBackend> {
    saved: SavedMaps,
    layers: Vec<LayerTensors<B>>,
    pool: bool,
}

impl<B: CpuBackend> fmt::Debug for State<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State")
            .field("layers", &self.layers.len())
            .field("pool", &self.pool)
            .finish_non_exhaustive()
    }
}

impl<B: CpuBackend, const N: usize> Backward<B, N> for ChainGradient<B> {
    type State = Arc<State<B>>;

    fn backward(self, ops: Ops<Arc<State<B>>, N>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let output = gradients.consume::<B>(&ops.node);
        let wanted: Vec<bool> = ops.parents.iter().map(Option::is_some).collect();
        let computed = with_workspace(|workspace| ops.state.gradients(output, &wanted, workspace));
        // The forward pass has checked all sizes, and a backward pass cannot return an error.
        let computed = computed.expect("a gradient has the shape of its tensor");
        for (parent, gradient) in ops.parents.into_iter().zip(computed) {
            if let (Some(node), Some(gradient)) = (parent, gradient) {
                gradients.register::<B>(node.id, gradient);
            }
        }
    }
}

impl<B: CpuBackend> State<B> {
    /// The gradients of the input and of each layer's parameters, where they are wanted.
    fn gradients(
        &self,
        output: Primitive<B>,
        wanted: &[bool],
        workspace: &mut Workspace,
    ) -> Result<Vec<Option<Primitive<B>>>, Error> {
        let mut found = vec![None; wanted.len()];
        let mut gradient = self.output_gradient(output, workspace)?;
        // Where the tensors of the layer end among the parents.
        let mut end = wanted.len();
        for (index, layer) in self.layers.iter().enumerate().rev() {
            let first = end - layer.count();
            if let Some(norm) = &layer.norm {
                let of_norm = batch_norm_gradient(
                    &self.saved.unnormed[index],
                    &norm.layer(layer.relu)?,
                    self.statistics(index)?,
                    &mut gradient,
                )?;
                found[end - 2] = Some(vector::<B>(&of_norm.gamma));
                found[end - 1] = Some(vector::<B>(&of_norm.beta));
            } else if layer.relu && !(self.pool && index + 1 == self.layers.len()) {
                relu_gradient(&self.saved.maps[index + 1], &mut gradient)?;
            }
            let bias = layer.bias.is_some().then_some(first + 1);
            if wanted[first] || bias.is_some_and(|bias| wanted[bias]) {
                let [weight, of_bias] = self.parameter_gradients(index, &gradient, workspace)?;
                found[first] = weight;
                if let Some(bias) = bias {
                    found[bias] = of_bias;
                }
            }
            if !wanted[..first].contains(&true) {
                break;
            }
            let back = self.input_gradient(index, &gradient, workspace)?;
            let before = std::mem::replace(&mut gradient, back);
            workspace.spare.give_activation(before);
            end = first;
        }
        if wanted[0] {
            found[0] = Some(map_tensor::<B>(&gradient));
        }
        workspace.spare.give_activation(gradient);
        Ok(found)
    }

    /// The gradient of the last map before pooling, its ReLU reversed too if there is a pooling.
    fn output_gradient(
        &self,
        output: Primitive<B>,
        workspace: &mut Workspace,
    ) -> Result<Activation, Error> {
        let output = contiguous::<B>(output).ok_or(Error::Zero("gradients"))?;
        let shape = dims::<B, 4>(&output)?;
        let output = values::<B>(&output)?;
        let last = &self.saved.maps[self.layers.len()];
        let mut gradient = workspace.spare.activation(last.lines().len());
        if !self.pool {
            gradient.copy_from_nchw(output, shape)?;
            return Ok(gradient);
        }
        let [batch, channels, height, width] = shape;
        let lines = map_lines(batch, channels, [height, width])?;
        let mut pooled = workspace.spare.activation(lines);
        pooled.copy_from_nchw(output, shape)?;
        let relu = self.layers.last().is_some_and(|layer| layer.relu);
        max_pool_gradient(last, &pooled, &mut gradient, relu)?;
        workspace.spare.give_activation(pooled);
        Ok(gradient)
    }

    /// Of weight and bias of layer `index`.
    fn parameter_gradients(
        &self,
        index: usize,
        gradient: &Activation,
        workspace: &mut Workspace,
    ) -> Result<[Option<Primitive<B>>; 2], Error> {
        let layer = &self.layers[index];
        let mut weights = zeros(0.0, values::<B>(&layer.weight)?.len());
        let mut biases = layer.bias_values()?.map(|bias| vec![0.0; bias.len()]);
        let inputs = GradientInputs {
            input: &self.saved.maps[index],
            gradient,
            padding: layer.padding,
            kernel: Kernel::detect(),
        };
        weight_gradient(&inputs, &mut weights, biases.as_deref_mut(), workspace)?;
        let shape = dims::<B, 4>(&layer.weight)?;
        let weights = B::from_values(weights, shape);
        Ok([Some(weights), biases.as_deref().map(vector::<B>)])
    }

    /// The gradient of the input of layer `index` from that of its output.
    fn input_gradient(
        &self,
        index: usize,
        gradient: &Activation,
        workspace: &mut Workspace,
    ) -> Result<Activation, Error> {
        let (layer, input) = (&self.layers[index], &self.saved.maps[index]);
        let mut back = workspace.spare.activation(input.lines().len());
        // Seen from the other side.
        let weights = Weights {
            data: values::<B>(&layer.weight)?,
            out_channels: input.channels(),
            in_channels: gradient.channels(),
            backward: true,
        };
        let options = ConvOptions::for_size(&LayerSize {
            batch: input.batch(),
            in_channels: weights.in_channels,
            out_channels: weights.out_channels,
            out_height: input.height(),
            out_width: input.width(),
            pool: false,
        });
        let convolution = Layer::new(&weights, None, options.with_padding(2 - layer.padding))?;
        convolution.run_once(weights, Input::Map(gradient), &mut back, workspace)?;
        Ok(back)
    }

    /// Of the norm of layer `index`.
    fn statistics(&self, index: usize) -> Result<&BatchStatistics, Error> {
        let statistics = self.saved.statistics[index].as_ref();
        statistics.ok_or(Error::Zero("statistics"))
    }
}

/// The dimensions, if there are `D`.
fn dims<B: CpuBackend, const D: usize>(tensor: &Primitive<B>) -> Result<[usize; D], Error> {
    let shape: Vec<usize> = tensor.shape().iter().copied().collect();
    shape.try_into().map_err(|_| Error::Zero("dimensions"))
}
