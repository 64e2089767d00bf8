//! Activation functions, by their usual formulas.

use burn_ir::{ActivationOperationIr, DimOpIr, TensorIr};

use super::Row;
use super::gradient::Gradient::{self, Each, Whole};
use super::keep::Saves::{All, Nothing, Other};
use super::name::Name;
use super::shape::{elements, side, values};
use super::unit::{ADDITION, COMPARISON, DIVISION, ELEMENTARY, MULTIPLICATION};
use crate::kind::Kind;
use crate::work::Work;

pub(super) fn row(operation: &ActivationOperationIr) -> Row {
    use ActivationOperationIr as Op;
    match operation {
        Op::Relu(op) => each(Name::Relu, &op.out, COMPARISON, relu()),
        Op::ReluBackward(op) => backward(Name::ReluBackward, &op.out, relu()),
        // Burn keeps a truth value of a byte: whether the input is negative.
        Op::LeakyRelu(op) => {
            let work = COMPARISON + MULTIPLICATION;
            Row {
                saves: Nothing,
                ..each(Name::LeakyRelu, &op.out, work, work)
            }
            .keeping(elements(&op.out))
        }
        Op::PRelu(op) => {
            let work = COMPARISON + MULTIPLICATION;
            Row {
                saves: Other,
                ..each(Name::Prelu, &op.out, work, work)
            }
            .keeping(elements(&op.out))
        }
        // ½·x·(1 + erf(x / √2))
        Op::Gelu(op) => {
            let work = MULTIPLICATION * 3 + ADDITION + ELEMENTARY;
            each(Name::Gelu, &op.out, work, gelu())
        }
        Op::GeluBackward(op) => backward(Name::GeluBackward, &op.out, gelu()),
        // 1 / (1 + e^(−x))
        Op::Sigmoid(op) => {
            let work = ADDITION * 2 + ELEMENTARY + DIVISION;
            each(Name::Sigmoid, &op.out, work, sigmoid())
        }
        Op::SigmoidBackward(op) => backward(Name::SigmoidBackward, &op.out, sigmoid()),
        // clamp(α·x + β, 0, 1). Burn keeps two truth values: whether it is outside on each side.
        Op::HardSigmoid(op) => {
            let work = MULTIPLICATION + ADDITION + COMPARISON * 2;
            let gradient = COMPARISON * 2 + MULTIPLICATION;
            Row {
                saves: Nothing,
                ..each(Name::HardSigmoid, &op.out, work, gradient)
            }
            .keeping(2 * elements(&op.out))
        }
        // min(x, 0) − log(1 + e^(−|x|))
        Op::LogSigmoid(op) => {
            let work = COMPARISON * 2 + ADDITION * 3 + ELEMENTARY * 2;
            each(Name::LogSigmoid, &op.out, work, log_sigmoid())
        }
        Op::LogSigmoidBackward(op) => backward(Name::LogSigmoidBackward, &op.out, log_sigmoid()),
        Op::Softmax(op) => softmax(Name::Softmax, op),
        Op::LogSoftmax(op) => log_softmax(op),
        // The softmax of −x.
        Op::Softmin(op) => softmax(Name::Softmin, op).more(ADDITION * elements(&op.out)),
    }
}

/// Keeps the input for `gradient`, the work for each element going back.
fn each(name: Name, out: &TensorIr, work: Work, gradient: Work) -> Row {
    let (work, gradient) = (work * elements(out), Each(gradient));
    Row::new(name, Kind::Activation, work, gradient, All).over()
}

fn backward(name: Name, out: &TensorIr, work: Work) -> Row {
    Row::backward(name, Kind::Activation, work * elements(out)).over()
}

fn relu() -> Work {
    COMPARISON
}

/// g·(Φ(x) + x·φ(x)), φ(x) = e^(−x²/2) / √(2π)
fn gelu() -> Work {
    MULTIPLICATION * 7 + ADDITION * 2 + ELEMENTARY * 2
}

/// g·y·(1 − y)
fn sigmoid() -> Work {
    MULTIPLICATION * 2 + ADDITION
}

/// g·(1 − σ(x))
fn log_sigmoid() -> Work {
    ADDITION * 3 + ELEMENTARY + DIVISION + MULTIPLICATION
}

/// e^(x − max) / Σ: n − 1 comparisons, n subtractions, n exponentials, n − 1 additions and n
/// divisions for each row of n values. Going back y·(g − Σ g·y).
///
/// Burn keeps x − max, the exponentials and their sums.
fn softmax(name: Name, op: &DimOpIr) -> Row {
    let (count, rows) = (elements(&op.out), rows(op));
    let work = shifted_exponentials(op) + DIVISION * count;
    let gradient = MULTIPLICATION * (2 * count) + ADDITION * (2 * count - rows);
    row_wise(name, work, gradient).keeping(values(2 * count + rows, &op.out))
}

/// x − max − log Σ: the division becomes a subtraction, and one logarithm per row. Going back
/// g − e^y·Σ g.
///
/// Burn keeps x − max and the sums of the exponentials.
fn log_softmax(op: &DimOpIr) -> Row {
    let (count, rows) = (elements(&op.out), rows(op));
    let work = shifted_exponentials(op) + ELEMENTARY * rows + ADDITION * (count + rows);
    let gradient = (ELEMENTARY + MULTIPLICATION) * count + ADDITION * (2 * count - rows);
    row_wise(Name::LogSoftmax, work, gradient).keeping(values(count + rows, &op.out))
}

fn row_wise(name: Name, work: Work, gradient: Work) -> Row {
    let gradient: Gradient = Whole(vec![gradient]);
    Row::new(name, Kind::Softmax, work, gradient, Nothing).over_in_training()
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
