//! Which operations a line is about.

use super::quantity::Quantity;
use crate::kind::Kind;
use crate::record::{Operation, Record};
use crate::rules::Name;

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Which {
    Any,
    /// What no other line of the table is about.
    Rest,
    Of(Kind),
    Named(Name),
    /// Operations of this name in a layer of this type.
    In(&'static str, Name),
    /// Operations of this name that are in no layer of this type.
    Outside(&'static str, Name),
    /// Operations of this kind and name in a recurrent layer or in one of its gates.
    Recurrent(Kind, Name),
    /// Images resized by weighted sums of so many neighbours (none for the nearest), in so many
    /// dimensions.
    Resized(u128, usize),
}

/// Which operations, which quantity, how often.
pub(super) type Line = (Which, Quantity, u128);

impl Which {
    /// Whether the line of a table is about the operation.
    pub(super) fn matches(self, table: &[Line], record: &Record, operation: &Operation) -> bool {
        let layer = || record.tree.nodes[operation.node].module.as_str();
        match self {
            Self::Any => true,
            Self::Rest => !table
                .iter()
                .any(|(which, ..)| *which != Self::Rest && which.matches(&[], record, operation)),
            Self::Of(kind) => kind == operation.kind,
            Self::Named(name) => operation.name.is(name),
            Self::In(module, name) => operation.name.is(name) && module == layer(),
            Self::Outside(module, name) => operation.name.is(name) && module != layer(),
            Self::Recurrent(kind, name) => {
                kind == operation.kind && operation.name.is(name) && recurrent(record, operation)
            }
            Self::Resized(neighbours, dimensions) => {
                operation.name.is(Name::Interpolate)
                    && operation.work.map(|work| work.multiplications)
                        == Some(neighbours * record.tensors[operation.outputs[0]].elements())
                    && dimensions == if layer() == "Interpolate1d" { 1 } else { 2 }
            }
        }
    }
}

fn recurrent(record: &Record, operation: &Operation) -> bool {
    let nodes = &record.tree.nodes;
    let mut around = record.tree.ancestors(operation.node);
    around.any(|node| {
        let module = nodes[node].module.as_str();
        matches!(module.trim_start_matches("Bi"), "Rnn" | "Gru" | "Lstm")
    })
}
