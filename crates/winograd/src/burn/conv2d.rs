//! Burn's own convolution, computed here where this crate has it.

use burn::nn::PaddingConfig2d;
use burn::nn::conv::Conv2d;
use burn::tensor::ops::ConvOptions;
use burn::tensor::{Tensor, module};

use super::chain::{Convolution, run};

/// Burn's `conv2d`, by Winograd's algorithm where this crate has the convolution, and by Burn's own operation
/// everywhere else. It is the same up to rounding, with automatic differentiation too.
///
/// This crate has convolutions 3x3 with stride 1, dilation 1, one group and padding 0, 1 or 2 alike on all
/// sides, with a bias or without, of 32-bit floating-point numbers on a CPU backend or a GPU, if gradients are not
/// checkpointed.
///
/// Where an input is NaN or infinite, outputs near it may become NaN that are not with Burn's own operation.
///
/// # Shapes
/// - `input`: `[batch, in_channels, height, width]`
/// - `weight`: `[out_channels, in_channels / groups, kernel_height, kernel_width]`
/// - `bias`: `[out_channels]`
/// - output: `[batch, out_channels, out_height, out_width]`
///
/// # Panics
/// As Burn's own operation, where shapes or devices do not fit together.
///
/// ```
/// use burn::tensor::ops::ConvOptions;
/// use burn::tensor::{Device, Tensor};
/// use winograd::burn::conv2d;
///
/// let device = Device::flex();
/// let images = Tensor::ones([2, 8, 14, 14], &device);
/// let weight = Tensor::ones([16, 8, 3, 3], &device);
/// let options = ConvOptions::new([1, 1], [1, 1], [1, 1], 1);
/// let output = conv2d(images, weight, None, options);
/// assert_eq!(output.dims(), [2, 16, 14, 14]);
/// ```
pub fn conv2d(
    input: Tensor<4>,
    weight: Tensor<4>,
    bias: Option<Tensor<1>>,
    options: impl Into<ConvOptions<2>>,
) -> Tensor<4> {
    let options = options.into();
    let output = common_padding(&options)
        .and_then(|padding| convolve(&input, &weight, bias.as_ref(), padding));
    match output {
        Some(output) => output,
        None => module::conv2d(input, weight, bias, options),
    }
}

/// For Burn's module `Conv2d`: the same as its `forward`, by way of [`conv2d`].
pub trait Conv2dExt {
    /// Applies the convolution, by Winograd's algorithm where this crate has it.
    ///
    /// # Shapes
    /// - `input`: `[batch, in_channels, height, width]`
    /// - output: `[batch, out_channels, out_height, out_width]`
    ///
    /// # Panics
    /// As `forward`, where shapes or devices do not fit together.
    ///
    /// ```
    /// use burn::nn::PaddingConfig2d;
    /// use burn::nn::conv::Conv2dConfig;
    /// use burn::tensor::{Device, Tensor};
    /// use winograd::burn::Conv2dExt;
    ///
    /// let device = Device::flex();
    /// let conv = Conv2dConfig::new([8, 16], [3, 3])
    ///     .with_padding(PaddingConfig2d::Same)
    ///     .init(&device);
    /// let images = Tensor::ones([2, 8, 14, 14], &device);
    /// // Where `conv.forward(images)` was:
    /// let output = conv.forward_winograd(images);
    /// assert_eq!(output.dims(), [2, 16, 14, 14]);
    /// ```
    fn forward_winograd(&self, input: Tensor<4>) -> Tensor<4>;
}

impl Conv2dExt for Conv2d {
    fn forward_winograd(&self, input: Tensor<4>) -> Tensor<4> {
        let output = module_padding(self).and_then(|padding| {
            let bias = self.bias.as_ref().map(|bias| bias.val());
            convolve(&input, &self.weight.val(), bias.as_ref(), padding)
        });
        output.unwrap_or_else(|| self.forward(input))
    }
}

/// `None` where this crate has not the convolution.
fn convolve(
    input: &Tensor<4>,
    weight: &Tensor<4>,
    bias: Option<&Tensor<1>>,
    padding: usize,
) -> Option<Tensor<4>> {
    let convolution = Convolution {
        weight,
        bias,
        padding,
        norm: None,
        relu: false,
    };
    Some(run(input, &[convolution], false)?.output)
}

/// The padding of a module, if this crate has such convolutions.
pub(super) fn module_padding(conv: &Conv2d) -> Option<usize> {
    let padding = match conv.padding {
        PaddingConfig2d::Valid => [(0, 0); 2],
        PaddingConfig2d::Explicit(top, left, bottom, right) => [(top, bottom), (left, right)],
        // As much as keeps the size, with the kernel 3x3 and the stride 1 that are asked for below.
        PaddingConfig2d::Same => [(1, 1); 2],
    };
    let options = ConvOptions {
        stride: conv.stride,
        padding,
        dilation: conv.dilation,
        groups: conv.groups,
    };
    common_padding(&options).filter(|_| conv.kernel_size == [3, 3])
}

/// The padding of all sides, if this crate has such convolutions.
fn common_padding(options: &ConvOptions<2>) -> Option<usize> {
    let [(padding, bottom), (left, right)] = options.padding;
    let plain = [options.stride, options.dilation] == [[1, 1]; 2] && options.groups == 1;
    let common = [bottom, left, right] == [padding; 3] && padding <= 2;
    (plain && common).then_some(padding)
}
