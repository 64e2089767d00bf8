//! Runs a graph on the recording device.

use std::collections::{HashMap, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};

use burn::tensor::{DType, Device, FloatDType, IntDType};
use burn_backend::Shape;
use burn_backend::ops::{BoolTensorOps, FloatTensorOps, IntTensorOps};
use burn_capture::{CaptureBackend as B, CaptureDevice};
use burn_ir::{OperationIr, TensorId};

use super::call::Call;
use super::model::{Graph, Node};
use super::names::Names;
use super::operators::apply;
use super::value::{Known, Tensor, Value};
use crate::capture::message;
use crate::error::Error;
use crate::record::{CustomRules, Record};
use crate::tree::{Role, Tree};

/// A recorded graph.
pub(super) struct Run {
    tree: Tree,
    start: TensorId,
    inputs: Vec<TensorId>,
    outputs: Vec<TensorId>,
    /// Tensors that are made before each operator, and the operator's place in the tree.
    marks: HashMap<TensorId, usize>,
}

/// An input's name, shape and type.
pub(super) type Spec = (String, Vec<usize>, DType);

impl Run {
    /// Records the graph on `device`, inside its recording.
    pub(super) fn new(graph: &Graph, inputs: &[Spec], device: &Device) -> Result<Self, Error> {
        let mark = burn::tensor::Tensor::<1>::empty([1], device);
        let mark = mark
            .try_into_primitive::<B>()
            .map_err(|_| Error::Capture("its device makes no tensors".into()))?;
        let device = burn_backend::TensorMetadata::device(&mark);
        let mut tree = Tree::new("Graph");
        let mut values: HashMap<String, Value> = HashMap::new();
        let mut places = vec![0; graph.nodes.len()];
        Names::of(&graph.nodes).enter(&mut tree, &mut |tree, index| {
            places[index] = tree.place();
            parameters(graph, &graph.nodes[index], tree, &mut values, &device);
        });
        for (node, &place) in graph.nodes.iter().zip(&places) {
            if tree.nodes[place].depth > 0 {
                tree.nodes[place].module.clone_from(&node.operator);
            }
        }
        let mut run = Self {
            tree,
            start: empty(&[1], DType::F32, &device).id(),
            inputs: Vec::new(),
            outputs: Vec::new(),
            marks: HashMap::new(),
        };
        for (name, shape, dtype) in inputs {
            let input = empty(shape, *dtype, &device);
            run.inputs.push(input.id());
            values.insert(name.clone(), Value::Tensor(input));
        }
        let last = last_reads(graph);
        for (index, node) in graph.nodes.iter().enumerate() {
            let mark = empty(&[1], DType::F32, &device);
            run.marks.insert(mark.id(), places[index]);
            step(graph, index, &last, &mut values, &device).map_err(|reason| Error::Onnx {
                place: match node.name.as_str() {
                    "" => format!("the operator {index}, `{}`", node.operator),
                    name => format!("`{name}`"),
                },
                reason,
            })?;
        }
        for name in &graph.outputs {
            if let Some(Value::Tensor(tensor)) = values.get(name) {
                run.outputs.push(tensor.id());
            }
        }
        Ok(run)
    }

    /// Ties the operations together.
    pub(super) fn record(
        self,
        mut operations: Vec<OperationIr>,
        custom: &CustomRules,
    ) -> Result<Record, Error> {
        let mut place = 0;
        let mut places = HashMap::new();
        operations.retain(|operation| {
            for tensor in operation.outputs() {
                if let Some(&next) = self.marks.get(&tensor.id) {
                    place = next;
                    return false;
                }
                places.insert(tensor.id, place);
            }
            true
        });
        let (inputs, outputs) = (&self.inputs, &self.outputs);
        let mut record = Record::new(self.tree, operations, self.start, inputs, outputs, custom)?;
        for operation in &mut record.operations {
            let made = operation.outputs.first();
            let place = made.and_then(|&made| places.get(&record.tensors[made].id));
            operation.node = place.copied().unwrap_or(0);
        }
        Ok(record)
    }
}

