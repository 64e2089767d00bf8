//! A convolution apart from its weights: sizes, layout, bias, and how a pass is begun.

use crate::convolution::algorithm::Algorithm;
use crate::convolution::direct::{self, Planes};
use crate::convolution::im2col;
use crate::convolution::options::ConvOptions;
use crate::convolution::tail::Tail;
use crate::convolution::weights::{Packing, Source, Weights};
use crate::convolution::winograd::Pass;
use crate::error::{Error, check_kernel, check_length, check_nonzero, check_size, product};
use crate::maps::activation::{Activation, map_lines};
use crate::maps::line::{LANES, Line, lines_for};
use crate::threads::Workspace;
use crate::transform::grid::Grid;

/// A layer without its weights.
pub(crate) struct Layer {
    pub(crate) in_channels: usize,
    pub(crate) out_channels: usize,
    pub(crate) options: ConvOptions,
    pub(crate) packing: Packing,
    /// One line for each line of output channels.
    pub(crate) bias: Vec<Line>,
}

/// What a layer is computed on.
#[derive(Clone, Copy)]
pub(crate) enum Input<'a> {
    /// Maps as the layers keep them.
    Map(&'a Activation),
    /// A tensor of this shape, `[batch, channels, height, width]`.
    Nchw(&'a [f32], [usize; 4]),
}

impl Input<'_> {
    /// `[batch, channels, height, width]`
    fn shape(&self) -> [usize; 4] {
        match self {
            Input::Map(map) => [map.batch(), map.channels(), map.height(), map.width()],
            Input::Nchw(_, shape) => *shape,
        }
    }
}

impl Layer {
    /// A layer that takes `weights`.
    pub(crate) fn new(
        weights: &Weights,
        bias: Option<&[f32]>,
        options: ConvOptions,
    ) -> Result<Self, Error> {
        let (out_channels, in_channels) = (weights.out_channels, weights.in_channels);
        check_padding(options.padding)?;
        let kernel = check_kernel(options.kernel)?;
        check_nonzero("input channels", in_channels)?;
        check_nonzero("output channels", out_channels)?;
        // Before anything is allocated: sizes that come with so many weights are not made up.
        check_weights(out_channels, in_channels, weights.data)?;
        if let Some(bias) = bias {
            check_length("bias", out_channels, bias.len())?;
        }
        let packing = Packing::new(options.algorithm, kernel, in_channels, out_channels);
        let packed = [packing.out_lines, LANES, packing.points, packing.depth];
        product("packed weights", &packed)?;
        let mut layer = Self {
            in_channels,
            out_channels,
            options,
            packing,
            bias: vec![Line::ZERO; lines_for(out_channels)],
        };
        if let Some(bias) = bias {
            layer.set_bias(bias)?;
        }
        Ok(layer)
    }

    /// Whether there are as many weights as the layer has.
    pub(crate) fn check(&self, weights: &[f32]) -> Result<(), Error> {
        check_weights(self.out_channels, self.in_channels, weights)
    }

    pub(crate) fn set_bias(&mut self, bias: &[f32]) -> Result<(), Error> {
        check_length("bias", self.out_channels, bias.len())?;
        for (line, bias) in self.bias.iter_mut().zip(bias.chunks(LANES)) {
            line.0[..bias.len()].copy_from_slice(bias);
        }
        Ok(())
    }

    /// Computes the layer with weights that serve this once: packed panel by panel where the work is ordered
    /// so, else all at first.
    pub(crate) fn run_once(
        &self,
        weights: Weights,
        input: Input,
        output: &mut Activation,
        workspace: &mut Workspace,
    ) -> Result<(), Error> {
        let grid = self.grid(&input)?;
        let given = Source::Given(weights);
        let pass = self.pass(grid, given, &[]);
        let threads = rayon::current_num_threads();
        let once = match self.options.algorithm {
            Algorithm::Direct => false,
            Algorithm::Im2col => im2col::takes_panels_once(&pass, threads),
            _ => pass.takes_panels_once(threads),
        };
        if once {
            return self.run(given, input, output, workspace);
        }
        let mut packed = workspace.spare.take(self.packing.lines());
        let kernel = self.options.kernel;
        self.packing.pack(kernel, weights, &mut packed);
        let result = self.run(Source::Packed(&packed), input, output, workspace);
        workspace.spare.give(packed);
        result
    }

