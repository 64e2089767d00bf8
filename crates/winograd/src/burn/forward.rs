//! The forward pass of a chain.

use burn::tensor::{Tensor, TensorData};
use burn_flex::FlexTensor;

use super::workspaces::{SPARE, with_workspace};
use super::{ChainLayer, contiguous};
use crate::activation::map_lines;
use crate::layer::{Input, Layer};
use crate::memory::zeros;
use crate::weights::Weights;
use crate::{
    Activation, BatchNormLayer, BatchStatistics, ConvOptions, Error, LayerSize, batch_norm,
    max_pool,
};

/// A layer's tensors, contiguous.
pub(super) struct LayerTensors {
    pub(super) weight: FlexTensor,
    pub(super) bias: FlexTensor,
    pub(super) norm: Option<NormTensors>,
    pub(super) relu: bool,
}

pub(super) struct NormTensors {
    pub(super) gamma: FlexTensor,
    pub(super) beta: FlexTensor,
    pub(super) epsilon: f64,
}

/// How a tensor of Burn's becomes one of Flex, its values one after the other; `None` if it lies
/// elsewhere.
pub(super) trait Take {
    fn take<const D: usize>(&mut self, tensor: &Tensor<D>) -> Option<FlexTensor> {
        contiguous(self.take_as_it_is(tensor)?)
    }

    /// The same, but its values in any order.
    fn take_as_it_is<const D: usize>(&mut self, tensor: &Tensor<D>) -> Option<FlexTensor>;
}

impl LayerTensors {
    /// The tensors of each layer: weight, bias, and gamma and beta where it has a norm.
    pub(super) fn all(layers: &[ChainLayer], place: &mut impl Take) -> Option<Vec<Self>> {
        let mut tensors = Vec::with_capacity(layers.len());
        for layer in layers {
            tensors.push(Self {
                weight: place.take(&layer.weight)?,
                bias: place.take(&layer.bias)?,
                norm: match &layer.norm {
                    Some(norm) => Some(NormTensors {
                        gamma: place.take(&norm.gamma)?,
                        beta: place.take(&norm.beta)?,
                        epsilon: norm.epsilon,
                    }),
                    None => None,
                },
                relu: layer.relu,
            });
        }
        Some(tensors)
    }
}

impl NormTensors {
    pub(super) fn layer(&self, relu: bool) -> Result<BatchNormLayer<'_>, Error> {
        Ok(BatchNormLayer {
            gamma: values(&self.gamma)?,
            beta: values(&self.beta)?,
            epsilon: self.epsilon,
            relu,
        })
    }
}

/// The last map, and the statistics of each norm.
pub(super) struct Forwarded {
    pub(super) output: FlexTensor,
    pub(super) statistics: Vec<BatchStatistics>,
}

/// The sizes of a chain whose shapes fit together.
pub(super) struct Sizes {
    /// Of the input.
    shape: [usize; 4],
    /// Channels before and after each layer.
    channels: Vec<[usize; 2]>,
    pub(super) pool: bool,
}

impl Sizes {
    /// `None` if the shapes do not fit together. Asked before anything is taken: a tensor that was expanded is
    /// as large as its shape only once its values are put one after the other.
    pub(super) fn of(input: &Tensor<4>, layers: &[ChainLayer], pool: bool) -> Option<Self> {
        let shape = input.dims();
        let mut known = shape[1];
        let mut channels = Vec::with_capacity(layers.len());
        for layer in layers {
            let [outputs, inputs, height, width] = layer.weight.dims();
            let fits = [inputs, height, width] == [known, 3, 3] && layer.bias.dims() == [outputs];
            let norm_fits = match &layer.norm {
                Some(norm) => norm.gamma.dims() == [outputs] && norm.beta.dims() == [outputs],
                None => true,
            };
            if !fits || !norm_fits || outputs == 0 {
                return None;
            }
            channels.push([inputs, outputs]);
            known = outputs;
        }
        let smallest = if pool { 2 } else { 1 };
        let fits = shape[0] > 0 && shape[1] > 0 && shape[2].min(shape[3]) >= smallest;
        fits.then_some(Self {
            shape,
            channels,
            pool,
        })
    }
}

/// A chain to be computed.
pub(super) struct Forward<'a> {
    input: &'a FlexTensor,
    layers: &'a [LayerTensors],
    sizes: &'a Sizes,
}

/// What the backward pass needs.
pub(super) struct Kept {
    /// The input of each layer, and the output of the last one before pooling.
    pub(super) maps: Vec<Activation>,
    /// The input of each norm.
    pub(super) unnormed: Vec<Activation>,
    /// The statistics of each norm.
    pub(super) statistics: Vec<BatchStatistics>,
}

impl Drop for Kept {
    fn drop(&mut self) {
        let maps = self.maps.drain(..).chain(self.unnormed.drain(..));
        maps.for_each(|map| SPARE.give_activation(map));
    }
}

impl<'a> Forward<'a> {
    /// Of tensors that have these sizes.
    pub(super) fn new(input: &'a FlexTensor, layers: &'a [LayerTensors], sizes: &'a Sizes) -> Self {
        Self {
            input,
            layers,
            sizes,
        }
    }

