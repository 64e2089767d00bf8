//! Convolutions and poolings.

use burn::tensor::ops::{ConvOptions, ConvTransposeOptions, PadMode};
use burn_backend::ops::{FloatTensorOps, ModuleOps};
use burn_capture::CaptureBackend as B;

use super::call::Call;
use super::value::{Tensor, fits, sides};

/// Where a window goes in `N` dimensions.
struct Window<const N: usize> {
    kernel: [usize; N],
    stride: [usize; N],
    dilation: [usize; N],
    /// The same on both sides.
    padding: [usize; N],
    ceil: bool,
}

impl<const N: usize> Window<N> {
    /// The window, and the input padded where the sides differ.
    fn of(
        call: &Call<'_>,
        x: Tensor,
        kernel: &[usize],
        fill: f32,
    ) -> Result<(Self, Tensor), String> {
        let [kernel, stride, dilation] = [
            array(kernel)?,
            array(&call.sizes("strides", N)?)?,
            array(&call.sizes("dilations", N)?)?,
        ];
        let shape: [usize; N] = array(sides(&x).get(2..).unwrap_or_default())?;
        let pads = pads(call, shape, kernel, stride, dilation)?;
        let ceil = call.integer("ceil_mode", 0) != 0;
        let mut window = Self {
            kernel,
            stride,
            dilation,
            padding: pads.map(|(before, _)| before),
            ceil,
        };
        if pads.iter().all(|(before, after)| before == after) {
            return Ok((window, x));
        }
        window.padding = [0; N];
        let all: Vec<_> = [(0, 0); 2].into_iter().chain(pads).collect();
        Ok((window, B::float_pad(x, &all, PadMode::Constant(fill))))
    }
}

fn array<const N: usize>(values: &[usize]) -> Result<[usize; N], String> {
    let wrong = |_| format!("{} values for {N} dimensions", values.len());
    values.try_into().map_err(wrong)
}

/// The padding before and after each dimension.
fn pads<const N: usize>(
    call: &Call<'_>,
    shape: [usize; N],
    kernel: [usize; N],
    stride: [usize; N],
    dilation: [usize; N],
) -> Result<[(usize, usize); N], String> {
    let upper = match call.text("auto_pad") {
        "SAME_UPPER" => true,
        "SAME_LOWER" => false,
        "VALID" => return Ok([(0, 0); N]),
        _ if call.integers("pads").is_none() => return Ok([(0, 0); N]),
        _ => {
            let pads = call.sizes("pads", 2 * N)?;
            return Ok(std::array::from_fn(|at| (pads[at], pads[at + N])));
        }
    };
    Ok(std::array::from_fn(|at| {
        let steps = shape[at].div_ceil(stride[at].max(1)).saturating_sub(1);
        let reach = steps * stride[at] + dilation[at] * kernel[at].saturating_sub(1) + 1;
        let missing = reach.saturating_sub(shape[at]);
        let (less, more) = (missing / 2, missing.div_ceil(2));
        if upper { (less, more) } else { (more, less) }
    }))
}

pub(super) fn convolution(call: &Call<'_>) -> Result<Tensor, String> {
    let (x, weight) = (call.tensor(0)?, call.tensor(1)?);
    let shape = sides(&weight);
    let kernel = shape.get(2..).unwrap_or_default();
    let groups = usize::try_from(call.integer("group", 1)).unwrap_or(1);
    let bias = call.maybe_tensor(2);
    fits("dimensions", sides(&x).len(), shape.len())?;
    fits("channels", sides(&x)[1], shape[1] * groups)?;
    macro_rules! convolve {
        ($n:literal, $conv:ident) => {{
            let (w, x) = Window::<$n>::of(call, x, kernel, 0.0)?;
            let options = ConvOptions::new(w.stride, w.padding, w.dilation, groups);
            Ok(B::$conv(x, weight, bias, options))
        }};
    }
    match kernel.len() {
        1 => convolve!(1, conv1d),
        2 => convolve!(2, conv2d),
        3 => convolve!(3, conv3d),
        n => Err(format!("a convolution in {n} dimensions")),
    }
}

