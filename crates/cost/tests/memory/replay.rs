//! A forward pass on Flex, operation by operation.
//!
//! Convolutions and matrix products of Flex copy their operands into another layout first. That
//! is the backend's own, so at them what is taken before the operation and its results counts; at
//! all other operations the allocator's peak does.

use std::collections::{HashMap, HashSet};

use burn_capture::CapturedGraph;
use burn_flex::{Flex, FlexDevice};
use burn_ir::{FloatOperationIr, ModuleOperationIr, OperationIr, TensorId, TensorIr, TensorStatus};
use burn_router::TensorInterpreter;

use crate::{MEMORY, peak};

/// The most that a recorded forward pass takes, weights included, the backend's own copies apart.
pub fn replay(captured: CapturedGraph) -> usize {
    let CapturedGraph { graph, values } = captured;
    let held: HashSet<TensorId> = values.keys().chain(&graph.outputs).copied().collect();
    let weights: usize = values.values().map(|value| value.bytes().len()).sum();
    let mut last: HashMap<TensorId, usize> = HashMap::new();
    for (index, operation) in graph.operations.iter().enumerate() {
        let tensors = operation.inputs().chain(operation.outputs());
        last.extend(tensors.map(|tensor| (tensor.id, index)));
    }
    let before = MEMORY.current_usage() - weights;
    let mut flex = TensorInterpreter::<Flex>::new(FlexDevice);
    for (id, value) in values {
        flex.register_tensor_data_id(id, value);
    }
    let mut most = 0;
    for (index, operation) in graph.operations.into_iter().enumerate() {
        let taken = MEMORY.current_usage() - before;
        let results: usize = operation.outputs().map(bytes).sum();
        let copies = copies(&operation);
        let dead: Vec<TensorIr> = operation
            .inputs()
            .chain(operation.outputs())
            .filter(|tensor| last[&tensor.id] == index && !held.contains(&tensor.id))
            .filter(|tensor| tensor.status != TensorStatus::ReadWrite)
            .cloned()
            .collect();
        let ((), more) = peak(|| flex.register_op(operation));
        most = most.max(taken + if copies { results } else { more });
        for mut tensor in dead {
            tensor.status = TensorStatus::ReadWrite;
            flex.register_op(OperationIr::Drop(tensor));
        }
    }
    most
}

fn bytes(tensor: &TensorIr) -> usize {
    tensor.shape.num_elements() * tensor.dtype.size()
}

/// Whether Flex copies operands of the operation into another layout.
fn copies(operation: &OperationIr) -> bool {
    match operation {
        OperationIr::Float(_, operation) => matches!(operation, FloatOperationIr::Matmul(_)),
        OperationIr::Module(operation) => matches!(
            operation,
            ModuleOperationIr::Conv2d(_)
                | ModuleOperationIr::ConvTranspose2d(_)
                | ModuleOperationIr::Linear(_)
        ),
        _ => false,
    }
}
