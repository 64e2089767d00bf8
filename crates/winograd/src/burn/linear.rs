//! Linear layers on Burn's tensors.

use std::marker::PhantomData;
use std::sync::Arc;

use burn::tensor::{DType, Tensor};
use burn_autodiff::checkpoint::base::Checkpointer;
use burn_autodiff::checkpoint::strategy::NoCheckpointing;
use burn_autodiff::grads::Gradients;
use burn_autodiff::ops::{Backward, Ops, OpsKind};

use super::backend::{CpuBackend, Primitive, contiguous, with_backend};
use super::tensors::{TensorSource, TrackedTensors, Untracked, filled, values};
use super::workspaces::with_workspace;
use crate::linear::gradient::multiply_columns;
use crate::linear::layer::check_rows;
use crate::linear::matrix::multiply_rows;
use crate::linear::weights::LinearWeights;
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
/// `None` if the tensors are not 32-bit floating-point numbers on a CPU backend or a GPU, if some are on an autodiff
/// device and others are not, if gradients are checkpointed, or if the shapes do not fit together.
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use winograd::burn::linear;
///
/// let device = Device::flex();
/// let (input, weight) = (Tensor::ones([2, 8], &device), Tensor::ones([8, 3], &device));
/// let output = linear(&input, &weight, &Tensor::zeros([3], &device)).expect("tensors on Flex");
/// assert_eq!(output.dims(), [2, 3]);
/// ```
pub fn linear(input: &Tensor<2>, weight: &Tensor<2>, bias: &Tensor<1>) -> Option<Tensor<2>> {
    with_backend!(input, B => linear_on::<B>(input, weight, bias), else elsewhere(input, weight, bias))
}

#[cfg(feature = "gpu")]
use super::gpu::linear as elsewhere;

/// On a device that is no CPU.
#[cfg(not(feature = "gpu"))]
fn elsewhere(_: &Tensor<2>, _: &Tensor<2>, _: &Tensor<1>) -> Option<Tensor<2>> {
    None
}

fn linear_on<B: CpuBackend>(
    input: &Tensor<2>,
    weight: &Tensor<2>,
    bias: &Tensor<1>,
) -> Option<Tensor<2>> {
    if let Some(layer) = LinearTensors::<B>::new(input, weight, bias, &mut Untracked) {
        return Some(B::from_untracked(layer.forward().ok()?));
    }
    let mut tracked = TrackedTensors::default();
    let layer = LinearTensors::<B>::new(input, weight, bias, &mut tracked)?;
    let output = layer.forward().ok()?;
    let gradient = LinearGradient(PhantomData::<B>);
    let prepared = gradient.prepare::<NoCheckpointing>(tracked.guards()?);
    Some(B::from_tracked(match prepared.compute_bound().stateful() {
        OpsKind::Tracked(tracked) => tracked.finish(Arc::new(layer), output),
        OpsKind::UnTracked(untracked) => untracked.finish(output),
    }))
}

/// The tensors of a layer that fit together.
#[derive(Debug)]
struct LinearTensors<B: CpuBackend> {
    /// Contiguous.
    input: Primitive<B>,
    /// Contiguous, of the shape that `order` says.
    weight: Primitive<B>,
    order: WeightOrder,
    /// Contiguous.
    bias: Primitive<B>,
    batch: usize,
    in_features: usize,
    out_features: usize,
}

impl<B: CpuBackend> LinearTensors<B> {
    fn new(
        input: &Tensor<2>,
        weight: &Tensor<2>,
        bias: &Tensor<1>,
        source: &mut impl TensorSource<B>,
    ) -> Option<Self> {
        // Before anything is taken, as for a chain.
        let [batch, in_features] = input.dims();
        let [inputs, out_features] = weight.dims();
        let fits = inputs == in_features && bias.dims() == [out_features];
        if !fits || weight.dtype() != DType::F32 || [batch, in_features, out_features].contains(&0)
        {
            return None;
        }
        check_rows(batch, in_features, out_features).ok()?;
        let input = source.contiguous(input)?;
        let weight = source.primitive(weight)?;
        let bias = source.contiguous(bias)?;
        let (weight, order) = weight_in_order::<B>(weight)?;
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

    fn forward(&self) -> Result<Primitive<B>, Error> {
        let weights = LinearWeights {
            data: values::<B>(&self.weight)?,
            in_features: self.in_features,
            out_features: self.out_features,
            order: self.order,
        };
        let (input, bias) = (values::<B>(&self.input)?, values::<B>(&self.bias)?);
        Ok(filled::<B, _>([self.batch, self.out_features], |output| {
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
    ) -> Result<Primitive<B>, Error> {
        let transposed = LinearWeights {
            data: values::<B>(&self.weight)?,
            in_features: self.out_features,
            out_features: self.in_features,
            order: match self.order {
                WeightOrder::InOut => WeightOrder::OutIn,
                WeightOrder::OutIn => WeightOrder::InOut,
            },
        };
        Ok(filled::<B, _>([self.batch, self.in_features], |back| {
            multiply_rows(gradient, &transposed, None, back, workspace);
        }))
    }

    /// ∂weight = inputᵀ · ∂output
    fn weight_gradient(
        &self,
        gradient: &[f32],
        workspace: &mut Workspace,
    ) -> Result<Primitive<B>, Error> {
        let (input, shape) = (
            values::<B>(&self.input)?,
            [self.in_features, self.out_features],
        );
        Ok(filled::<B, _>(shape, |weights| {
            multiply_columns(input, gradient, shape, weights, workspace);
        }))
    }

    /// ∂bias = Σ ∂output
    fn bias_gradient(&self, gradient: &[f32]) -> Primitive<B> {
        filled::<B, _>([self.out_features], |bias| {
            for row in gradient.chunks_exact(self.out_features) {
                for (sum, value) in bias.iter_mut().zip(row) {
                    *sum += value;
                }
            }
        })
    }
}

/// The weight with its values one after the other. One that was loaded from a file of PyTorch is a transposed
/// view, and stays where it lies.
fn weight_in_order<B: CpuBackend>(weight: Primitive<B>) -> Option<(Primitive<B>, WeightOrder)> {
    if B::values(&weight).is_some() {
        return Some((weight, WeightOrder::InOut));
    }
    let transposed = B::float_swap_dims(weight.clone(), 0, 1);
    match B::values(&transposed) {
        Some(_) => Some((transposed, WeightOrder::OutIn)),
        None => Some((contiguous::<B>(weight)?, WeightOrder::InOut)),
    }
}

#[derive(Debug)]
struct LinearGradient<B>(PhantomData<B>);

impl<B: CpuBackend> Backward<B, 3> for LinearGradient<B> {
    type State = Arc<LinearTensors<B>>;

    fn backward(
        self,
        ops: Ops<Arc<LinearTensors<B>>, 3>,
        gradients: &mut Gradients,
        _: &mut Checkpointer,
    ) {
        let output = contiguous::<B>(gradients.consume::<B>(&ops.node));
        let layer = &ops.state;
        let [input, weight, bias] = ops.parents;
        let computed = with_workspace(|workspace| {
            let output = output.ok_or(Error::Zero("gradients"))?;
            let output = values::<B>(&output)?;
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
                gradients.register::<B>(node.id, gradient);
            }
        }
    }
}
