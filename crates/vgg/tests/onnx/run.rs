//! The operators of a model, computed as ONNX defines them, by Burn's own operations.

use std::collections::HashMap;

use burn::tensor::ops::{ConvOptions, MaxPoolOptions};
use burn::tensor::{Device, Tensor, TensorData, activation, module};

use crate::file::{Model, Node};

#[derive(Clone)]
enum Value {
    Map(Tensor<4>),
    Rows(Tensor<2>),
    Vector(Tensor<1>),
}

impl Value {
    fn map(self) -> Tensor<4> {
        match self {
            Self::Map(map) => map,
            _ => panic!("a map is expected"),
        }
    }

    fn rows(self) -> Tensor<2> {
        match self {
            Self::Rows(rows) => rows,
            _ => panic!("rows are expected"),
        }
    }

    fn vector(self) -> Tensor<1> {
        match self {
            Self::Vector(vector) => vector,
            _ => panic!("a vector is expected"),
        }
    }
}

/// What the model puts out for `images`.
pub fn run(model: &Model, images: Tensor<4>) -> Tensor<2> {
    let device = images.device();
    let weights = model.weights.iter();
    let weights = weights.map(|(name, weight)| (name.clone(), value(weight, &device)));
    let mut values: HashMap<_, _> = weights.collect();
    values.insert(model.input.name.clone(), Value::Map(images));
    for node in &model.nodes {
        let inputs = node.inputs.iter();
        // An operator may only take what stands before it.
        let inputs = inputs.map(|name| values[name].clone()).collect();
        values.insert(node.output.clone(), compute(node, inputs));
    }
    values[&model.output.name].clone().rows()
}

fn value((shape, values): &(Vec<usize>, Vec<f32>), device: &Device) -> Value {
    let data = TensorData::new(values.clone(), shape.clone());
    match shape.len() {
        1 => Value::Vector(Tensor::from_data(data, device)),
        2 => Value::Rows(Tensor::from_data(data, device)),
        4 => Value::Map(Tensor::from_data(data, device)),
        rank => panic!("a weight of {rank} dimensions"),
    }
}

fn pair(node: &Node, attribute: &str) -> [usize; 2] {
    node.attributes[attribute][..].try_into().expect("two")
}

fn compute(node: &Node, inputs: Vec<Value>) -> Value {
    let mut inputs = inputs.into_iter();
    let mut next = || inputs.next().expect("another input");
    match node.operator.as_str() {
        "Conv" => {
            let (map, weight, bias) = (next().map(), next().map(), next().vector());
            assert_eq!(
                pair(node, "kernel_shape"),
                [weight.dims()[2], weight.dims()[3]]
            );
            let &[top, left, bottom, right] = &node.attributes["pads"][..] else {
                panic!("four sides");
            };
            assert_eq!([top, left], [bottom, right]);
            let options = ConvOptions::new(pair(node, "strides"), [top, left], [1, 1], 1);
            Value::Map(module::conv2d(map, weight, Some(bias), options))
        }
        "Relu" => match next() {
            Value::Map(map) => Value::Map(activation::relu(map)),
            rows => Value::Rows(activation::relu(rows.rows())),
        },
        "MaxPool" => {
            let (window, stride) = (pair(node, "kernel_shape"), pair(node, "strides"));
            let options = MaxPoolOptions::new(window).with_stride(stride);
            Value::Map(module::max_pool2d(next().map(), options))
        }
        "GlobalAveragePool" => Value::Map(next().map().mean_dim(2).mean_dim(3)),
        "MatMul" => match (next(), next()) {
            (Value::Rows(rows), Value::Map(map)) => Value::Map(rows.unsqueeze::<4>().matmul(map)),
            (map, columns) => Value::Map(map.map().matmul(columns.rows().unsqueeze::<4>())),
        },
        "Flatten" => Value::Rows(next().map().flatten(1, 3)),
        "Gemm" => {
            assert_eq!(node.attributes["transB"], [1]);
            let (rows, weight, bias) = (next().rows(), next().rows(), next().vector());
            Value::Rows(rows.matmul(weight.transpose()) + bias.unsqueeze::<2>())
        }
        other => panic!("the operator {other}"),
    }
}
