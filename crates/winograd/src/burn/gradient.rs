//! A chain with automatic differentiation: one step of the backward pass for all its layers.

use std::fmt;
use std::sync::Arc;

use burn::tensor::{Tensor, TensorData};
use burn_autodiff::checkpoint::base::Checkpointer;
use burn_autodiff::checkpoint::strategy::NoCheckpointing;
use burn_autodiff::grads::Gradients;
use burn_autodiff::ops::{Backward, NodeGuard, Ops, OpsKind};
use burn_backend::AutodiffBackend;
use burn_flex::{Flex, FlexTensor};

use super::forward::{Forward, Kept, LayerTensors, Sizes, Take, dims, tensor, values, vector};
use super::workspaces::with_workspace;
use super::{ChainLayer, ChainStatistics, Chained, Tracked, contiguous};
use crate::activation::map_lines;
use crate::layer::{Input, Layer};
use crate::memory::zeros;
use crate::weights::Weights;
use crate::{
    Activation, BatchStatistics, ConvOptions, Error, Kernel, LayerSize, Workspace,
    batch_norm_gradient, max_pool_gradient, relu_gradient, weight_gradient,
};

/// Burn fixes the number of a step's inputs at compile time: the map, two for each layer, and two more
/// for each layer's norm.
pub(super) const MOST_LAYERS: usize = 4;

pub(super) fn run(input: &Tensor<4>, layers: &[ChainLayer], sizes: &Sizes) -> Option<Chained> {
    let norms = layers.iter().filter(|layer| layer.norm.is_some()).count();
    let mut guards = Vec::with_capacity(1 + 2 * (layers.len() + norms));
    let maps = guards.take(input)?;
    let tensors = LayerTensors::all(layers, &mut guards)?;
    match (layers.len(), norms) {
        (1, 0) => track::<3>(guards, maps, tensors, sizes),
        (2, 0) => track::<5>(guards, maps, tensors, sizes),
        (3, 0) => track::<7>(guards, maps, tensors, sizes),
        (4, 0) => track::<9>(guards, maps, tensors, sizes),
        (1, 1) => track::<5>(guards, maps, tensors, sizes),
        (2, 2) => track::<9>(guards, maps, tensors, sizes),
        (3, 3) => track::<13>(guards, maps, tensors, sizes),
        (4, 4) => track::<17>(guards, maps, tensors, sizes),
        _ => None,
    }
}

/// Takes tracked tensors, and keeps in order where their gradients go.
impl Take for Vec<NodeGuard> {
    fn take_as_it_is<const D: usize>(&mut self, tensor: &Tensor<D>) -> Option<FlexTensor> {
        let tracked = tensor.clone().try_into_primitive::<Tracked>().ok()?;
        let (primitive, guard) = tracked.into_parts();
        self.push(guard);
        Some(primitive)
    }
}

fn track<const N: usize>(
    guards: Vec<NodeGuard>,
    input: FlexTensor,
    layers: Vec<LayerTensors>,
    sizes: &Sizes,
) -> Option<Chained> {
    let guards: [NodeGuard; N] = guards.try_into().ok()?;
    let forward = Forward::new(&input, &layers, sizes);
    let prepared = Backward::<Flex, N>::prepare::<NoCheckpointing>(ChainGradient, guards);
    let (output, statistics) = match prepared.compute_bound().stateful() {
        OpsKind::Tracked(tracked) => {
            let (output, kept) = forward.training()?;
            let statistics = constants(&kept.statistics);
            let pool = sizes.pool;
            let state = State { kept, layers, pool };
            (tracked.finish(Arc::new(state), output), statistics)
        }
        OpsKind::UnTracked(untracked) => {
            let forwarded = forward.inference()?;
            let statistics = constants(&forwarded.statistics);
            (untracked.finish(forwarded.output), statistics)
        }
    };
    Some(Chained {
        output: Tensor::from_primitive::<Tracked>(output),
        statistics,
    })
}

/// The statistics as tensors that no gradient flows through.
fn constants(statistics: &[BatchStatistics]) -> Vec<ChainStatistics> {
    let constant =
        |values: &[f32]| Tensor::from_primitive::<Tracked>(Tracked::from_inner(vector(values)));
    let constants = statistics.iter().map(|statistics| ChainStatistics {
        mean: constant(&statistics.mean),
        variance: constant(&statistics.variance),
    });
    constants.collect()
}

#[derive(Debug)]
struct ChainGradient;

/// What the forward pass leaves for the backward pass.
struct State {
    kept: Kept,
    layers: Vec<LayerTensors>,
    pool: bool,
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State")
            .field("layers", &self.layers.len())
            .field("pool", &self.pool)
            .finish_non_exhaustive()
    }
}

impl<const N: usize> Backward<Flex, N> for ChainGradient {
    type State = Arc<State>;

