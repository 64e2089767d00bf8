//! The sizes of a chain.

use burn::tensor::Tensor;

use super::layer::Convolution;
use crate::maps::activation::map_lines;
use crate::{Error, LayerSize};

/// The sizes of a chain whose shapes fit together.
pub(in crate::burn) struct Sizes {
    /// `[batch, channels, height, width]` before the first layer and behind each one, before pooling.
    maps: Vec<[usize; 4]>,
    /// Whether a pooling follows the last layer.
    pub(super) pool: bool,
}

impl Sizes {
    /// `None` if the shapes do not fit together. Asked before anything is made contiguous: a tensor that was
    /// expanded is as large as its shape only once its values are put one after the other.
    pub(in crate::burn) fn of(
        input: &Tensor<4>,
        layers: &[Convolution],
        pool: bool,
    ) -> Option<Self> {
        let mut map = input.dims();
        let mut maps = vec![map];
        for layer in layers {
            let [batch, channels, height, width] = map;
            let [outputs, inputs, rows, columns] = layer.weight.dims();
            let fits = [inputs, rows, columns] == [channels, 3, 3];
            let bias_fits = layer.bias.is_none_or(|bias| bias.dims() == [outputs]);
            let norm_fits = layer
                .norm
                .is_none_or(|norm| norm.gamma.dims() == [outputs] && norm.beta.dims() == [outputs]);
            if !(fits && bias_fits && norm_fits) || layer.padding > 2 {
                return None;
            }
            let size = |size: usize| size.checked_add(2 * layer.padding)?.checked_sub(2);
            map = [batch, outputs, size(height)?, size(width)?];
            maps.push(map);
        }
        let [_, _, height, width] = map;
        let too_small = pool && height.min(width) < 2;
        let fits = !maps.as_flattened().contains(&0) && !too_small;
        fits.then_some(Self { maps, pool })
    }

    /// Of the input of layer `index`.
    pub(super) fn input(&self, index: usize) -> [usize; 4] {
        self.maps[index]
    }

    /// The work of layer `index`, with pooling or without.
    pub(super) fn layer(&self, index: usize, pool: bool) -> LayerSize {
        let [batch, out_channels, out_height, out_width] = self.maps[index + 1];
        LayerSize {
            batch,
            in_channels: self.maps[index][1],
            out_channels,
            out_height,
            out_width,
            pool,
        }
    }

    /// Lines of the map before the first layer.
    pub(super) fn input_lines(&self) -> Result<usize, Error> {
        let [batch, channels, height, width] = self.maps[0];
        map_lines(batch, channels, [height, width])
    }

    /// Lines of the map behind layer `index`, with pooling or without.
    pub(super) fn output_lines(&self, index: usize, pool: bool) -> Result<usize, Error> {
        let [batch, channels, height, width] = self.maps[index + 1];
        let part = if pool { 2 } else { 1 };
        map_lines(batch, channels, [height / part, width / part])
    }
}
