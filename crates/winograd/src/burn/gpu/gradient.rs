//! The same with automatic differentiation.

use std::fmt;
use std::sync::Arc;

use burn::tensor::Tensor;
use burn_autodiff::checkpoint::base::Checkpointer;
use burn_autodiff::checkpoint::strategy::NoCheckpointing;
use burn_autodiff::grads::Gradients;
use burn_autodiff::ops::{Backward, NodeGuard, Ops, OpsKind};

use super::kernels::{Gpu, Kernels};
use super::tensors::{Primitive, Source, Tracked, bias_or_zeros};
use crate::gpu::{Convolution, Tail};

pub(super) fn convolve_tracked(
    map: Source,
    weight: Source,
    bias: Option<Source>,
    convolution: Convolution,
    tail: Tail,
) -> Option<Tensor<4>> {
    let (map_guard, weight_guard) = (map.guard?, weight.guard?);
    let (bias, bias_guard) = match bias {
        Some(bias) => (Some(bias.primitive), Some(bias.guard?)),
        None => (None, None),
    };
    let inputs = ConvolutionInputs {
        bias: bias_or_zeros(bias, &map.primitive, &convolution),
        map: map.primitive,
        weight: weight.primitive,
        convolution,
        tail,
    };
    Some(match bias_guard {
        Some(bias_guard) => inputs.run([map_guard, weight_guard, bias_guard]),
        None => inputs.run([map_guard, weight_guard]),
    })
}

struct ConvolutionInputs {
    map: Primitive,
    weight: Primitive,
    bias: Primitive,
    convolution: Convolution,
    tail: Tail,
}

impl ConvolutionInputs {
    /// One step of the backward pass with `N` inputs.
    fn run<const N: usize>(self, guards: [NodeGuard; N]) -> Tensor<4> {
        let Self {
            map,
            weight,
            bias,
            convolution,
            tail,
        } = self;
        let prepared = Backward::<Gpu, N>::prepare::<NoCheckpointing>(ConvolutionGradient, guards);
        let output = match prepared.compute_bound().stateful() {
            OpsKind::Tracked(tracked) => {
                // ReLU's output before pooling says where gradients go.
                let unpooled = Tail {
                    pool: false,
                    ..tail
                };
                let output =
                    Gpu::convolved_once(map.clone(), weight.clone(), bias, convolution, unpooled);
                let last = match tail.pool {
                    true => Gpu::pooled(output.clone()),
                    false => output.clone(),
                };
                let state = Saved {
                    map,
                    weight,
                    output: (tail.relu || tail.pool).then_some(output),
                    convolution,
                    tail,
                };
                tracked.finish(Arc::new(state), last)
            }
            OpsKind::UnTracked(untracked) => {
                untracked.finish(Gpu::convolved_once(map, weight, bias, convolution, tail))
            }
        };
        Tensor::from_primitive::<Tracked>(output)
    }
}

#[derive(Debug)]
struct ConvolutionGradient;

/// What the forward pass leaves for the backward pass.
struct Saved {
    map: Primitive,
    weight: Primitive,
    /// Behind the ReLU, before the pooling, where there is one of them.
    output: Option<Primitive>,
    convolution: Convolution,
    tail: Tail,
}

impl fmt::Debug for Saved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Saved")
            .field("convolution", &self.convolution)
            .field("tail", &self.tail)
            .finish_non_exhaustive()
    }
}

impl<const N: usize> Backward<Gpu, N> for ConvolutionGradient {
    type State = Arc<Saved>;

    fn backward(self, ops: Ops<Arc<Saved>, N>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let mut gradient = gradients.consume::<Gpu>(&ops.node);
        let Saved {
            map,
            weight,
            output,
            convolution,
            tail,
        } = &*ops.state;
        if let Some(output) = output {
            gradient = Gpu::before_tail(gradient, output.clone(), *tail);
        }
        for (index, parent) in ops.parents.into_iter().enumerate() {
            let Some(parent) = parent else { continue };
            let gradient = gradient.clone();
            let of_parent = match index {
                0 => Gpu::input_gradient(gradient, weight.clone(), *convolution),
                1 => Gpu::weight_gradient(map.clone(), gradient, *convolution),
                _ => Gpu::channel_sums(gradient),
            };
            gradients.register::<Gpu>(parent.id, of_parent);
        }
    }
}

pub(super) fn linear_tracked(input: Source, weight: Source, bias: Source) -> Option<Tensor<2>> {
    let guards = [input.guard?, weight.guard?, bias.guard?];
    let (input, weight, bias) = (input.primitive, weight.primitive, bias.primitive);
    let prepared = Backward::<Gpu, 3>::prepare::<NoCheckpointing>(LinearGradient, guards);
    let output = Gpu::linear(input.clone(), weight.clone(), bias, false);
    Some(Tensor::from_primitive::<Tracked>(
        match prepared.compute_bound().stateful() {
            OpsKind::Tracked(tracked) => {
                tracked.finish(Arc::new(SavedLinear { input, weight }), output)
            }
            OpsKind::UnTracked(untracked) => untracked.finish(output),
        },
    ))
}

#[derive(Debug)]
struct LinearGradient;

/// What the forward pass leaves for the backward pass.
struct SavedLinear {
    input: Primitive,
    weight: Primitive,
}

impl fmt::Debug for SavedLinear {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SavedLinear").finish_non_exhaustive()
    }
}

impl Backward<Gpu, 3> for LinearGradient {
    type State = Arc<SavedLinear>;

    fn backward(
        self,
        ops: Ops<Arc<SavedLinear>, 3>,
        gradients: &mut Gradients,
        _: &mut Checkpointer,
    ) {
        let gradient = gradients.consume::<Gpu>(&ops.node);
        let SavedLinear { input, weight } = &*ops.state;
        let [of_input, of_weight, of_bias] = ops.parents;
        if let Some(parent) = of_input {
            let found = Gpu::linear_input_gradient(gradient.clone(), weight.clone());
            gradients.register::<Gpu>(parent.id, found);
        }
        if let Some(parent) = of_weight {
            let found = Gpu::linear_weight_gradient(input.clone(), gradient.clone());
            gradients.register::<Gpu>(parent.id, found);
        }
        if let Some(parent) = of_bias {
            gradients.register::<Gpu>(parent.id, Gpu::channel_sums(gradient));
        }
    }
}
