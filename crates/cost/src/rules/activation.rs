//! Activation functions, by their usual formulas.

use burn_ir::{ActivationOperationIr, DimOpIr, TensorIr};

use super::Rule;
use super::numeric::{ADDITION, COMPARISON, DIVISION, ELEMENTARY, MULTIPLICATION};
use super::shape::{elements, side};
use crate::kind::Kind;
use crate::work::Work;

pub(super) fn rule(operation: &ActivationOperationIr) -> Rule {
    use ActivationOperationIr as Op;
    match operation {
        Op::Relu(op) => each("relu", &op.out, COMPARISON),
        Op::ReluBackward(op) => each("relu_backward", &op.out, COMPARISON),
        Op::LeakyRelu(op) => each("leaky_relu", &op.out, COMPARISON + MULTIPLICATION),
        Op::PRelu(op) => each("prelu", &op.out, COMPARISON + MULTIPLICATION),
        // ½·x·(1 + erf(x / √2))
        Op::Gelu(op) => each("gelu", &op.out, MULTIPLICATION * 3 + ADDITION + ELEMENTARY),
        // g·(Φ(x) + x·φ(x)), φ(x) = e^(−x²/2) / √(2π)
        Op::GeluBackward(op) => each(
            "gelu_backward",
            &op.out,
            MULTIPLICATION * 7 + ADDITION * 2 + ELEMENTARY * 2,
        ),
        // 1 / (1 + e^(−x))
        Op::Sigmoid(op) => each("sigmoid", &op.out, ADDITION * 2 + ELEMENTARY + DIVISION),
        // g·y·(1 − y)
        Op::SigmoidBackward(op) => each("sigmoid_backward", &op.out, MULTIPLICATION * 2 + ADDITION),
        // clamp(α·x + β, 0, 1)
        Op::HardSigmoid(op) => each(
            "hard_sigmoid",
            &op.out,
            MULTIPLICATION + ADDITION + COMPARISON * 2,
        ),
        // min(x, 0) − log(1 + e^(−|x|))
        Op::LogSigmoid(op) => each(
            "log_sigmoid",
            &op.out,
            COMPARISON * 2 + ADDITION * 3 + ELEMENTARY * 2,
        ),
        // g·(1 − σ(x))
        Op::LogSigmoidBackward(op) => each(
            "log_sigmoid_backward",
            &op.out,
            ADDITION * 3 + ELEMENTARY + DIVISION + MULTIPLICATION,
        ),
        Op::Softmax(op) => softmax("softmax", op, Work::default()),
        // x − max − log Σ: the division becomes a subtraction, and one logarithm per row.
        Op::LogSoftmax(op) => {
            let rows = rows(op);
            let work = shifted_exponentials(op) + ELEMENTARY * rows;
            let work = work + ADDITION * (elements(&op.out) + rows);
            Rule::new("log_softmax", Kind::Softmax, work)
        }
        // The softmax of −x.
        Op::Softmin(op) => softmax("softmin", op, ADDITION * elements(&op.out)),
    }
}

fn each(name: &'static str, out: &TensorIr, work: Work) -> Rule {
    Rule::new(name, Kind::Activation, work * elements(out))
}

/// e^(x − max) / Σ: n − 1 comparisons, n subtractions, n exponentials, n − 1 additions and n
/// divisions for each row of n values.
fn softmax(name: &'static str, op: &DimOpIr, extra: Work) -> Rule {
    let work = shifted_exponentials(op) + DIVISION * elements(&op.out);
    Rule::new(name, Kind::Softmax, work + extra)
}

/// e^(x − max) and its sum.
fn shifted_exponentials(op: &DimOpIr) -> Work {
    let (values, rows) = (elements(&op.out), rows(op));
    COMPARISON * (values - rows)
        + ADDITION * values
        + ELEMENTARY * values
        + ADDITION * (values - rows)
}

fn rows(op: &DimOpIr) -> u128 {
    elements(&op.out) / side(&op.out, op.axis).max(1)
}
