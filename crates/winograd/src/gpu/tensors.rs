//! The operations on tensors of Burn's CubeCL backends.

use burn_backend::{Shape, TensorMetadata};
use burn_cubecl::tensor::CubeTensor;

use super::convolution::{self, MATRICES, Weights, depth_of, rows_of, transform_weights};
use super::linear::{self as products, Matrix};
use super::memory::Numbers;
use super::product::Order;
use super::sizes::{Convolution, Tail};
use super::weight_gradient::weight_gradient as weight_gradients;
use super::{direct, elementwise, sums, update};
use crate::burn::steps::{AdamWStep, SgdStep};

/// The shape of [`transformed`].
pub(crate) fn transformed_shape(weights: &Shape) -> Shape {
    Shape::from([MATRICES, depth_of(weights[1]), rows_of(weights[0])])
}

/// Of a convolution's output behind its tail.
pub(crate) fn output_shape(convolution: &Convolution, tail: Tail) -> Shape {
    let part = if tail.pool { 2 } else { 1 };
    let [height, width] = [convolution.out_height(), convolution.out_width()];
    Shape::from([
        convolution.batch,
        convolution.out_channels,
        height / part,
        width / part,
    ])
}

pub(crate) fn input_shape(convolution: &Convolution) -> Shape {
    Shape::from([
        convolution.batch,
        convolution.in_channels,
        convolution.height,
        convolution.width,
    ])
}

pub(crate) fn weights_shape(convolution: &Convolution) -> Shape {
    Shape::from([convolution.out_channels, convolution.in_channels, 3, 3])
}

pub(crate) fn pooled_shape(map: &Shape) -> Shape {
    Shape::from([map[0], map[1], map[2] / 2, map[3] / 2])
}

/// Memory of `numbers` as a tensor on the device of `like`.
macro_rules! tensor_like {
    ($like:ident, $numbers:expr, $shape:expr) => {{
        let (client, device) = ($like.client.clone(), $like.device.clone());
        let numbers: Numbers = $numbers(&client);
        numbers.into_tensor(&client, &device, $shape)
    }};
}

pub(crate) fn transformed(weights: CubeTensor) -> CubeTensor {
    let shape = weights.shape();
    let channels = [shape[1], shape[0]];
    tensor_like!(
        weights,
        |client| {
            transform_weights(client, &Numbers::of(weights.clone()), channels, false).numbers
        },
        transformed_shape(&shape)
    )
}

pub(crate) fn convolved(
    map: CubeTensor,
    transformed: CubeTensor,
    bias: CubeTensor,
    convolution: &Convolution,
    tail: Tail,
) -> CubeTensor {
    let weights = Weights {
        numbers: Numbers::of(transformed),
        depth: depth_of(convolution.in_channels),
        rows: rows_of(convolution.out_channels),
    };
    let bias = Numbers::of(bias);
    tensor_like!(
        map,
        |client| convolution::forward(
            client,
            convolution,
            &Numbers::of(map.clone()),
            &weights,
            Some(&bias),
            tail
        ),
        output_shape(convolution, tail)
    )
}

pub(crate) fn convolved_once(
    map: CubeTensor,
    weights: CubeTensor,
    bias: CubeTensor,
    convolution: &Convolution,
    tail: Tail,
) -> CubeTensor {
    let (weights, bias) = (Numbers::of(weights), Numbers::of(bias));
    let channels = [convolution.in_channels, convolution.out_channels];
    tensor_like!(
        map,
        |client| {
            let map = Numbers::of(map.clone());
            if direct::takes(convolution, tail) {
                return direct::forward(
                    client,
                    convolution,
                    &map,
                    &weights,
                    Some(&bias),
                    tail.relu,
                );
            }
            let weights = transform_weights(client, &weights, channels, false);
            convolution::forward(client, convolution, &map, &weights, Some(&bias), tail)
        },
        output_shape(convolution, tail)
    )
}

pub(crate) fn pooled(map: CubeTensor) -> CubeTensor {
    let shape = map.shape();
    let size = [shape[0] * shape[1], shape[2], shape[3]];
    tensor_like!(
        map,
        |client| elementwise::pool(client, &Numbers::of(map.clone()), size),
        pooled_shape(&shape)
    )
}

pub(crate) fn before_tail(gradient: CubeTensor, output: CubeTensor, tail: Tail) -> CubeTensor {
    let shape = output.shape();
    let size = [shape[0] * shape[1], shape[2], shape[3]];
    let gradient = Numbers::of(gradient);
    tensor_like!(
        output,
        |client| {
            let output = Numbers::of(output.clone());
            match tail.pool {
                true => elementwise::through_pool(client, &gradient, &output, size, tail.relu),
                false => elementwise::through_relu(client, &gradient, &output),
            }
        },
        shape
    )
}

