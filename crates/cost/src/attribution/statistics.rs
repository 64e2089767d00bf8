//! A normalisation's statistics: what is computed of its input before its scale is applied.

use super::flow::Flow;
use crate::kind::Kind;

/// The first of the operations right before `anchor`, from `start` on, that compute what the
/// anchor scales: `anchor` itself where there are none.
///
/// The statistics of a normalisation begin and end at one tensor: the input flows into a mean or
/// another reduction and beside it, and both meet again. So the operations are followed back from
/// the anchor until only one tensor flows in and a reduction lies between.
pub(super) fn begin(flow: &Flow, anchor: usize, start: usize) -> usize {
    let mut begin = anchor;
    // What flows into the operations from `at` to the anchor, from outside of them.
    let mut entries: Vec<usize> = flow.data(anchor).collect();
    let mut reduced = false;
    let mut at = anchor;
    while at > start {
        let operation = flow.operation(at - 1);
        let outputs = &operation.outputs;
        if !outputs.iter().any(|output| entries.contains(output)) {
            break;
        }
        at -= 1;
        entries.retain(|entry| !outputs.contains(entry));
        for tensor in flow.data(at) {
            if !entries.contains(&tensor) {
                entries.push(tensor);
            }
        }
        reduced |= operation.kind == Kind::Reduction;
        if reduced && entries.len() == 1 {
            begin = at;
            reduced = false;
        }
    }
    // The view in which they are computed.
    let view = begin > start
        && begin < anchor
        && flow.operation(begin - 1).kind == Kind::View
        && flow
            .data(begin)
            .any(|tensor| flow.maker(tensor) == Some(begin - 1));
    begin - usize::from(view)
}
