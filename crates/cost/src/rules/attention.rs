//! Scaled dot-product attention as one operation.

use burn_ir::{AttentionOpIr, TensorIr};

use super::Row;
use super::float::sums;
use super::gradient::Gradient::{self, Whole};
use super::keep::Saves::Inputs;
use super::name::Name;
use super::shape::{elements, indices, last, values};
use super::unit::{ADDITION, COMPARISON, DIVISION, ELEMENTARY, MULTIPLICATION, NOTHING};
use crate::formulas::inner_products;
use crate::kind::Kind;
use crate::work::Work;

/// softmax(s·Q·Kᵀ + mask)·V. A causal mask saves nothing here: every score is counted.
///
/// Burn keeps the scores minus their maxima, the exponentials and the weights; for each row the
/// place of the maximum, the sum of the exponentials and two truth values.
pub(super) fn attention(op: &AttentionOpIr) -> Row {
    let keys = op.key.shape.iter().rev().nth(1).copied().unwrap_or(1) as u128;
    let rows = elements(&op.query) / last(&op.query).max(1);
    let scores = rows * keys;
    let mut work = inner_products(scores, last(&op.query), false)
        + inner_products(elements(&op.out), keys, false)
        + MULTIPLICATION * scores
        // The softmax of each row of scores.
        + (ADDITION + ELEMENTARY + DIVISION) * scores
        + (COMPARISON + ADDITION) * (scores - rows);
    let mut kept = 3 * scores;
    if op.options.softcap.is_some() {
        work += (DIVISION + ELEMENTARY + MULTIPLICATION) * scores;
        kept += scores;
    }
    if op.mask.is_some() || op.options.is_causal {
        work += COMPARISON * scores;
    }
    if op.attn_bias.is_some() {
        work += ADDITION * scores;
    }
    let gradient = gradient(op, scores, keys);
    let beside = values(kept + rows, &op.out) + indices(rows) + 2 * rows;
    let saves = match op.mask {
        Some(_) => Inputs(&[0, 1, 2, 3]),
        None => Inputs(&[0, 1, 2]),
    };
    Row::new(Name::Attention, Kind::Attention, work, gradient, saves).keeping(beside)
}

/// With P = softmax(S): dV = Pᵀ·dO and dP = dO·Vᵀ, dS from dP, then dQ = dS·K and dK = dSᵀ·Q.
/// What both of Q and K need is counted with Q.
fn gradient(op: &AttentionOpIr, scores: u128, keys: u128) -> Gradient {
    // Products of Q·Kᵀ, and of P·V.
    let (first, second) = (scores * last(&op.query), elements(&op.out) * keys);
    let softmax = MULTIPLICATION * (3 * scores) + ADDITION * (2 * scores);
    let weights = Work {
        macs: second,
        ..MULTIPLICATION * second + ADDITION * second.saturating_sub(scores)
    };
    let mut works = vec![
        weights + softmax + sums(first, &op.query),
        sums(first, &op.key),
        sums(second, &op.value),
    ];
    works.extend(op.mask.as_ref().map(|_| NOTHING));
    let added = |bias: &TensorIr| ADDITION * scores.saturating_sub(elements(bias));
    works.extend(op.attn_bias.as_ref().map(added));
    Whole(works)
}
