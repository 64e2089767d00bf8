//! Which module's weights an operation applies.

use crate::kind::Kind;
use crate::record::{Operation, Record};

/// For each operation, the module whose weights it reads; `None` where it reads none.
pub(super) fn anchors(record: &Record) -> Vec<Option<usize>> {
    let anchor = |operation: &Operation| anchor(record, operation);
    record.operations.iter().map(anchor).collect()
}

fn anchor(record: &Record, operation: &Operation) -> Option<usize> {
    let tree = &record.tree;
    let owners = |inputs: &[usize]| {
        let owners = inputs
            .iter()
            .filter_map(|&input| record.tensors[input].owner);
        owners.reduce(|a, b| match tree.common(a, b) {
            // One holds the other: a table of the holder goes into a layer.
            common if common == a => b,
            common if common == b => a,
            common => common,
        })
    };
    let inputs = operation.inputs.as_slice();
    if !operation.kind.applies_weights() {
        return owners(inputs);
    }
    // What is learned and goes into a layer as its data says nothing of the layer.
    let weights = owners(inputs.get(1..).unwrap_or_default());
    match operation.kind {
        Kind::Matmul => weights.or_else(|| owners(inputs)),
        _ => weights,
    }
}
