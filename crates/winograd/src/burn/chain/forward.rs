//! The forward pass of a chain.

use super::layer::LayerTensors;
use super::sizes::Sizes;
use crate::burn::backend::{CpuBackend, Primitive};
use crate::burn::tensors::{map_tensor, values};
use crate::burn::workspaces::{SPARE, with_workspace};
use crate::convolution::layer::{Input, Layer};
use crate::convolution::weights::Weights;
use crate::{Activation, BatchStatistics, ConvOptions, Error, batch_norm, max_pool};

/// The last map, and the statistics of each norm.
pub(super) struct Forwarded<B: CpuBackend> {
    pub(super) output: Primitive<B>,
    pub(super) statistics: Vec<BatchStatistics>,
}

/// A chain to be computed.
pub(super) struct Forward<'a, B: CpuBackend> {
    input: &'a Primitive<B>,
    layers: &'a [LayerTensors<B>],
    sizes: &'a Sizes,
}

/// What the backward pass needs of the forward pass.
pub(super) struct SavedMaps {
    /// The input of each layer, and the output of the last one before pooling.
    pub(super) maps: Vec<Activation>,
    /// The input of each norm; empty for a layer without.
    pub(super) unnormed: Vec<Activation>,
    /// The statistics of each norm, and none for a layer without.
    pub(super) statistics: Vec<Option<BatchStatistics>>,
}

impl Drop for SavedMaps {
    fn drop(&mut self) {
        let maps = self.maps.drain(..).chain(self.unnormed.drain(..));
        maps.for_each(|map| SPARE.give_activation(map));
    }
}

impl<'a, B: CpuBackend> Forward<'a, B> {
    /// Of tensors that have these sizes.
    pub(super) fn new(
        input: &'a Primitive<B>,
        layers: &'a [LayerTensors<B>],
        sizes: &'a Sizes,
    ) -> Self {
        Self {
            input,
            layers,
            sizes,
        }
    }

    /// Without anything for a backward pass: pooling happens inside the last convolution, if there are no
    /// norms.
    pub(super) fn inference(&self) -> Option<Forwarded<B>> {
        if self.layers.iter().any(|layer| layer.norm.is_some()) {
            let (output, mut saved) = self.training()?;
            let statistics = saved.statistics.drain(..).flatten().collect();
            return Some(Forwarded { output, statistics });
        }
        let last = self.layers.len().checked_sub(1)?;
        let result = with_workspace(|workspace| -> Result<Primitive<B>, Error> {
            let [batch, _, height, width] = self.sizes.input(0);
            let mut map = Activation::new();
            for index in 0..self.layers.len() {
                let pool = self.sizes.pool && index == last;
                let lines = self.sizes.output_lines(index, pool)?;
                let mut output = workspace.spare.activation(lines);
                let (weights, layer) = self.layer(index, pool)?;
                let input = match index {
                    0 => Input::Nchw(values::<B>(self.input)?, [batch, height, width]),
                    _ => Input::Map(&map),
                };
                layer.run_once(weights, input, &mut output, workspace)?;
                let before = std::mem::replace(&mut map, output);
                workspace.spare.give_activation(before);
            }
            let output = map_tensor::<B>(&map);
            workspace.spare.give_activation(map);
            Ok(output)
        });
        let output = result.ok()?;
        let statistics = Vec::new();
        Some(Forwarded { output, statistics })
    }

    /// With the maps that a backward pass needs.
    pub(super) fn training(&self) -> Option<(Primitive<B>, SavedMaps)> {
        let mut saved = SavedMaps {
            maps: Vec::new(),
            unnormed: Vec::new(),
            statistics: Vec::new(),
        };
        let result = with_workspace(|workspace| -> Result<Primitive<B>, Error> {
            let [batch, channels, height, width] = self.sizes.input(0);
            let mut first = workspace.spare.activation(self.sizes.input_lines()?);
            first.copy_from_nchw(values::<B>(self.input)?, batch, channels, height, width)?;
            saved.maps.push(first);
            for (index, layer) in self.layers.iter().enumerate() {
                let lines = self.sizes.output_lines(index, false)?;
                let mut output = workspace.spare.activation(lines);
                let (weights, convolution) = self.layer(index, false)?;
                let input = Input::Map(&saved.maps[index]);
                convolution.run_once(weights, input, &mut output, workspace)?;
                let mut unnormed = Activation::new();
                let mut statistics = None;
                if let Some(norm) = &layer.norm {
                    let mut normed = workspace.spare.activation(output.lines().len());
                    statistics = Some(batch_norm(&output, &norm.layer(layer.relu)?, &mut normed)?);
                    unnormed = std::mem::replace(&mut output, normed);
                }
                saved.unnormed.push(unnormed);
                saved.statistics.push(statistics);
                saved.maps.push(output);
            }
            let last = &saved.maps[self.layers.len()];
            if !self.sizes.pool {
                return Ok(map_tensor::<B>(last));
            }
            let lines = self.sizes.output_lines(self.layers.len() - 1, true)?;
            let mut pooled = workspace.spare.activation(lines);
            max_pool(last, &mut pooled)?;
            let output = map_tensor::<B>(&pooled);
            workspace.spare.give_activation(pooled);
            Ok(output)
        });
        result.ok().map(|output| (output, saved))
    }

    /// Weights and the rest of layer `index`.
    fn layer(&self, index: usize, pool: bool) -> Result<(Weights<'_>, Layer), Error> {
        let (layer, size) = (&self.layers[index], self.sizes.layer(index, pool));
        let weights = Weights {
            data: values::<B>(&layer.weight)?,
            out_channels: size.out_channels,
            in_channels: size.in_channels,
            turned: false,
        };
        let options = ConvOptions::for_size(&size)
            .with_padding(layer.padding)
            .with_relu(layer.relu && layer.norm.is_none());
        let layer = Layer::new(&weights, layer.bias_values()?, options)?;
        Ok((weights, layer))
    }
}
