//! A prepared 3x3 convolution.

use crate::convolution::layer::{Input, Layer, check_padding};
use crate::convolution::options::ConvOptions;
use crate::convolution::weights::{Source, Weights};
use crate::error::Error;
use crate::maps::activation::Activation;
use crate::maps::line::Line;
use crate::threads::Workspace;

/// A 3x3 convolution with stride 1 whose weights have been transformed and packed.
///
/// It runs on the threads of the rayon pool that it is called in; the result is the same, bit by bit, for
/// any number of threads.
///
/// NaN and infinity: an output whose window holds one is not finite, as in direct convolution, but with the
/// Winograd algorithms other outputs of the same tile may become NaN too, and infinity may become NaN.
pub struct Conv3x3 {
    layer: Layer,
    turned: bool,
    packed: Vec<Line>,
}

impl std::fmt::Debug for Conv3x3 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Conv3x3")
            .field("in_channels", &self.in_channels())
            .field("out_channels", &self.out_channels())
            .field("options", self.options())
            .finish_non_exhaustive()
    }
}

impl Conv3x3 {
    /// Transforms and packs the weights.
    ///
    /// # Shapes
    /// - `weights`: `[out_channels, in_channels, 3, 3]`
    /// - `bias`: `[out_channels]`
    ///
    /// # Errors
    /// If a slice has another size, a size is zero, the padding is above 2, the kernel does not run here.
    pub fn new(
        weights: &[f32],
        bias: Option<&[f32]>,
        in_channels: usize,
        out_channels: usize,
        options: ConvOptions,
    ) -> Result<Self, Error> {
        let weights = Weights {
            data: weights,
            out_channels,
            in_channels,
            turned: false,
        };
        Self::pack(weights, bias, options)
    }

    /// The convolution that carries a gradient from the output back to the input of the convolution with
    /// these weights and `options.padding`: taps turned, channels exchanged, padding `2 - padding`.
    ///
    /// # Shapes
    /// - `weights`: `[out_channels, in_channels, 3, 3]`, as for [`Conv3x3::new`]
    /// - its input: gradients `[batch, out_channels, out_height, out_width]`
    /// - its output: gradients `[batch, in_channels, height, width]`
    ///
    /// # Errors
    /// As [`Conv3x3::new`].
    pub fn input_gradient(
        weights: &[f32],
        in_channels: usize,
        out_channels: usize,
        options: ConvOptions,
    ) -> Result<Self, Error> {
        check_padding(options.padding)?;
        let weights = Weights {
            data: weights,
            out_channels: in_channels,
            in_channels: out_channels,
            turned: true,
        };
        let options = options.with_padding(2 - options.padding);
        Self::pack(weights, None, options)
    }

    fn pack(weights: Weights, bias: Option<&[f32]>, options: ConvOptions) -> Result<Self, Error> {
        let layer = Layer::new(&weights, bias, options)?;
        let mut packed = Vec::new();
        layer.packing.pack(options.kernel, weights, &mut packed);
        Ok(Self {
            layer,
            turned: weights.turned,
            packed,
        })
    }

    /// Replaces the weights, and the bias if there is one, in the memory of the old ones: for training.
    ///
    /// # Shapes
    /// As for the function that made the layer.
    ///
    /// # Errors
    /// If a slice has another size.
    pub fn set_weights(&mut self, weights: &[f32], bias: Option<&[f32]>) -> Result<(), Error> {
        self.layer.check(weights)?;
        if let Some(bias) = bias {
            self.layer.set_bias(bias)?;
        }
        let weights = Weights {
            data: weights,
            out_channels: self.layer.out_channels,
            in_channels: self.layer.in_channels,
            turned: self.turned,
        };
        let kernel = self.layer.options.kernel;
        self.layer.packing.pack(kernel, weights, &mut self.packed);
        Ok(())
    }

    /// Channels of the input.
    pub fn in_channels(&self) -> usize {
        self.layer.in_channels
    }

    /// Channels of the output.
    pub fn out_channels(&self) -> usize {
        self.layer.out_channels
    }

    /// The options it was made with.
    pub fn options(&self) -> &ConvOptions {
        &self.layer.options
    }

    /// Bytes of the packed weights.
    pub fn bytes(&self) -> usize {
        (self.packed.len() + self.layer.bias.len()) * size_of::<Line>()
    }

    /// Computes the layer.
    ///
    /// # Shapes
    /// - `input`: `[batch, in_channels, height, width]`
    /// - `output`: `[batch, out_channels, height + 2·padding - 2, width + 2·padding - 2]`, half as high and
    ///   wide with pooling; it is given that shape
    ///
    /// # Errors
    /// If the input has other channels or is too small.
    pub fn forward(
        &self,
        input: &Activation,
        output: &mut Activation,
        workspace: &mut Workspace,
    ) -> Result<(), Error> {
        let weights = Source::Packed(&self.packed);
        let input = Input::Map(input);
        self.layer.run(weights, input, output, workspace)
    }

    /// Computes the layer on a tensor in the usual layout, as the first layer of a network. With
    /// [`Algorithm::Direct`](crate::Algorithm::Direct) the input is read in place.
    ///
    /// # Shapes
    /// - `input`: `[batch, in_channels, height, width]`
    /// - `output`: as for [`Conv3x3::forward`]
    ///
    /// # Errors
    /// If the input has another size or is too small.
    pub fn forward_nchw(
        &self,
        input: &[f32],
        batch: usize,
        height: usize,
        width: usize,
        output: &mut Activation,
        workspace: &mut Workspace,
    ) -> Result<(), Error> {
        let weights = Source::Packed(&self.packed);
        let input = Input::Nchw(input, [batch, height, width]);
        self.layer.run(weights, input, output, workspace)
    }
}

/// Computes a convolution whose weights serve this once, as those of a network that is trained. Where they
/// outnumber the numbers that they are multiplied with, they are packed panel by panel on their way into the
/// product, so that they go through the caches only; else all are packed first, in the workspace's memory.
///
/// # Shapes
/// - `weights`: `[out_channels, in_channels, 3, 3]` with the channels of the input
/// - `bias`: `[out_channels]`
/// - `input`, `output`: as for [`Conv3x3::forward`]
///
/// # Errors
/// As for [`Conv3x3::new`] and [`Conv3x3::forward`].
pub fn convolve_once(
    weights: &[f32],
    bias: Option<&[f32]>,
    out_channels: usize,
    options: ConvOptions,
    input: &Activation,
    output: &mut Activation,
    workspace: &mut Workspace,
) -> Result<(), Error> {
    let weights = Weights {
        data: weights,
        out_channels,
        in_channels: input.channels(),
        turned: false,
    };
    let layer = Layer::new(&weights, bias, options)?;
    layer.run_once(weights, Input::Map(input), output, workspace)
}
