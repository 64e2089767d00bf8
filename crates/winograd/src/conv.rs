//! A prepared 3x3 convolution.

use crate::activation::Activation;
use crate::algorithm::{Algorithm, LayerSize};
use crate::direct::{self, Planes};
use crate::error::{Error, check_length, check_nonzero, check_size, product};
use crate::grid::Grid;
use crate::im2col;
use crate::line::{LANES, Line, lines_for};
use crate::parallel::Workspace;
use crate::simd::Kernel;
use crate::tail::Tail;
use crate::weights::{Packing, Weights, pack_taps, pack_tiles};
use crate::winograd::Pass;

/// What a [`Conv3x3`] does beside the convolution, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConvOptions {
    /// Rows and columns of zeros on each side of the input: 0, 1 or 2.
    pub padding: usize,
    /// Whether negative outputs become zero.
    pub relu: bool,
    /// Whether a 2x2 max pooling with stride 2 follows; an odd last row or column is dropped.
    pub pool: bool,
    /// The algorithm.
    pub algorithm: Algorithm,
    /// The instruction set.
    pub kernel: Kernel,
}

impl ConvOptions {
    /// Padding 1, no ReLU, pooling as in `size`, the fastest kernel, and the fastest algorithm for `size`. A
    /// layer takes inputs of any size; this one only decides on the algorithm.
    pub fn for_size(size: &LayerSize) -> Self {
        Self {
            padding: 1,
            relu: false,
            pool: size.pool,
            algorithm: Algorithm::choose(size),
            kernel: Kernel::detect(),
        }
    }

    /// Sets the padding.
    pub fn with_padding(self, padding: usize) -> Self {
        Self { padding, ..self }
    }

    /// Sets whether a ReLU follows.
    pub fn with_relu(self, relu: bool) -> Self {
        Self { relu, ..self }
    }

    /// Sets whether a 2x2 max pooling follows.
    pub fn with_pool(self, pool: bool) -> Self {
        Self { pool, ..self }
    }

    /// Sets the algorithm.
    pub fn with_algorithm(self, algorithm: Algorithm) -> Self {
        Self { algorithm, ..self }
    }

    /// Sets the instruction set.
    pub fn with_kernel(self, kernel: Kernel) -> Self {
        Self { kernel, ..self }
    }
}

/// A 3x3 convolution with stride 1 whose weights have been transformed and packed.
///
/// It runs on the threads of the rayon pool that it is called in; the result is the same, bit by bit, for
/// any number of threads.
///
/// NaN and infinity: an output whose window holds one is not finite, as in direct convolution, but with the
/// Winograd algorithms other outputs of the same tile may become NaN too, and infinity may become NaN.
pub struct Conv3x3 {
    in_channels: usize,
    out_channels: usize,
    options: ConvOptions,
    turned: bool,
    packing: Packing,
    packed: Vec<Line>,
    bias: Vec<Line>,
}