pub(crate) fn input_gradient(
    gradient: CubeTensor,
    weights: CubeTensor,
    convolution: &Convolution,
) -> CubeTensor {
    let channels = [convolution.in_channels, convolution.out_channels];
    let weights = Numbers::of(weights);
    tensor_like!(
        gradient,
        |client| {
            let weights = transform_weights(client, &weights, channels, true);
            let map = Numbers::of(gradient.clone());
            let tail = Tail::default();
            convolution::forward(client, &convolution.turned(), &map, &weights, None, tail)
        },
        input_shape(convolution)
    )
}

pub(crate) fn weight_gradient(
    map: CubeTensor,
    gradient: CubeTensor,
    convolution: &Convolution,
) -> CubeTensor {
    let gradient = Numbers::of(gradient);
    tensor_like!(
        map,
        |client| weight_gradients(client, convolution, &Numbers::of(map.clone()), &gradient),
        weights_shape(convolution)
    )
}

pub(crate) fn channel_sums(gradient: CubeTensor) -> CubeTensor {
    let shape = gradient.shape();
    let (batch, channels) = (shape[0], shape[1]);
    let each = shape.iter().skip(2).product::<usize>();
    tensor_like!(
        gradient,
        |client| sums::channel_sums(
            client,
            &Numbers::of(gradient.clone()),
            [batch, channels, each]
        ),
        [channels]
    )
}

/// A tensor of two dimensions, and whether it lies transposed.
fn matrix(tensor: CubeTensor) -> (Matrix, bool) {
    let [rows, columns] = [tensor.shape()[0], tensor.shape()[1]];
    let strides: Vec<usize> = tensor.meta.strides().iter().copied().collect();
    if strides == [1, rows] && rows > 1 && columns > 1 {
        let mut turned = tensor;
        turned.meta.swap(0, 1);
        let matrix = Matrix {
            numbers: Numbers::of(turned),
            lines: columns,
            length: rows,
        };
        return (matrix, true);
    }
    let matrix = Matrix {
        numbers: Numbers::of(tensor),
        lines: rows,
        length: columns,
    };
    (matrix, false)
}

/// How an operand lies whose first dimension is the sum's, if `first` is set, and its second otherwise.
fn order(first: bool, transposed: bool) -> Order {
    match first != transposed {
        true => Order::DepthFirst,
        false => Order::DepthLast,
    }
}

pub(crate) fn linear(
    input: CubeTensor,
    weight: CubeTensor,
    bias: CubeTensor,
    relu: bool,
) -> CubeTensor {
    let shape = [input.shape()[0], weight.shape()[1]];
    let ((weight, transposed), bias) = (matrix(weight), Numbers::of(bias));
    tensor_like!(
        input,
        |client| {
            let (left, turned) = matrix(input.clone());
            products::multiply(
                client,
                (&left, order(false, turned)),
                (&weight, order(true, transposed)),
                Some(&bias),
                relu,
            )
        },
        shape
    )
}

pub(crate) fn linear_input_gradient(gradient: CubeTensor, weight: CubeTensor) -> CubeTensor {
    let shape = [gradient.shape()[0], weight.shape()[0]];
    let (weight, transposed) = matrix(weight);
    tensor_like!(
        gradient,
        |client| {
            let (left, turned) = matrix(gradient.clone());
            let right = (&weight, order(false, transposed));
            products::multiply(client, (&left, order(false, turned)), right, None, false)
        },
        shape
    )
}

pub(crate) fn linear_weight_gradient(input: CubeTensor, gradient: CubeTensor) -> CubeTensor {
    let shape = [input.shape()[1], gradient.shape()[1]];
    let (left, turned) = matrix(input);
    tensor_like!(
        gradient,
        |client| {
            let (right, transposed) = matrix(gradient.clone());
            let right = (&right, order(true, transposed));
            products::multiply(client, (&left, order(true, turned)), right, None, false)
        },
        shape
    )
}

/// Parameter, first and second moment after a step.
pub(crate) fn adamw(
    parameter: CubeTensor,
    others: [CubeTensor; 3],
    step: &AdamWStep,
) -> [CubeTensor; 3] {
    let (client, device) = (parameter.client.clone(), parameter.device.clone());
    let shape = parameter.shape();
    let [gradient, first, second] = others.map(Numbers::of);
    let others = [&gradient, &first, &second];
    let new = update::adamw(&client, step, &Numbers::of(parameter), others);
    new.map(|numbers| numbers.into_tensor(&client, &device, shape.clone()))
}

/// Parameter and velocity after a step.
pub(crate) fn sgd(
    parameter: CubeTensor,
    others: [CubeTensor; 2],
    step: &SgdStep,
) -> [CubeTensor; 2] {
    let (client, device) = (parameter.client.clone(), parameter.device.clone());
    let shape = parameter.shape();
    let [gradient, velocity] = others.map(Numbers::of);
    let new = update::sgd(
        &client,
        step,
        &Numbers::of(parameter),
        [&gradient, &velocity],
    );
    new.map(|numbers| numbers.into_tensor(&client, &device, shape.clone()))
}