fn empty(shape: &[usize], dtype: DType, device: &CaptureDevice) -> Tensor {
    let shape = match shape {
        [] => Shape::from(vec![1]),
        sides => Shape::from(sides.to_vec()),
    };
    match dtype {
        dtype if dtype.is_float() => B::float_empty(shape, device, FloatDType::from(dtype)),
        DType::Bool(_) => B::bool_empty(shape, device, dtype.into()),
        _ => B::int_empty(shape, device, IntDType::from(dtype)),
    }
}

/// The operator that reads each value last, after which nobody holds it. What the file gives and
/// what the graph puts out is held to the end.
fn last_reads(graph: &Graph) -> HashMap<&str, usize> {
    let mut last = HashMap::new();
    for (index, node) in graph.nodes.iter().enumerate() {
        last.extend(node.inputs.iter().map(|name| (name.as_str(), index)));
    }
    let held = graph.initializers.keys().chain(&graph.outputs);
    for name in held {
        last.remove(name.as_str());
    }
    last
}

/// Statistics that a batch normalisation does not learn.
fn role(node: &Node, input: usize) -> Role {
    match (node.operator.as_str(), input) {
        ("BatchNormalization", 3 | 4) => Role::Buffer,
        _ => Role::Trainable,
    }
}

/// Makes parameters of the file's tensors that this operator is the first to read.
fn parameters(
    graph: &Graph,
    node: &Node,
    tree: &mut Tree,
    values: &mut HashMap<String, Value>,
    device: &CaptureDevice,
) {
    for (input, name) in node.inputs.iter().enumerate() {
        let Some(constant) = graph.initializers.get(name) else {
            continue;
        };
        if values.contains_key(name) {
            continue;
        }
        // Shapes, axes and factors are no parameters.
        let learned = constant.dtype.is_float() && !constant.shape.is_empty();
        if !learned && let Some(known) = Known::of(constant) {
            values.insert(name.clone(), Value::Known(known));
            continue;
        }
        let tensor = empty(&constant.shape, constant.dtype, device);
        if learned {
            let (shape, dtype) = (constant.shape.clone(), constant.dtype);
            let field = name.rsplit(['.', '/']).next().unwrap_or(name);
            tree.enter(field, "Operator:Operator");
            tree.parameter(role(node, input), shape, dtype, tensor.id());
            tree.exit();
        }
        values.insert(name.clone(), Value::Tensor(tensor));
    }
}

/// Runs one operator.
fn step(
    graph: &Graph,
    index: usize,
    last: &HashMap<&str, usize>,
    values: &mut HashMap<String, Value>,
    device: &CaptureDevice,
) -> Result<(), String> {
    let node = &graph.nodes[index];
    let mut inputs = Vec::with_capacity(node.inputs.len());
    let mut known = Vec::with_capacity(node.inputs.len());
    for (at, name) in node.inputs.iter().enumerate() {
        let again = node.inputs[at + 1..].contains(name);
        let value = match !again && last.get(name.as_str()) == Some(&index) {
            true => values.remove(name),
            false => values.get(name).cloned(),
        };
        if value.is_none() && !name.is_empty() {
            return Err(format!("nothing makes its input `{name}`"));
        }
        inputs.push(value);
        known.push(graph.initializers.get(name).and_then(Known::of));
    }
    let call = Call::new(node, inputs, known, *device);
    let made = catch_unwind(AssertUnwindSafe(|| apply(&call)));
    let made = made.map_err(|panic| message(&*panic))??;
    for (name, value) in node.outputs.iter().zip(made) {
        values.insert(name.clone(), value);
    }
    Ok(())
}

/// Operators that there is no rule for, each once.
pub(super) fn unknown(graph: &Graph) -> Vec<String> {
    let mut seen = HashSet::new();
    let known = |node: &&Node| {
        node.domain.is_empty() && super::operators::NAMES.contains(&node.operator.as_str())
    };
    let others = graph.nodes.iter().filter(|node| !known(node));
    let names = others.map(|node| match node.domain.as_str() {
        "" => format!("`{}`", node.operator),
        domain => format!("`{}` of `{domain}`", node.operator),
    });
    names.filter(|name| seen.insert(name.clone())).collect()
}
