//! What a report's figures do not say of themselves: parts of the module and of the forward pass
//! that never met.

use crate::gradient::Backward;
use crate::record::{Origin, Record};
use crate::tree::Role;

/// Places that a note names; it only counts the others.
const NAMED: usize = 5;

/// Sentences for the reader. `backward` is there where training was asked for.
pub(crate) fn notes(record: &Record, backward: Option<&Backward>) -> Vec<String> {
    let read = read(record);
    let mut notes = Vec::new();
    if record.operations.is_empty() {
        notes.push(
            "The forward pass did nothing with the recorded tensors: if it computed something, \
             then on another device, which is not counted."
                .into(),
        );
    }
    notes.extend(unread_inputs(record, &read));
    notes.extend(apart(record));
    notes.extend(unread_parameters(record, &read));
    if backward.is_some_and(|backward| backward.gradients.is_empty()) {
        notes.push(match record.outputs.is_empty() {
            true => "The forward pass returned no tensor, so its backward pass is empty: return \
                     the loss or what it is computed from."
                .into(),
            false => "No trainable parameter leads to an output, so the backward pass is empty."
                .to_owned(),
        });
    }
    notes
}

/// For each tensor, whether an operation reads it or the forward pass returns it.
fn read(record: &Record) -> Vec<bool> {
    let mut read = vec![false; record.tensors.len()];
    let operations = record.operations.iter();
    for &tensor in operations.flat_map(|operation| &operation.inputs) {
        read[tensor] = true;
    }
    for &output in &record.outputs {
        read[output] = true;
    }
    read
}

fn unread_inputs(record: &Record, read: &[bool]) -> Option<String> {
    let unread = record.inputs.iter().enumerate();
    let unread = unread.filter(|&(_, &input)| !read[input]);
    let unread: Vec<_> = unread.map(|(index, _)| index.to_string()).collect();
    (!unread.is_empty()).then(|| format!("Never read: {}.", listed("input", &unread)))
}

/// Outputs that no input leads to, where there are inputs.
fn apart(record: &Record) -> Option<String> {
    if record.inputs.is_empty() {
        return None;
    }
    let mut reached = vec![false; record.tensors.len()];
    for &input in &record.inputs {
        reached[input] = true;
    }
    for operation in &record.operations {
        if operation.inputs.iter().any(|&input| reached[input]) {
            for &output in &operation.outputs {
                reached[output] = true;
            }
        }
    }
    let outputs = record.outputs.iter().enumerate();
    let apart = outputs.filter(|&(_, &output)| !reached[output]);
    let apart: Vec<_> = apart.map(|(index, _)| index.to_string()).collect();
    (!apart.is_empty()).then(|| {
        let outputs = listed("output", &apart);
        format!("Not computed from the inputs: {outputs}. What went before is not counted.")
    })
}

fn unread_parameters(record: &Record, read: &[bool]) -> Option<String> {
    let mut modules: Vec<usize> = Vec::new();
    let (mut tensors, mut elements) = (0, 0);
    for (index, tensor) in record.tensors.iter().enumerate() {
        let Origin::Parameter(parameter) = tensor.origin else {
            continue;
        };
        let parameter = &record.tree.parameters[parameter];
        if read[index] || parameter.role == Role::Buffer {
            continue;
        }
        tensors += 1;
        elements += parameter.elements();
        if !modules.contains(&parameter.node) {
            modules.push(parameter.node);
        }
    }
    if tensors == 0 {
        return None;
    }
    let names: Vec<_> = modules
        .iter()
        .map(|&node| {
            let node = &record.tree.nodes[node];
            match node.path.as_str() {
                "" => format!("`{}`", node.module),
                path => format!("`{path}`"),
            }
        })
        .collect();
    let values = match elements {
        1 => "1 value".into(),
        _ => format!("{elements} values"),
    };
    Some(format!(
        "Never read: {tensors} of {} parameter tensors ({values}), of {}.",
        parameter_tensors(record),
        enumerated(&names)
    ))
}

fn parameter_tensors(record: &Record) -> usize {
    let parameters = record.tree.parameters.iter();
    let parameters = parameters.filter(|parameter| parameter.role != Role::Buffer);
    parameters.count()
}

/// `input 0`, `inputs 0 and 2`.
fn listed(what: &str, numbers: &[String]) -> String {
    let plural = if numbers.len() == 1 { "" } else { "s" };
    format!("{what}{plural} {}", enumerated(numbers))
}

/// `a`, `a and b`, `a, b and 7 others`.
fn enumerated(names: &[String]) -> String {
    let (named, others) = match names.len() {
        0..=NAMED => (names, 0),
        all => (&names[..NAMED], all - NAMED),
    };
    let rest = match others {
        0 => None,
        1 => Some("1 other".to_owned()),
        _ => Some(format!("{others} others")),
    };
    let mut parts: Vec<&str> = named.iter().map(String::as_str).collect();
    parts.extend(rest.as_deref());
    match parts.split_last() {
        Some((last, [])) => (*last).to_owned(),
        Some((last, first)) => format!("{} and {last}", first.join(", ")),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lists_are_cut() {
        let names: Vec<_> = (0..8).map(|name| name.to_string()).collect();
        assert_eq!(enumerated(&names[..1]), "0");
        assert_eq!(enumerated(&names[..3]), "0, 1 and 2");
        assert_eq!(enumerated(&names[..6]), "0, 1, 2, 3, 4 and 1 other");
        assert_eq!(enumerated(&names), "0, 1, 2, 3, 4 and 3 others");
        assert_eq!(listed("input", &names[..2]), "inputs 0 and 1");
    }
}
