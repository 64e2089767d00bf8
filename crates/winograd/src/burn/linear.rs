//! Linear layers on Burn's tensors.

use std::sync::Arc;

use burn::tensor::Tensor;
use burn_autodiff::checkpoint::base::Checkpointer;
use burn_autodiff::checkpoint::strategy::NoCheckpointing;
use burn_autodiff::grads::Gradients;
use burn_autodiff::ops::{Backward, NodeGuard, Ops, OpsKind};
use burn_flex::{Flex, FlexTensor};

use super::forward::{Take, filled, values};
use super::workspaces::with_workspace;
use super::{Plain, Tracked, contiguous};
use crate::linear::check_rows;
use crate::linear_gradient::multiply_columns;
use crate::linear_weights::LinearWeights;
use crate::matrix::multiply_rows;
use crate::{Error, WeightOrder, Workspace};

/// `input · weight + bias`, with automatic differentiation or without, weights read where they lie: Burn's
/// own product of a few rows takes two to three times as long as reading them.
///
/// # Shapes
/// - `input`: `[batch, in_features]`
/// - `weight`: `[in_features, out_features]`
/// - `bias`: `[out_features]`
/// - output: `[batch, out_features]`
///
/// `None` if the tensors are not 32-bit floating-point numbers on Flex, if some are on an autodiff device
/// and others are not, if gradients are checkpointed, or if the shapes do not fit together.
pub fn linear(input: &Tensor<2>, weight: &Tensor<2>, bias: &Tensor<1>) -> Option<Tensor<2>> {
    if let Some(layer) = LinearTensors::take(input, weight, bias, &mut Plain) {
        return Some(Tensor::from_primitive::<Flex>(layer.forward().ok()?));
    }
    let mut guards: Vec<NodeGuard> = Vec::with_capacity(3);
    let layer = LinearTensors::take(input, weight, bias, &mut guards)?;
    let guards: [NodeGuard; 3] = guards.try_into().ok()?;
    let output = layer.forward().ok()?;
    let prepared = Backward::<Flex, 3>::prepare::<NoCheckpointing>(LinearGradient, guards);
    Some(Tensor::from_primitive::<Tracked>(
        match prepared.compute_bound().stateful() {
            OpsKind::Tracked(tracked) => tracked.finish(Arc::new(layer), output),
            OpsKind::UnTracked(untracked) => untracked.finish(output),
        },
    ))
}

/// The tensors of a layer that fit together.
#[derive(Debug)]
struct LinearTensors {
    /// Contiguous.
    input: FlexTensor,
    /// Contiguous, of the shape that `order` says.
    weight: FlexTensor,
    order: WeightOrder,
    /// Contiguous.
    bias: FlexTensor,
    batch: usize,
    in_features: usize,
    out_features: usize,
}

impl LinearTensors {
    fn take(
        input: &Tensor<2>,
        weight: &Tensor<2>,
        bias: &Tensor<1>,
        place: &mut impl Take,
    ) -> Option<Self> {
        // Before anything is taken, as for a chain.
        let [batch, in_features] = input.dims();
        let [inputs, out_features] = weight.dims();
        let fits = inputs == in_features && bias.dims() == [out_features];
        if !fits || [batch, in_features, out_features].contains(&0) {
            return None;
        }
        check_rows(batch, in_features, out_features).ok()?;
        let input = place.take(input)?;
        let weight = place.take_as_it_is(weight)?;
        let bias = place.take(bias)?;
        // Weights that were loaded from a file of PyTorch are a transposed view.
        let turned = weight.transpose(0, 1);
        let (weight, order) = match turned.as_slice::<f32>() {
            Some(_) => (turned, WeightOrder::OutIn),
            None => (contiguous(weight)?, WeightOrder::InOut),
        };
        Some(Self {
            input,
            weight,
            order,
            bias,
            batch,
            in_features,
            out_features,
        })
    }

    fn forward(&self) -> Result<FlexTensor, Error> {
        let weights = LinearWeights {
            data: values(&self.weight)?,
            in_features: self.in_features,
            out_features: self.out_features,
            order: self.order,
        };
        let (input, bias) = (values(&self.input)?, values(&self.bias)?);
        Ok(filled([self.batch, self.out_features], |output| {
            with_workspace(|workspace| {
                multiply_rows(input, &weights, Some(bias), output, workspace);
            });
        }))
    }

    /// ∂input = ∂output · weightᵀ
    fn input_gradient(
        &self,
        gradient: &[f32],
        workspace: &mut Workspace,
    ) -> Result<FlexTensor, Error> {
        let turned = LinearWeights {
            data: values(&self.weight)?,
            in_features: self.out_features,
            out_features: self.in_features,
            order: match self.order {
                WeightOrder::InOut => WeightOrder::OutIn,
                WeightOrder::OutIn => WeightOrder::InOut,
            },
        };
        Ok(filled([self.batch, self.in_features], |back| {
            multiply_rows(gradient, &turned, None, back, workspace);
        }))
    }

    /// ∂weight = inputᵀ · ∂output
    fn weight_gradient(
        &self,
        gradient: &[f32],
        workspace: &mut Workspace,
    ) -> Result<FlexTensor, Error> {
        let (input, shape) = (values(&self.input)?, [self.in_features, self.out_features]);
        Ok(filled(shape, |weights| {
            multiply_columns(input, gradient, shape, weights, workspace);
        }))
    }

    /// ∂bias = Σ ∂output
    fn bias_gradient(&self, gradient: &[f32]) -> FlexTensor {
        filled([self.out_features], |bias| {
            for row in gradient.chunks_exact(self.out_features) {
                for (sum, value) in bias.iter_mut().zip(row) {
                    *sum += value;
                }
            }
        })
    }
}

#[derive(Debug)]
struct LinearGradient;

impl Backward<Flex, 3> for LinearGradient {
    type State = Arc<LinearTensors>;

    fn backward(
        self,
        ops: Ops<Arc<LinearTensors>, 3>,
        gradients: &mut Gradients,
        _: &mut Checkpointer,
    ) {
        let output = contiguous(gradients.consume::<Flex>(&ops.node));
        let layer = &ops.state;
        let [input, weight, bias] = ops.parents;
        let computed = with_workspace(|workspace| {
            let output = output.ok_or(Error::Zero("gradients"))?;
            let output = values(&output)?;
            let of_input = input
                .as_ref()
                .map(|_| layer.input_gradient(output, workspace));
            let of_weight = weight
                .as_ref()
                .map(|_| layer.weight_gradient(output, workspace));
            let of_bias = bias.as_ref().map(|_| layer.bias_gradient(output));
            Ok::<_, Error>([of_input.transpose()?, of_weight.transpose()?, of_bias])
        });
        // The forward pass has checked all sizes, and a backward pass cannot return an error.
        let computed = computed.expect("a gradient has the shape of its tensor");
        for (parent, gradient) in [input, weight, bias].into_iter().zip(computed) {
            if let (Some(node), Some(gradient)) = (parent, gradient) {
                gradients.register::<Flex>(node.id, gradient);
            }
        }
    }
}
