//! Convolutions of a network that is only run: weights transformed once.

#[cfg(feature = "gpu")]
use std::sync::OnceLock;

use burn::module::{Module, Param};
use burn::nn::BatchNorm;
use burn::nn::conv::Conv2d;
use burn::tensor::ops::MaxPoolOptions;
use burn::tensor::{Tensor, TensorData, activation, module};

use super::backend::{CpuBackend, Primitive, with_backend};
#[cfg(feature = "gpu")]
use super::chain::{Convolution, Sizes};
use super::conv2d::{Conv2dExt, module_padding};
#[cfg(feature = "gpu")]
use super::gpu::PreparedConvolution;
use super::tensors::{TensorSource, Untracked, map_tensor, untracked, values};
use super::workspaces::with_workspace;
use crate::error::check_size;
use crate::maps::activation::map_lines;
use crate::{Conv3x3, ConvOptions, ConvsBySize, Error, LayerSize, fold_batch_norm};

/// A convolution of Burn for inference, with a batch norm folded into its weights and a ReLU if wanted. Where
/// this crate has the convolution, see [`conv2d`](super::conv2d()), its weights are transformed by the first
/// pass of an input of some size, and serve all others; everywhere else Burn's own operation is taken.
///
/// The weights are those that the module has at the time. Gradients flow through it to its input, on an
/// autodiff device, but not to its weights.
///
/// ```
/// use burn::nn::BatchNormConfig;
/// use burn::nn::conv::Conv2dConfig;
/// use burn::tensor::{Device, Tensor};
/// use winograd::burn::PreparedConv2d;
///
/// # fn main() -> Result<(), winograd::Error> {
/// let device = Device::flex();
/// let conv = Conv2dConfig::new([8, 16], [3, 3]).init(&device);
/// let norm = BatchNormConfig::new(16).init(&device);
/// let prepared = PreparedConv2d::new(&conv).with_batch_norm(&norm)?.with_relu();
/// let output = prepared.forward(Tensor::ones([2, 8, 14, 14], &device));
/// assert_eq!(output.dims(), [2, 16, 12, 12]);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct PreparedConv2d {
    conv: Conv2d,
    /// `None` where this crate has not the convolution.
    padding: Option<usize>,
    relu: bool,
    pool: bool,
    packed: ConvsBySize,
    #[cfg(feature = "gpu")]
    on_gpu: OnceLock<Option<PreparedConvolution>>,
}

impl PreparedConv2d {
    /// The convolution as it is.
    pub fn new(conv: &Conv2d) -> Self {
        Self {
            padding: module_padding(conv),
            conv: conv.clone().no_grad(),
            relu: false,
            pool: false,
            packed: Default::default(),
            #[cfg(feature = "gpu")]
            on_gpu: Default::default(),
        }
    }

    /// With a batch norm behind it, by its running statistics.
    ///
    /// # Errors
    /// If the norm has not the channels of the convolution.
    pub fn with_batch_norm(self, norm: &BatchNorm) -> Result<Self, Error> {
        let shape = self.conv.weight.dims();
        let [channels, ..] = shape;
        let mut weight = numbers(self.conv.weight.val());
        let mut bias = match &self.conv.bias {
            Some(bias) => numbers(bias.val()),
            None => vec![0.0; channels],
        };
        check_size("channels of the norm", channels, norm.gamma.dims()[0])?;
        let norm = crate::BatchNorm {
            gamma: &numbers(norm.gamma.val()),
            beta: &numbers(norm.beta.val()),
            mean: &numbers(norm.running_mean.value()),
            variance: &numbers(norm.running_var.value()),
            epsilon: norm.epsilon,
        };
        fold_batch_norm(&mut weight, &mut bias, &norm)?;
        let before = self.conv.weight.val();
        let options = (&before.device(), before.dtype());
        let weight = Tensor::from_data(TensorData::new(weight, shape), options);
        let bias = Tensor::from_data(TensorData::new(bias, [channels]), options);
        let conv = Conv2d {
            weight: Param::from_tensor(weight),
            bias: Some(Param::from_tensor(bias)),
            ..self.conv
        };
        Ok(Self {
            relu: self.relu,
            pool: self.pool,
            ..Self::new(&conv)
        })
    }

    /// With negative outputs made zero, behind the norm.
    pub fn with_relu(self) -> Self {
        Self {
            relu: true,
            packed: Default::default(),
            ..self
        }
    }

