//! The kernels as operations of Burn: beside others, in the queue of a device that joins its operations (Fusion) too.

use burn::backend::backend_extension;
use burn_backend::Backend;
#[cfg(feature = "fusion")]
use burn_backend::Shape;
use burn_backend::tensor::FloatTensor;
use burn_cubecl::{Cube, CubeBackend};

use crate::burn::steps::{AdamWStep, SgdStep};
use crate::gpu::{self, Convolution, Tail};

/// The backend of all GPUs.
pub(super) type Gpu = Cube;

// `Cube` is the backend with Fusion where Burn has it, and the plain one elsewhere.
#[backend_extension(Cube, Fusion: cfg(feature = "fusion"))]
pub(crate) trait Kernels: Backend {
    /// Weights `[out_channels, in_channels, 3, 3]` transformed, `[36, depth, rows]`.
    #[fusion(dtype = weights, shape = gpu::transformed_shape(weights))]
    fn transformed(weights: FloatTensor<Self>) -> FloatTensor<Self>;

    /// The convolution by weights that are transformed.
    #[fusion(dtype = map, shape = gpu::output_shape(convolution, *tail))]
    fn convolved(
        map: FloatTensor<Self>,
        transformed: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        convolution: Convolution,
        tail: Tail,
    ) -> FloatTensor<Self>;

    /// The convolution by weights as a module has them.
    #[fusion(dtype = map, shape = gpu::output_shape(convolution, *tail))]
    fn convolved_once(
        map: FloatTensor<Self>,
        weights: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        convolution: Convolution,
        tail: Tail,
    ) -> FloatTensor<Self>;

    /// 2x2 max pooling.
    #[fusion(dtype = map, shape = gpu::pooled_shape(map))]
    fn pooled(map: FloatTensor<Self>) -> FloatTensor<Self>;

    /// The gradient of a convolution's output from that behind its tail; `output` is what ReLU has put out.
    #[fusion(dtype = output, shape = output)]
    fn before_tail(
        gradient: FloatTensor<Self>,
        output: FloatTensor<Self>,
        tail: Tail,
    ) -> FloatTensor<Self>;

    /// The gradient of a convolution's input from that of its output.
    #[fusion(dtype = gradient, shape = gpu::input_shape(convolution))]
    fn input_gradient(
        gradient: FloatTensor<Self>,
        weights: FloatTensor<Self>,
        convolution: Convolution,
    ) -> FloatTensor<Self>;

    /// The gradient of a convolution's weights from its input and the gradient of its output.
    #[fusion(dtype = gradient, shape = gpu::weights_shape(convolution))]
    fn weight_gradient(
        map: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        convolution: Convolution,
    ) -> FloatTensor<Self>;

    /// The sums of the second dimension's lines: a bias' gradient, `[batch, channels, ...]`.
    #[fusion(dtype = gradient, shape = Shape::from([gradient[1]]))]
    fn channel_sums(gradient: FloatTensor<Self>) -> FloatTensor<Self>;

    /// `input · weight + bias`.
    #[fusion(dtype = input, shape = Shape::from([input[0], weight[1]]))]
    fn linear(
        input: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        relu: bool,
    ) -> FloatTensor<Self>;

    /// `gradient · weightᵀ`
    #[fusion(dtype = gradient, shape = Shape::from([gradient[0], weight[0]]))]
    fn linear_input_gradient(
        gradient: FloatTensor<Self>,
        weight: FloatTensor<Self>,
    ) -> FloatTensor<Self>;

    /// `inputᵀ · gradient`
    #[fusion(dtype = gradient, shape = Shape::from([input[1], gradient[1]]))]
    fn linear_weight_gradient(
        input: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
    ) -> FloatTensor<Self>;

    /// Parameter, first and second moment after a step of AdamW.
    #[fusion(meta = |old, _, _, _, _| (old.clone(), old.clone(), old.clone()))]
    fn adamw(
        parameter: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        first: FloatTensor<Self>,
        second: FloatTensor<Self>,
        step: AdamWStep,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>);

    /// Parameter and velocity after a step of SGD.
    #[fusion(meta = |old, _, _, _| (old.clone(), old.clone()))]
    fn sgd(
        parameter: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        velocity: FloatTensor<Self>,
        step: SgdStep,
    ) -> (FloatTensor<Self>, FloatTensor<Self>);
}

impl Kernels for CubeBackend {
    fn transformed(weights: FloatTensor<Self>) -> FloatTensor<Self> {
        gpu::transformed(weights)
    }

    fn convolved(
        map: FloatTensor<Self>,
        transformed: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        convolution: Convolution,
        tail: Tail,
    ) -> FloatTensor<Self> {
        gpu::convolved(map, transformed, bias, &convolution, tail)
    }

    fn convolved_once(
        map: FloatTensor<Self>,
        weights: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        convolution: Convolution,
        tail: Tail,
    ) -> FloatTensor<Self> {
        gpu::convolved_once(map, weights, bias, &convolution, tail)
    }

    fn pooled(map: FloatTensor<Self>) -> FloatTensor<Self> {
        gpu::pooled(map)
    }

    fn before_tail(
        gradient: FloatTensor<Self>,
        output: FloatTensor<Self>,
        tail: Tail,
    ) -> FloatTensor<Self> {
        gpu::before_tail(gradient, output, tail)
    }

    fn input_gradient(
        gradient: FloatTensor<Self>,
        weights: FloatTensor<Self>,
        convolution: Convolution,
    ) -> FloatTensor<Self> {
        gpu::input_gradient(gradient, weights, &convolution)
    }

    fn weight_gradient(
        map: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        convolution: Convolution,
    ) -> FloatTensor<Self> {
        gpu::weight_gradient(map, gradient, &convolution)
    }

    fn channel_sums(gradient: FloatTensor<Self>) -> FloatTensor<Self> {
        gpu::channel_sums(gradient)
    }

    fn linear(
        input: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        relu: bool,
    ) -> FloatTensor<Self> {
        gpu::linear(input, weight, bias, relu)
    }

    fn linear_input_gradient(
        gradient: FloatTensor<Self>,
        weight: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        gpu::linear_input_gradient(gradient, weight)
    }

    fn linear_weight_gradient(
        input: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        gpu::linear_weight_gradient(input, gradient)
    }

    fn adamw(
        parameter: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        first: FloatTensor<Self>,
        second: FloatTensor<Self>,
        step: AdamWStep,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        gpu::adamw(parameter, [gradient, first, second], &step).into()
    }

    fn sgd(
        parameter: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        velocity: FloatTensor<Self>,
        step: SgdStep,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        gpu::sgd(parameter, [gradient, velocity], &step).into()
    }
}
