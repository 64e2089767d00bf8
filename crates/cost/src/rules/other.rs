//! Operations on integers and booleans, and between devices.

use burn_ir::{BoolOperationIr, DistributedOperationIr, IntOperationIr, TensorIr};

use super::Row;
use super::float::matmul;
use super::gradient::Gradient::{Never, Whole};
use super::keep::Saves::Nothing;
use super::name::Name;
use super::numeric::{compare, each};
use super::shape::elements;
use super::unit::{ADDITION, INTEGER};
use crate::kind::Kind;
use crate::work::Work;

/// Turns arithmetic that was counted as floating-point into integer work, which has no
/// gradients.
pub(super) fn integer(row: Row) -> Row {
    Row {
        work: row.work.map(|work| Work {
            macs: work.macs,
            integer: work.flops() + work.elementary,
            comparisons: work.comparisons,
            ..Work::default()
        }),
        gradient: Never,
        saves: Nothing,
        beside: 0,
        ..row
    }
}

pub(super) fn int(operation: &IntOperationIr) -> Row {
    use IntOperationIr as Op;
    match operation {
        Op::IntoFloat(_) => Row::moves(Name::IntoFloat, Never, Nothing),
        Op::BitwiseAnd(op) => bits(Name::BitwiseAnd, &op.out),
        Op::BitwiseAndScalar(op) => bits(Name::BitwiseAndScalar, &op.out),
        Op::BitwiseOr(op) => bits(Name::BitwiseOr, &op.out),
        Op::BitwiseOrScalar(op) => bits(Name::BitwiseOrScalar, &op.out),
        Op::BitwiseXor(op) => bits(Name::BitwiseXor, &op.out),
        Op::BitwiseXorScalar(op) => bits(Name::BitwiseXorScalar, &op.out),
        Op::BitwiseNot(op) => bits(Name::BitwiseNot, &op.out),
        Op::BitwiseLeftShift(op) => bits(Name::BitwiseLeftShift, &op.out),
        Op::BitwiseLeftShiftScalar(op) => bits(Name::BitwiseLeftShiftScalar, &op.out),
        Op::BitwiseRightShift(op) => bits(Name::BitwiseRightShift, &op.out),
        Op::BitwiseRightShiftScalar(op) => bits(Name::BitwiseRightShiftScalar, &op.out),
        Op::Matmul(op) => integer(matmul(op)),
    }
}

fn bits(name: Name, out: &TensorIr) -> Row {
    each(name, out, INTEGER, Never, Nothing)
}

pub(super) fn boolean(operation: &BoolOperationIr) -> Row {
    use BoolOperationIr as Op;
    match operation {
        Op::IntoFloat(_) => Row::moves(Name::IntoFloat, Never, Nothing),
        Op::IntoInt(_) => Row::moves(Name::IntoInt, Never, Nothing),
        Op::Not(op) => compare(Name::Not, &op.out).over(),
        Op::And(op) => compare(Name::And, &op.out).over(),
        Op::Or(op) => compare(Name::Or, &op.out).over(),
        Op::Xor(op) => compare(Name::Xor, &op.out).over(),
    }
}

pub(super) fn distributed(operation: &DistributedOperationIr) -> Row {
    match operation {
        // Each device adds what the others send, and gradients likewise.
        DistributedOperationIr::AllReduce(op) => {
            let others = (op.device_ids.len() as u128).saturating_sub(1);
            let work = ADDITION * (elements(&op.out) * others);
            let gradient = Whole(vec![work]);
            Row::new(Name::AllReduce, Kind::Collective, work, gradient, Nothing)
        }
        DistributedOperationIr::SyncCollective => {
            Row::makes(Name::SyncCollective).of_kind(Kind::Collective)
        }
    }
}