    /// Without anything for a backward pass: pooling happens inside the last convolution, if it has no
    /// norm.
    pub(super) fn inference(&self) -> Option<Forwarded> {
        if self.layers.iter().any(|layer| layer.norm.is_some()) {
            let (output, mut kept) = self.training()?;
            let statistics = std::mem::take(&mut kept.statistics);
            return Some(Forwarded { output, statistics });
        }
        let last = self.layers.len().checked_sub(1)?;
        let result = with_workspace(|workspace| -> Result<FlexTensor, Error> {
            let [batch, _, height, width] = self.sizes.shape;
            let mut map = Activation::new();
            for index in 0..self.layers.len() {
                let pool = self.sizes.pool && index == last;
                let mut output = workspace.spare.activation(self.output_lines(index, pool)?);
                let (weights, options) = (self.weights(index)?, self.options(index, pool));
                let layer = Layer::new(&weights, self.bias(index)?, options)?;
                let input = match index {
                    0 => Input::Nchw(values(self.input)?, [batch, height, width]),
                    _ => Input::Map(&map),
                };
                layer.run_once(weights, input, &mut output, workspace)?;
                let before = std::mem::replace(&mut map, output);
                workspace.spare.give_activation(before);
            }
            let output = tensor(&map);
            workspace.spare.give_activation(map);
            Ok(output)
        });
        let output = result.ok()?;
        let statistics = Vec::new();
        Some(Forwarded { output, statistics })
    }

    /// With the maps that a backward pass needs.
    pub(super) fn training(&self) -> Option<(FlexTensor, Kept)> {
        let mut kept = Kept {
            maps: Vec::new(),
            unnormed: Vec::new(),
            statistics: Vec::new(),
        };
        let result = with_workspace(|workspace| -> Result<FlexTensor, Error> {
            let [batch, channels, height, width] = self.sizes.shape;
            let mut first = workspace.spare.activation(self.input_lines()?);
            first.copy_from_nchw(values(self.input)?, batch, channels, height, width)?;
            kept.maps.push(first);
            for index in 0..self.layers.len() {
                let mut output = workspace.spare.activation(self.output_lines(index, false)?);
                let (weights, options) = (self.weights(index)?, self.options(index, false));
                let convolution = Layer::new(&weights, self.bias(index)?, options)?;
                let input = Input::Map(&kept.maps[index]);
                convolution.run_once(weights, input, &mut output, workspace)?;
                let layer = &self.layers[index];
                if let Some(norm) = &layer.norm {
                    let mut normed = workspace.spare.activation(output.lines().len());
                    let statistics = batch_norm(&output, &norm.layer(layer.relu)?, &mut normed)?;
                    kept.statistics.push(statistics);
                    kept.unnormed.push(std::mem::replace(&mut output, normed));
                }
                kept.maps.push(output);
            }
            let last = &kept.maps[self.layers.len()];
            if !self.sizes.pool {
                return Ok(tensor(last));
            }
            let pooled = self.output_lines(self.layers.len() - 1, true)?;
            let mut pooled = workspace.spare.activation(pooled);
            max_pool(last, &mut pooled)?;
            let output = tensor(&pooled);
            workspace.spare.give_activation(pooled);
            Ok(output)
        });
        result.ok().map(|output| (output, kept))
    }

    fn options(&self, index: usize, pool: bool) -> ConvOptions {
        let [in_channels, out_channels] = self.sizes.channels[index];
        let size = LayerSize {
            batch: self.sizes.shape[0],
            in_channels,
            out_channels,
            out_height: self.sizes.shape[2],
            out_width: self.sizes.shape[3],
            pool,
        };
        let layer = &self.layers[index];
        ConvOptions::for_size(&size).with_relu(layer.relu && layer.norm.is_none())
    }

    fn weights(&self, index: usize) -> Result<Weights<'_>, Error> {
        let [in_channels, out_channels] = self.sizes.channels[index];
        Ok(Weights {
            data: values(&self.layers[index].weight)?,
            out_channels,
            in_channels,
            turned: false,
        })
    }

    fn bias(&self, index: usize) -> Result<Option<&[f32]>, Error> {
        Ok(Some(values(&self.layers[index].bias)?))
    }

    /// Lines of the map before the first layer.
    fn input_lines(&self) -> Result<usize, Error> {
        let [batch, channels, height, width] = self.sizes.shape;
        map_lines(batch, channels, [height, width])
    }

    /// Lines of the map behind layer `index`.
    fn output_lines(&self, index: usize, pool: bool) -> Result<usize, Error> {
        let [batch, _, height, width] = self.sizes.shape;
        let part = if pool { 2 } else { 1 };
        let size = [height / part, width / part];
        map_lines(batch, self.sizes.channels[index][1], size)
    }
}

/// The dimensions, if there are `D`.
pub(super) fn dims<const D: usize>(tensor: &FlexTensor) -> Option<[usize; D]> {
    let shape: Vec<usize> = tensor.layout().shape().iter().copied().collect();
    shape.try_into().ok()
}

/// The values of a tensor that was made contiguous.
pub(super) fn values(tensor: &FlexTensor) -> Result<&[f32], Error> {
    tensor.as_slice::<f32>().ok_or(Error::Zero("values"))
}

/// A new tensor of the values of a map.
pub(super) fn tensor(map: &Activation) -> FlexTensor {
    let shape = [map.batch(), map.channels(), map.height(), map.width()];
    FlexTensor::from_data(TensorData::new(map.to_nchw(), shape))
}

/// A new tensor of zeros that `fill` has filled, on large pages: memory that is new in each step of a
/// training takes the system longer to set up in small pages than it takes to fill.
pub(super) fn filled<const D: usize>(
    shape: [usize; D],
    fill: impl FnOnce(&mut [f32]),
) -> FlexTensor {
    let mut values = zeros(0.0, shape.iter().product());
    fill(&mut values);
    FlexTensor::from_data(TensorData::new(values, shape))
}

/// A new tensor of values.
pub(super) fn vector(values: &[f32]) -> FlexTensor {
    FlexTensor::from_data(TensorData::new(values.to_vec(), [values.len()]))
}