    /// With a 2x2 max pooling with stride 2, behind everything else.
    pub fn with_pool(self) -> Self {
        Self {
            pool: true,
            packed: Default::default(),
            ..self
        }
    }

    /// Applies the convolution and what follows it.
    ///
    /// # Shapes
    /// - `input`: `[batch, in_channels, height, width]`
    /// - output: `[batch, out_channels, out_height, out_width]`, half as high and wide, rounded down, with pooling
    ///
    /// # Panics
    /// As the module's `forward`, where shapes or devices do not fit together.
    pub fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        let output =
            with_backend!(&input, B => self.forward_on::<B>(&input), else self.elsewhere(&input));
        output.unwrap_or_else(|| {
            let mut output = self.conv.forward_winograd(input);
            if self.relu {
                output = activation::relu(output);
            }
            if self.pool {
                let options = MaxPoolOptions::new([2, 2]).with_stride([2, 2]);
                output = module::max_pool2d(output, options);
            }
            output
        })
    }

    /// On a GPU.
    #[cfg(feature = "gpu")]
    fn elsewhere(&self, input: &Tensor<4>) -> Option<Tensor<4>> {
        let padding = self.padding?;
        let (weight, bias) = (self.conv.weight.val(), self.conv.bias.as_ref());
        let bias = bias.map(|bias| bias.val());
        let layer = [Convolution {
            weight: &weight,
            bias: bias.as_ref(),
            padding,
            norm: None,
            relu: self.relu,
        }];
        Sizes::of(input, &layer, self.pool)?;
        let prepared = self
            .on_gpu
            .get_or_init(|| PreparedConvolution::new(&layer[0]));
        prepared.as_ref()?.forward(input, &layer[0], self.pool)
    }

    #[cfg(not(feature = "gpu"))]
    fn elsewhere(&self, _: &Tensor<4>) -> Option<Tensor<4>> {
        None
    }

    /// `None` where this crate has not the convolution.
    fn forward_on<B: CpuBackend>(&self, input: &Tensor<4>) -> Option<Tensor<4>> {
        let padding = self.padding?;
        let shape = input.dims();
        let [batch, in_channels, height, width] = shape;
        let [out_channels, inputs, rows, columns] = self.conv.weight.dims();
        if [inputs, rows, columns] != [in_channels, 3, 3] {
            return None;
        }
        let out = |size: usize| size.checked_add(2 * padding)?.checked_sub(2);
        if self.pool && out(height.min(width))? < 2 {
            return None;
        }
        let size = LayerSize {
            batch,
            in_channels,
            out_channels,
            out_height: out(height)?,
            out_width: out(width)?,
            pool: self.pool,
        };
        let input = TensorSource::<B>::contiguous(&mut Untracked, input)?;
        let conv = self.packed::<B>(&size, padding)?;
        let result = with_workspace(|workspace| -> Result<Primitive<B>, Error> {
            let part = if self.pool { 2 } else { 1 };
            let side = [size.out_height / part, size.out_width / part];
            let lines = map_lines(batch, out_channels, side)?;
            let mut output = workspace.spare.activation(lines);
            let input = values::<B>(&input)?;
            conv.forward_nchw(input, shape, &mut output, workspace)?;
            let tensor = map_tensor::<B>(&output);
            workspace.spare.give_activation(output);
            Ok(tensor)
        });
        Some(B::from_untracked(result.ok()?))
    }

    /// The weights for the fastest algorithm.
    fn packed<B: CpuBackend>(&self, size: &LayerSize, padding: usize) -> Option<&Conv3x3> {
        let options = ConvOptions::for_size(size)
            .with_padding(padding)
            .with_relu(self.relu);
        let packed = self.packed.get_or_pack(options, |options| {
            let absent = Error::Zero("tensors on this backend");
            let weight = untracked::<B, 4>(self.conv.weight.val()).ok_or(absent.clone())?;
            let bias = match &self.conv.bias {
                Some(bias) => Some(untracked::<B, 1>(bias.val()).ok_or(absent)?),
                None => None,
            };
            let bias = bias.as_ref().map(values::<B>).transpose()?;
            let (inputs, outputs) = (size.in_channels, size.out_channels);
            Conv3x3::new(values::<B>(&weight)?, bias, inputs, outputs, options)
        });
        packed.ok()
    }
}

/// The values, wherever the tensor lies.
fn numbers<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().iter::<f32>().collect()
}
