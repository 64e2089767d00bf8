//! Operations on integers and booleans, and between devices.

use burn_ir::{BoolOperationIr, DistributedOperationIr, IntOperationIr};

use super::Rule;
use super::float::matmul;
use super::numeric::{COMPARISON, each};
use super::shape::elements;
use crate::kind::Kind;
use crate::work::Work;

/// Turns arithmetic that was counted as floating-point into integer work.
pub(super) fn integer(rule: Rule) -> Rule {
    Rule {
        work: rule.work.map(|work| Work {
            macs: work.macs,
            integer: work.flops() + work.elementary,
            comparisons: work.comparisons,
            ..Work::default()
        }),
        ..rule
    }
}

pub(super) fn int(operation: &IntOperationIr) -> Rule {
    use IntOperationIr as Op;
    let one = Work {
        integer: 1,
        ..Work::default()
    };
    match operation {
        Op::IntoFloat(_) => Rule::free("into_float", Kind::Movement),
        Op::BitwiseAnd(op) => each("bitwise_and", &op.out, one),
        Op::BitwiseAndScalar(op) => each("bitwise_and_scalar", &op.out, one),
        Op::BitwiseOr(op) => each("bitwise_or", &op.out, one),
        Op::BitwiseOrScalar(op) => each("bitwise_or_scalar", &op.out, one),
        Op::BitwiseXor(op) => each("bitwise_xor", &op.out, one),
        Op::BitwiseXorScalar(op) => each("bitwise_xor_scalar", &op.out, one),
        Op::BitwiseNot(op) => each("bitwise_not", &op.out, one),
        Op::BitwiseLeftShift(op) => each("bitwise_left_shift", &op.out, one),
        Op::BitwiseLeftShiftScalar(op) => each("bitwise_left_shift_scalar", &op.out, one),
        Op::BitwiseRightShift(op) => each("bitwise_right_shift", &op.out, one),
        Op::BitwiseRightShiftScalar(op) => each("bitwise_right_shift_scalar", &op.out, one),
        Op::Matmul(op) => integer(matmul(op)),
    }
}

pub(super) fn boolean(operation: &BoolOperationIr) -> Rule {
    use BoolOperationIr as Op;
    match operation {
        Op::IntoFloat(_) => Rule::free("into_float", Kind::Movement),
        Op::IntoInt(_) => Rule::free("into_int", Kind::Movement),
        Op::Not(op) => each("not", &op.out, COMPARISON),
        Op::And(op) => each("and", &op.out, COMPARISON),
        Op::Or(op) => each("or", &op.out, COMPARISON),
        Op::Xor(op) => each("xor", &op.out, COMPARISON),
    }
}

pub(super) fn distributed(operation: &DistributedOperationIr) -> Rule {
    match operation {
        // Each device adds what the others send.
        DistributedOperationIr::AllReduce(op) => {
            let others = (op.device_ids.len() as u128).saturating_sub(1);
            let work = Work {
                additions: elements(&op.out) * others,
                ..Work::default()
            };
            Rule::new("all_reduce", Kind::Collective, work)
        }
        DistributedOperationIr::SyncCollective => Rule::free("sync_collective", Kind::Collective),
    }
}
