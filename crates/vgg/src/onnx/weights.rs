//! The numbers that a graph is computed with, none of which is read before it is written.

use std::fmt::Display;
use std::io;

use burn::module::{Module, Param};
use burn::nn::Linear;
use burn::tensor::{Bytes, DType, Tensor, TensorData};

use crate::device::failure;
use crate::layers::ConvLayer;
use crate::weights::is_finite;

/// A tensor of the file.
pub(super) struct Weight<'a> {
    pub(super) name: String,
    pub(super) values: Values<'a>,
}

/// Where a tensor's numbers come from.
#[derive(Clone, Copy)]
pub(super) enum Values<'a> {
    /// The weights of a convolution `[outputs, inputs, 3, 3]`, its batch normalisation folded in.
    Kernels(&'a ConvLayer),
    /// Its bias.
    KernelBias(&'a ConvLayer),
    /// The weights of a linear layer, turned around to `[outputs, inputs]`.
    Matrix(&'a Linear),
    /// A linear layer's bias.
    Bias(&'a Param<Tensor<1>>),
    /// The matrix `[to, from]` that averages `from` numbers to `to`, or its transpose.
    Means {
        from: usize,
        to: usize,
        turned: bool,
    },
}

/// Why a tensor is not written.
pub(super) enum Refusal {
    NotFinite,
    Values(String),
    /// The file takes no more.
    Io(io::Error),
}

impl Values<'_> {
    /// No weight is made for it.
    pub(super) fn shape(self) -> Vec<usize> {
        match self {
            Self::Kernels(layer) => layer.conv.weight.lazy_shape().to_vec(),
            Self::KernelBias(layer) => layer.conv.weight.lazy_shape().to_vec()[..1].to_vec(),
            Self::Matrix(linear) => {
                let [inputs, outputs] = linear.weight.lazy_shape().dims();
                vec![outputs, inputs]
            }
            Self::Bias(bias) => bias.lazy_shape().to_vec(),
            Self::Means {
                from,
                to,
                turned: false,
            } => vec![to, from],
            Self::Means {
                from,
                to,
                turned: true,
            } => vec![from, to],
        }
    }

    /// Bytes of all numbers.
    pub(super) fn length(self) -> u64 {
        let sides = self.shape().into_iter().map(|side| side as u64);
        sides.fold(size_of::<f32>() as u64, u64::saturating_mul)
    }

    /// Gives the numbers, 32 bits each, to `write`: those of a large matrix piece by piece, as turning it around takes
    /// as much memory again.
    pub(super) fn read(
        self,
        mut write: impl FnMut(&[u8]) -> Result<(), Refusal>,
    ) -> Result<(), Refusal> {
        let mut piece = |data| write(&bytes(data)?);
        match self {
            Self::Kernels(layer) => piece(layer.valid().folded_weights().0.try_into_data()),
            Self::KernelBias(layer) => piece(layer.valid().folded_weights().1.try_into_data()),
            Self::Matrix(linear) => {
                let matrix = linear.weight.val().swap_dims(0, 1);
                let [rows, columns] = matrix.dims();
                let step = (PIECE / columns).max(1);
                (0..rows).step_by(step).try_for_each(|start| {
                    let rows = start..rows.min(start + step);
                    piece(matrix.clone().slice([rows, 0..columns]).try_into_data())
                })
            }
            Self::Bias(bias) => piece(bias.val().try_into_data()),
            Self::Means { from, to, turned } => {
                piece(Ok(TensorData::new(means(from, to, turned), self.shape())))
            }
        }
    }
}

/// Numbers of a piece, about.
const PIECE: usize = 1 << 22;

fn bytes(data: Result<TensorData, impl Display>) -> Result<Bytes, Refusal> {
    let data = data.map_err(|error| Refusal::Values(failure(error)))?;
    let data = data.convert_dtype(DType::F32);
    match is_finite(&data) {
        true => Ok(data.into_bytes()),
        false => Err(Refusal::NotFinite),
    }
}

/// Row `i` averages the places from ⌊i·from/to⌋ up to ⌈(i+1)·from/to⌉, as adaptive pooling does.
fn means(from: usize, to: usize, turned: bool) -> Vec<f32> {
    let mut matrix = vec![0.0; from * to];
    for row in 0..to {
        let (start, end) = (row * from / to, ((row + 1) * from).div_ceil(to));
        for column in start..end {
            let place = match turned {
                false => row * from + column,
                true => column * to + row,
            };
            matrix[place] = 1.0 / (end - start) as f32;
        }
    }
    matrix
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means_are_those_of_adaptive_pooling() {
        assert_eq!(means(4, 2, false), [0.5, 0.5, 0.0, 0.0, 0.0, 0.0, 0.5, 0.5]);
        // More results than numbers.
        assert_eq!(means(2, 3, false), [1.0, 0.0, 0.5, 0.5, 0.0, 1.0]);
        assert_eq!(means(2, 3, true), [1.0, 0.5, 0.0, 0.0, 0.5, 1.0]);
    }
}