    fn backward(self, ops: Ops<Arc<State>, N>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let output = gradients.consume::<Flex>(&ops.node);
        let wanted: Vec<bool> = ops.parents.iter().map(Option::is_some).collect();
        let computed = with_workspace(|workspace| ops.state.gradients(output, &wanted, workspace));
        // The forward pass has checked all sizes, and a backward pass cannot return an error.
        let computed = computed.expect("a gradient has the shape of its tensor");
        for (parent, gradient) in ops.parents.into_iter().zip(computed) {
            if let (Some(node), Some(gradient)) = (parent, gradient) {
                gradients.register::<Flex>(node.id, gradient);
            }
        }
    }
}

impl State {
    /// The gradients of the input and of each layer's parameters, where they are wanted.
    fn gradients(
        &self,
        output: FlexTensor,
        wanted: &[bool],
        workspace: &mut Workspace,
    ) -> Result<Vec<Option<FlexTensor>>, Error> {
        let mut found = vec![None; wanted.len()];
        let mut gradient = self.output_gradient(output, workspace)?;
        let each = (wanted.len() - 1) / self.layers.len();
        for index in (0..self.layers.len()).rev() {
            let LayerTensors {
                weight,
                bias,
                norm,
                relu,
            } = &self.layers[index];
            // Where its weight stands among the parents; bias, gamma and beta follow.
            let first = 1 + each * index;
            if let Some(norm) = norm {
                let of_norm = batch_norm_gradient(
                    &self.kept.unnormed[index],
                    &norm.layer(*relu)?,
                    &self.kept.statistics[index],
                    &mut gradient,
                )?;
                found[first + 2] = Some(vector(&of_norm.gamma));
                found[first + 3] = Some(vector(&of_norm.beta));
            } else if *relu && !(self.pool && index + 1 == self.layers.len()) {
                relu_gradient(&self.kept.maps[index + 1], &mut gradient)?;
            }
            let input = &self.kept.maps[index];
            if wanted[first] || wanted[first + 1] {
                let mut weights = zeros(0.0, values(weight)?.len());
                let mut biases = vec![0.0; values(bias)?.len()];
                weight_gradient(
                    input,
                    &gradient,
                    1,
                    Kernel::detect(),
                    &mut weights,
                    Some(&mut biases),
                    workspace,
                )?;
                found[first] = Some(like(weight, weights));
                found[first + 1] = Some(vector(&biases));
            }
            if wanted[..first].iter().any(|&wanted| wanted) {
                let mut back = workspace.spare.activation(input.lines().len());
                let weights = back_weights(weight)?;
                let layer = Layer::new(&weights, None, self.back_options(&gradient, weights))?;
                let passed = Input::Map(&gradient);
                layer.run_once(weights, passed, &mut back, workspace)?;
                let before = std::mem::replace(&mut gradient, back);
                workspace.spare.give_activation(before);
            } else {
                break;
            }
        }
        if wanted[0] {
            found[0] = Some(tensor(&gradient));
        }
        workspace.spare.give_activation(gradient);
        Ok(found)
    }

    /// The gradient of the last map before pooling, its ReLU reversed too if there is a pooling.
    fn output_gradient(
        &self,
        output: FlexTensor,
        workspace: &mut Workspace,
    ) -> Result<Activation, Error> {
        let output = contiguous(output).ok_or(Error::Zero("gradients"))?;
        let shape: [usize; 4] = dims(&output).ok_or(Error::Zero("gradients"))?;
        let [batch, channels, height, width] = shape;
        let last = &self.kept.maps[self.layers.len()];
        let mut gradient = workspace.spare.activation(last.lines().len());
        if !self.pool {
            gradient.copy_from_nchw(values(&output)?, batch, channels, height, width)?;
            return Ok(gradient);
        }
        let mut pooled = workspace
            .spare
            .activation(map_lines(batch, channels, [height, width])?);
        pooled.copy_from_nchw(values(&output)?, batch, channels, height, width)?;
        let relu = self.layers.last().is_some_and(|layer| layer.relu);
        max_pool_gradient(last, &pooled, &mut gradient, relu)?;
        workspace.spare.give_activation(pooled);
        Ok(gradient)
    }

    fn back_options(&self, gradient: &Activation, weights: Weights) -> ConvOptions {
        // Padding 1 of the forward pass leaves 2 - 1 for the way back.
        ConvOptions::for_size(&LayerSize {
            batch: gradient.batch(),
            in_channels: weights.in_channels,
            out_channels: weights.out_channels,
            out_height: gradient.height(),
            out_width: gradient.width(),
            pool: false,
        })
    }
}

/// Those of the convolution that carries a gradient back.
fn back_weights(weight: &FlexTensor) -> Result<Weights<'_>, Error> {
    let [out_channels, in_channels, _, _] = dims(weight).ok_or(Error::Zero("weights"))?;
    Ok(Weights {
        data: values(weight)?,
        out_channels: in_channels,
        in_channels: out_channels,
        turned: true,
    })
}

fn like(tensor: &FlexTensor, values: Vec<f32>) -> FlexTensor {
    let shape: Vec<usize> = tensor.layout().shape().iter().copied().collect();
    FlexTensor::from_data(TensorData::new(values, shape))
}