impl std::fmt::Debug for Conv3x3 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Conv3x3")
            .field("in_channels", &self.in_channels)
            .field("out_channels", &self.out_channels)
            .field("options", &self.options)
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
        Self::pack(weights, bias, options, Vec::new())
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
        Self::pack(weights, None, options, Vec::new())
    }

    /// The layer in `memory`, which grows if it has to: that of an earlier layer.
    pub(crate) fn pack(
        weights: Weights,
        bias: Option<&[f32]>,
        options: ConvOptions,
        memory: Vec<Line>,
    ) -> Result<Self, Error> {
        let (out_channels, in_channels) = (weights.out_channels, weights.in_channels);
        check_padding(options.padding)?;
        options.kernel.checked()?;
        check_nonzero("input channels", in_channels)?;
        check_nonzero("output channels", out_channels)?;
        product(
            "packed weights",
            &[out_channels + LANES, in_channels + LANES, 64],
        )?;
        let mut layer = Self {
            in_channels,
            out_channels,
            options,
            turned: weights.turned,
            packing: Packing::default(),
            packed: memory,
            bias: vec![Line::ZERO; lines_for(out_channels)],
        };
        layer.set_weights(weights.data, bias)?;
        Ok(layer)
    }

    /// Replaces the weights, and the bias if there is one, in the memory of the old ones: for training.
    ///
    /// # Shapes
    /// As for the function that made the layer.
    ///
    /// # Errors
    /// If a slice has another size.
    pub fn set_weights(&mut self, weights: &[f32], bias: Option<&[f32]>) -> Result<(), Error> {
        let expected = product("weights", &[self.out_channels, self.in_channels, 9])?;
        check_length("weights", expected, weights.len())?;
        if let Some(bias) = bias {
            check_length("bias", self.out_channels, bias.len())?;
            for (line, bias) in self.bias.iter_mut().zip(bias.chunks(LANES)) {
                line.0[..bias.len()].copy_from_slice(bias);
            }
        }
        let weights = Weights {
            data: weights,
            out_channels: self.out_channels,
            in_channels: self.in_channels,
            turned: self.turned,
        };
        let (kernel, packed) = (self.options.kernel, &mut self.packed);
        self.packing = match self.options.algorithm {
            Algorithm::F2x2 => pack_tiles::<4, 2>(kernel, weights, packed),
            Algorithm::F4x4 => pack_tiles::<6, 4>(kernel, weights, packed),
            Algorithm::F6x6 => pack_tiles::<8, 6>(kernel, weights, packed),
            Algorithm::Im2col => pack_taps(kernel, weights, true, packed),
            Algorithm::Direct => pack_taps(kernel, weights, false, packed),
        };
        Ok(())
    }

    /// The memory of the packed weights, for another layer.
    #[cfg(feature = "burn")]
    pub(crate) fn into_memory(self) -> Vec<Line> {
        self.packed
    }

    /// Channels of the input.
    pub fn in_channels(&self) -> usize {
        self.in_channels
    }

    /// Channels of the output.
    pub fn out_channels(&self) -> usize {
        self.out_channels
    }

    /// The options it was made with.
    pub fn options(&self) -> &ConvOptions {
        &self.options
    }

    /// Bytes of the packed weights.
    pub fn bytes(&self) -> usize {
        (self.packed.len() + self.bias.len()) * size_of::<Line>()
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
        check_size("channels of the input", self.in_channels, input.channels())?;
        let grid = self.prepare(input.batch(), input.height(), input.width(), output)?;
        let pass = self.pass(grid, input.lines());
        let parts = workspace.parts();
        let lines = output.lines_mut();
        match self.options.algorithm {
            Algorithm::F2x2 => pass.run::<4, 2>(lines, parts),
            Algorithm::F4x4 => pass.run::<6, 4>(lines, parts),
            Algorithm::F6x6 => pass.run::<8, 6>(lines, parts),
            Algorithm::Im2col => im2col::run(&pass, lines, parts),
            Algorithm::Direct => {
                let planes = Planes::Lines(input.lines());
                direct::run(&pass, planes, self.in_channels, lines, parts);
            }
        }
        Ok(())
    }

    /// Computes the layer on a tensor in the usual layout, as the first layer of a network. With
    /// [`Algorithm::Direct`] the input is read in place.
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
        let expected = product("input", &[batch, self.in_channels, height, width])?;
        check_length("input", expected, input.len())?;
        if self.options.algorithm != Algorithm::Direct {
            let mut converted = std::mem::take(&mut workspace.activation);
            let result = converted
                .copy_from_nchw(input, batch, self.in_channels, height, width)
                .and_then(|()| self.forward(&converted, output, workspace));
            workspace.activation = converted;
            return result;
        }
        let grid = self.prepare(batch, height, width, output)?;
        let pass = self.pass(grid, &[]);
        let (planes, parts) = (Planes::Nchw(input), workspace.parts());
        direct::run(&pass, planes, self.in_channels, output.lines_mut(), parts);
        Ok(())
    }

    /// Checks the size of the input, gives the output its shape and returns the grid of tiles.
    fn prepare(
        &self,
        batch: usize,
        height: usize,
        width: usize,
        output: &mut Activation,
    ) -> Result<Grid, Error> {
        check_nonzero("batch", batch)?;
        let (padding, pool) = (self.options.padding, self.options.pool);
        let smallest = if pool { 4 } else { 3 };
        if height == 0 || width == 0 || height.min(width) + 2 * padding < smallest {
            return Err(Error::TooSmall {
                height,
                width,
                padding,
                pool,
            });
        }
        let tile = self.options.algorithm.tile().unwrap_or(1);
        let grid = Grid::new(batch, height, width, padding, tile, pool);
        let (height, width) = self.tail().size(grid.out_height, grid.out_width);
        output.reshape(batch, self.out_channels, height, width)?;
        Ok(grid)
    }

    fn tail(&self) -> Tail<'_> {
        Tail {
            bias: &self.bias,
            relu: self.options.relu,
            pool: self.options.pool,
        }
    }

    fn pass<'a>(&'a self, grid: Grid, input: &'a [Line]) -> Pass<'a> {
        Pass {
            kernel: self.options.kernel,
            grid,
            in_lines: lines_for(self.in_channels),
            packing: &self.packing,
            weights: &self.packed,
            tail: self.tail(),
            input,
        }
    }
}

fn check_padding(padding: usize) -> Result<(), Error> {
    if padding > 2 {
        return Err(Error::Padding {
            max: 2,
            found: padding,
        });
    }
    Ok(())
}