    /// Computes the layer. With [`Algorithm::Direct`] the weights have to be packed.
    pub(crate) fn run(
        &self,
        weights: Source,
        input: Input,
        output: &mut Activation,
        workspace: &mut Workspace,
    ) -> Result<(), Error> {
        let shape = input.shape();
        let [batch, channels, height, width] = shape;
        check_size("channels of the input", self.in_channels, channels)?;
        // Lines of the input, or that it takes as a map.
        let lines = match input {
            Input::Map(map) => map.lines().len(),
            Input::Nchw(data, _) => {
                check_length("input", product("input", &shape)?, data.len())?;
                map_lines(batch, channels, [height, width])?
            }
        };
        let grid = self.grid(&input)?;
        let (out_height, out_width) = self.tail().size(grid.out_height, grid.out_width);
        output.reshape([batch, self.out_channels, out_height, out_width])?;
        if let (Algorithm::Direct, Source::Packed(packed)) = (self.options.algorithm, weights) {
            let planes = match input {
                Input::Map(map) => Planes::Lines(map.lines()),
                Input::Nchw(data, _) => Planes::Nchw(data),
            };
            let (pass, parts) = (self.pass(grid, weights, &[]), workspace.parts());
            direct::run(
                &pass,
                packed,
                planes,
                self.in_channels,
                output.lines_mut(),
                parts,
            );
            return Ok(());
        }
        match input {
            Input::Map(map) => {
                self.multiply(&self.pass(grid, weights, map.lines()), output, workspace)
            }
            Input::Nchw(data, _) => {
                let mut map = workspace.spare.activation(lines);
                let copied = map.copy_from_nchw(data, shape);
                if copied.is_ok() {
                    self.multiply(&self.pass(grid, weights, map.lines()), output, workspace);
                }
                workspace.spare.give_activation(map);
                copied?;
            }
        }
        Ok(())
    }

    /// By one of the algorithms that multiply matrices.
    fn multiply(&self, pass: &Pass, output: &mut Activation, workspace: &mut Workspace) {
        let (lines, parts) = (output.lines_mut(), workspace.parts());
        match self.options.algorithm {
            Algorithm::F2x2 => pass.run::<4, 2>(lines, parts),
            Algorithm::F4x4 => pass.run::<6, 4>(lines, parts),
            Algorithm::F6x6 => pass.run::<8, 6>(lines, parts),
            Algorithm::Im2col | Algorithm::Direct => im2col::run(pass, lines, parts),
        }
    }

    /// Checks the size of the input and cuts it into tiles.
    fn grid(&self, input: &Input) -> Result<Grid, Error> {
        let [batch, _, height, width] = input.shape();
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
        Ok(Grid::new(batch, height, width, padding, tile, pool))
    }

    fn tail(&self) -> Tail<'_> {
        Tail {
            bias: &self.bias,
            relu: self.options.relu,
            pool: self.options.pool,
        }
    }

    fn pass<'a>(&'a self, grid: Grid, weights: Source<'a>, input: &'a [Line]) -> Pass<'a> {
        Pass {
            kernel: self.options.kernel,
            grid,
            in_lines: lines_for(self.in_channels),
            packing: &self.packing,
            weights,
            tail: self.tail(),
            input,
        }
    }
}

/// Whether there are as many weights as the sizes ask for.
fn check_weights(out_channels: usize, in_channels: usize, weights: &[f32]) -> Result<(), Error> {
    let expected = product("weights", &[out_channels, in_channels, 9])?;
    check_length("weights", expected, weights.len())
}

pub(crate) fn check_padding(padding: usize) -> Result<(), Error> {
    if padding > 2 {
        return Err(Error::Padding {
            max: 2,
            found: padding,
        });
    }
    Ok(())
}
