//! Pooling: the largest or the mean of windows.

use burn_ir::TensorIr;

use super::Row;
use super::gradient::Gradient::{Each, Whole};
use super::keep::Saves::Inputs;
use super::name::Name;
use super::shape::{elements, indices, side};
use super::unit::{ADDITION, COMPARISON, DIVISION};
use crate::kind::Kind;
use crate::window::Window;

/// The product of the sides of a window.
pub(super) fn window(sides: &[usize]) -> u128 {
    let sides = sides.iter().map(|&side| side as u128);
    sides.fold(1, u128::saturating_mul)
}

/// The largest of n cells takes n − 1 comparisons. Each value of the gradient goes to the cell
/// that was the largest, whose place Burn keeps.
pub(super) fn max_pool(name: Name, out: &TensorIr, kernel: &[usize]) -> Row {
    let comparisons = elements(out).saturating_mul(window(kernel).saturating_sub(1));
    let (work, gradient) = (COMPARISON * comparisons, Each(ADDITION));
    let row = Row::new(name, Kind::MaxPool, work, gradient, Inputs(&[0]));
    // The places are computed in inference too.
    let places = indices(elements(out));
    row.keeping(places).taking(places)
}

/// Like [`max_pool`], the places being an output.
pub(super) fn max_pool_at(name: Name, out: &TensorIr, kernel: &[usize]) -> Row {
    let row = max_pool(name, out, kernel);
    row.keeping(0).taking(0)
}

/// A window of a pooling along one side.
pub(super) fn pool(kernel: usize, stride: usize, padding: usize) -> Window {
    Window {
        kernel,
        stride,
        padding,
        dilation: 1,
    }
}

/// Means over windows of one size, of the cells inside the image, or inside its padding.
pub(super) fn average_pool(
    name: Name,
    input: &TensorIr,
    out: &TensorIr,
    windows: &[Window],
    padding: bool,
) -> Row {
    let planes: u128 = out.shape.iter().take(2).map(|&side| side as u128).product();
    let sides = input.shape.iter().zip(out.shape.iter()).skip(2);
    let cells = windows
        .iter()
        .zip(sides)
        .map(|(window, (&length, &positions))| match padding {
            true => Window {
                padding: 0,
                ..*window
            }
            .cells(positions, length + 2 * window.padding),
            false => window.cells(positions, length),
        });
    let read = cells.fold(planes, u128::saturating_mul);
    average(name, Kind::AveragePool, out, read)
}

/// Means over windows that cover `read` cells in all. Going back, each mean's share is added to
/// every cell of its window.
fn average(name: Name, kind: Kind, out: &TensorIr, read: u128) -> Row {
    let outputs = elements(out);
    let work = ADDITION * read.saturating_sub(outputs) + DIVISION * outputs;
    let gradient = ADDITION * read.max(outputs) + DIVISION * outputs;
    Row::new(name, kind, work, Whole(vec![gradient]), Inputs(&[0]))
}

/// One addition for each cell that a gradient is spread over.
pub(super) fn spread(name: Name, kind: Kind, cells: u128) -> Row {
    Row::backward(name, kind, ADDITION * cells)
}

/// Means over windows that divide the input along `dimensions` dimensions.
pub(super) fn adaptive(name: Name, input: &TensorIr, out: &TensorIr, dimensions: usize) -> Row {
    let read = adaptive_cells(input, out, dimensions);
    average(name, Kind::AdaptiveAveragePool, out, read)
}

/// The cells that all windows of an adaptive pooling cover: along each dimension, window i goes
/// from ⌊i·n / m⌋ to ⌈(i + 1)·n / m⌉. Neighbours share a cell wherever m does not divide i·n, which
/// is at all but gcd(n, m) − 1 of the m − 1 borders, so there are n + m − gcd(n, m) cells.
pub(super) fn adaptive_cells(input: &TensorIr, out: &TensorIr, dimensions: usize) -> u128 {
    let rank = input.shape.iter().count();
    let planes: u128 = out
        .shape
        .iter()
        .take(rank.saturating_sub(dimensions))
        .map(|&side| side as u128)
        .product();
    (rank.saturating_sub(dimensions)..rank)
        .map(|axis| {
            let (n, m) = (side(input, axis), side(out, axis));
            n + m - greatest_common_divisor(n, m)
        })
        .fold(planes, u128::saturating_mul)
}

fn greatest_common_divisor(a: u128, b: u128) -> u128 {
    match b {
        0 => a,
        b => greatest_common_divisor(b, a % b),
    }
}