pub(super) fn transposed(call: &Call<'_>) -> Result<Tensor, String> {
    let (x, weight) = (call.tensor(0)?, call.tensor(1)?);
    let shape = sides(&weight);
    let kernel = shape.get(2..).unwrap_or_default();
    let groups = usize::try_from(call.integer("group", 1)).unwrap_or(1);
    let bias = call.maybe_tensor(2);
    fits("dimensions", sides(&x).len(), shape.len())?;
    fits("channels", sides(&x)[1], shape[0])?;
    if call.integers("output_shape").is_some() || call.text("auto_pad").starts_with("SAME") {
        return Err("a transposed convolution whose padding follows from its output".into());
    }
    macro_rules! convolve {
        ($n:literal, $conv:ident) => {{
            let out = match call.integers("output_padding") {
                Some(_) => array(&call.sizes("output_padding", $n)?)?,
                None => [0; $n],
            };
            let (w, x) = Window::<$n>::of(call, x, kernel, 0.0)?;
            if call.integers("pads").is_some_and(|p| p[..$n] != p[$n..]) {
                return Err("a transposed convolution with unequal padding".into());
            }
            let options = ConvTransposeOptions::new(w.stride, w.padding, out, w.dilation, groups);
            Ok(B::$conv(x, weight, bias, options))
        }};
    }
    match kernel.len() {
        1 => convolve!(1, conv_transpose1d),
        2 => convolve!(2, conv_transpose2d),
        3 => convolve!(3, conv_transpose3d),
        n => Err(format!("a transposed convolution in {n} dimensions")),
    }
}

pub(super) fn largest(call: &Call<'_>) -> Result<Tensor, String> {
    if call
        .node
        .outputs
        .iter()
        .skip(1)
        .any(|name| !name.is_empty())
    {
        return Err("a pooling that puts out indices".into());
    }
    let x = call.tensor(0)?;
    let rank = sides(&x).len().saturating_sub(2);
    let kernel = call.sizes("kernel_shape", rank)?;
    let fill = f32::NEG_INFINITY;
    match rank {
        1 => {
            let (w, x) = Window::<1>::of(call, x, &kernel, fill)?;
            let ([k], [s], [p], [d]) = (w.kernel, w.stride, w.padding, w.dilation);
            Ok(B::max_pool1d(x, k, s, p, d, w.ceil))
        }
        2 => {
            let (w, x) = Window::<2>::of(call, x, &kernel, fill)?;
            Ok(B::max_pool2d(
                x, w.kernel, w.stride, w.padding, w.dilation, w.ceil,
            ))
        }
        n => Err(format!("a pooling in {n} dimensions")),
    }
}

pub(super) fn average(call: &Call<'_>) -> Result<Tensor, String> {
    let x = call.tensor(0)?;
    let rank = sides(&x).len().saturating_sub(2);
    let kernel = call.sizes("kernel_shape", rank)?;
    let all = call.integer("count_include_pad", 0) != 0;
    match rank {
        1 => {
            let (w, x) = Window::<1>::of(call, x, &kernel, 0.0)?;
            let ([k], [s], [p]) = (w.kernel, w.stride, w.padding);
            Ok(B::avg_pool1d(x, k, s, p, all, w.ceil))
        }
        2 => {
            let (w, x) = Window::<2>::of(call, x, &kernel, 0.0)?;
            Ok(B::avg_pool2d(x, w.kernel, w.stride, w.padding, all, w.ceil))
        }
        n => Err(format!("a pooling in {n} dimensions")),
    }
}

pub(super) fn average_of_all(call: &Call<'_>) -> Result<Tensor, String> {
    let x = call.tensor(0)?;
    match sides(&x).len() {
        3 => Ok(B::adaptive_avg_pool1d(x, 1)),
        4 => Ok(B::adaptive_avg_pool2d(x, [1, 1])),
        5 => Ok(B::adaptive_avg_pool3d(x, [1, 1, 1])),
        n => Err(format!("a pooling of {n} dimensions")),
    }
}

pub(super) fn largest_of_all(call: &Call<'_>) -> Result<Tensor, String> {
    let x = call.tensor(0)?;
    let rank = sides(&x).len();
    Ok((2..rank).fold(x, B::float_max_dim))
}
