//! The messages of an ONNX file: fields are named as in `onnx.proto`.

use super::graph::{Attribute, INPUT, Node, OUTPUT};
use super::message::Message;
use super::weights::Weight;

/// The operators' version. All of them mean the same since, and runtimes from 2021 on know it.
const OPSET: i64 = 13;
/// The version of the file format that came with it.
const IR_VERSION: i64 = 7;

/// The open side of inputs and outputs.
const BATCH: &str = "batch";

/// `TensorProto.DataType`: 32-bit numbers.
const FLOAT: i64 = 1;

mod model_field {
    pub(super) const IR_VERSION: u64 = 1;
    pub(super) const PRODUCER_NAME: u64 = 2;
    pub(super) const PRODUCER_VERSION: u64 = 3;
    pub(super) const GRAPH: u64 = 7;
    pub(super) const OPSET_IMPORT: u64 = 8;
    pub(super) const METADATA_PROPS: u64 = 14;
}

mod graph_field {
    pub(super) const NODE: u64 = 1;
    pub(super) const NAME: u64 = 2;
    pub(super) const INITIALIZER: u64 = 5;
    pub(super) const INPUT: u64 = 11;
    pub(super) const OUTPUT: u64 = 12;
}

/// All of a model that stands before its graph, and the beginning of that, which has `length` bytes.
pub(super) fn model(metadata: &[(&str, String)], length: u64) -> Message {
    let opset = Message::new().text(1, "").number(2, OPSET); // domain, version
    let mut model = Message::new()
        .number(model_field::IR_VERSION, IR_VERSION)
        .text(model_field::PRODUCER_NAME, env!("CARGO_PKG_NAME"))
        .text(model_field::PRODUCER_VERSION, env!("CARGO_PKG_VERSION"))
        .message(model_field::OPSET_IMPORT, &opset);
    for (key, value) in metadata {
        let entry = Message::new().text(1, key).text(2, value); // key, value
        model = model.message(model_field::METADATA_PROPS, &entry);
    }
    model.begin(model_field::GRAPH, length)
}

/// All of a graph but its initializers. `image` has channels, height and width.
pub(super) fn graph(nodes: &[Node], image: [usize; 3], classes: usize) -> Message {
    let mut graph = Message::new();
    for node in nodes {
        graph = graph.message(graph_field::NODE, &self::node(node));
    }
    graph
        .text(graph_field::NAME, env!("CARGO_PKG_NAME"))
        .message(graph_field::INPUT, &value_info(INPUT, &image))
        .message(graph_field::OUTPUT, &value_info(OUTPUT, &[classes]))
}

/// An initializer of a graph, up to its numbers.
pub(super) fn initializer(weight: &Weight<'_>) -> Message {
    let mut tensor = Message::new();
    for side in weight.values.shape() {
        tensor = tensor.number(1, side as i64); // dims
    }
    let length = weight.values.length();
    let tensor = tensor
        .number(2, FLOAT) // data_type
        .text(8, &weight.name) // name
        .begin(9, length); // raw_data
    let bytes = tensor.as_bytes();
    let all = length.saturating_add(bytes.len() as u64);
    Message::new()
        .begin(graph_field::INITIALIZER, all)
        .with(&tensor)
}

fn node(node: &Node) -> Message {
    let mut message = Message::new();
    for input in &node.inputs {
        message = message.text(1, input); // input
    }
    message = message
        .text(2, &node.output) // output
        .text(3, &node.name) // name
        .text(4, node.operator); // op_type
    for (name, value) in &node.attributes {
        message = message.message(5, &attribute(name, *value)); // attribute
    }
    message
}

fn attribute(name: &str, value: Attribute) -> Message {
    /// `AttributeProto.AttributeType`.
    const INT: i64 = 2;
    const INTS: i64 = 7;
    let message = Message::new().text(1, name); // name
    let (message, kind) = match value {
        Attribute::Number(number) => (message.number(3, number), INT), // i
        Attribute::Numbers(numbers) => {
            let numbers = numbers.iter();
            (
                numbers.fold(message, |message, &number| message.number(8, number)),
                INTS,
            ) // ints
        }
    };
    message.number(20, kind) // type
}

/// A tensor `[batch, sides…]`.
fn value_info(name: &str, sides: &[usize]) -> Message {
    let batch = Message::new().text(2, BATCH); // dim_param
    let mut shape = Message::new().message(1, &batch); // dim
    for &side in sides {
        let side = Message::new().number(1, side as i64); // dim_value
        shape = shape.message(1, &side); // dim
    }
    let tensor = Message::new().number(1, FLOAT).message(2, &shape); // elem_type, shape
    let kind = Message::new().message(1, &tensor); // tensor_type
    Message::new().text(1, name).message(2, &kind) // name, type
}
