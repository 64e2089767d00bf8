//! Every module of burn-nn that takes one tensor, wherever a module can be held: its row has its
//! type, its call and all of its operations.

use std::fmt::Debug;

use burn::module::{Module, ModuleDisplay};
use burn::nn::activation::{
    CeluConfig, EluConfig, HardShrinkConfig, HardSwish, HardtanhConfig, LogSigmoid, Mish,
    RReluConfig, Relu6, ShrinkConfig, SiLU, SoftShrinkConfig, Tanhshrink, ThresholdConfig,
    ThresholdedReluConfig,
};
use burn::nn::attention::{MhaInput, MultiHeadAttentionConfig};
use burn::nn::conv::{Conv1dConfig, Conv2dConfig, ConvTranspose2dConfig};
use burn::nn::gru::GruConfig;
use burn::nn::interpolate::{Interpolate1dConfig, Interpolate2dConfig, InterpolateMode};
use burn::nn::pool::{
    AdaptiveAvgPool1dConfig, AdaptiveAvgPool2dConfig, AdaptiveAvgPool3dConfig, AvgPool1dConfig,
    AvgPool2dConfig, MaxPool1dConfig, MaxPool2dConfig,
};
use burn::nn::transformer::{
    PositionWiseFeedForwardConfig, TransformerEncoderConfig, TransformerEncoderInput,
};
use burn::nn::{
    BatchNormConfig, GLU, Gelu, GroupNormConfig, HardSigmoidConfig, InstanceNormConfig,
    LayerNormConfig, LeakyReluConfig, Linear, LinearConfig, LocalResponseNormConfig, LstmConfig,
    PReluConfig, PaddingConfig1d, PaddingConfig2d, PixelShuffleConfig, PixelUnshuffleConfig, Relu,
    RmsNormConfig, Selu, Sigmoid, SoftplusConfig, Softsign, SwiGluConfig, Tanh, Unfold4dConfig,
};
use burn::tensor::{Device, Tensor};
use cost::{Options, Outputs, Report, analyse};

/// A module in every place that can hold one, with a layer before each.
#[derive(Module, Debug)]
struct Holder<M: Module + ModuleDisplay> {
    layers: Vec<Linear>,
    plain: M,
    optional: Option<M>,
    one: Layer<M>,
    optional_one: Option<Layer<M>>,
    several: Vec<Layer<M>>,
    last: Linear,
}

/// A module as one of several.
#[derive(Module, Debug)]
enum Layer<M: Module + ModuleDisplay> {
    Module(M),
    Other(Linear),
}

fn device() -> Device {
    Device::flex()
}

fn linear(width: usize) -> Linear {
    LinearConfig::new(width, width).init(&device())
}

/// Operations and calls of everything at `path`, and its type.
fn at<'a>(report: &'a Report, path: &str) -> (u128, u128, &'a str) {
    let row = report.rows.iter().find(|row| row.path == path);
    let row = row.unwrap_or_else(|| panic!("no row `{path}`: {:?}", report.rows));
    let inside = |row: &&cost::report::Row| {
        let rest = row.path.strip_prefix(path);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    let rows = report.rows.iter().filter(inside);
    (rows.map(|row| row.operations).sum(), row.calls, &row.module)
}

/// `make` makes a module of its own each time.
fn check<M, O, const D: usize>(
    make: impl Fn() -> M,
    shape: [usize; D],
    forward: impl Fn(&M, Tensor<D>) -> O,
) where
    M: Module + ModuleDisplay + Debug,
    O: Outputs,
{
    let alone = analyse(&make(), |module, inputs| {
        forward(module, inputs.float(shape))
    });
    let alone = alone.expect("it runs").report(&Options::default());
    let operations = alone.rows.iter().map(|row| row.operations).sum::<u128>();
    let name = alone.rows[0].module.as_str();
    assert!(operations > 0, "{name}");

    let width = shape[D - 1];
    let layer = || Layer::Module(make());
    let holder = Holder {
        layers: (0..5).map(|_| linear(width)).collect(),
        plain: make(),
        optional: Some(make()),
        one: layer(),
        optional_one: Some(layer()),
        several: vec![Layer::Other(linear(2)), layer()],
        last: linear(width),
    };
    let call = |layer: &Layer<M>, x| match layer {
        Layer::Module(module) => Some(forward(module, x)),
        Layer::Other(_) => None,
    };
    let analysis = analyse(&holder, |holder, inputs| {
        let x: Tensor<D> = inputs.float(shape);
        let x = |index: usize| holder.layers[index].forward(x.clone());
        let outputs = vec![
            Some(forward(&holder.plain, x(0))),
            holder.optional.as_ref().map(|module| forward(module, x(1))),
            call(&holder.one, x(2)),
            holder
                .optional_one
                .as_ref()
                .and_then(|layer| call(layer, x(3))),
            call(&holder.several[1], x(4)),
        ];
        (outputs, holder.last.forward(inputs.float(shape)))
    });
    let report = analysis.expect("it runs").report(&Options::default());
    for path in [
        "plain",
        "optional",
        "one.Module",
        "optional_one.Module",
        "several.1.Module",
    ] {
        assert_eq!(
            at(&report, path),
            (operations, 1, name),
            "{name} at `{path}`"
        );
    }
    assert_eq!(report.rows[0].operations, 0, "{name}");
}

macro_rules! check {
    ($shape:expr => $($module:expr),* $(,)?) => {
        $(check(|| $module, $shape, |module, x| module.forward(x));)*
    };
}

#[test]
fn activations() {
    check!([2, 4, 8] =>
        Relu::new(), Relu6::new(), Sigmoid::new(), LogSigmoid::new(), Tanh::new(), Tanhshrink::new(),
        Gelu::new(), Gelu::new_approximate(), SiLU::new(), Mish::new(), HardSwish::new(),
        Softsign::new(), Selu::new(), GLU::new(1),
        EluConfig::new().init(), CeluConfig::new().init(), LeakyReluConfig::new().init(),
        RReluConfig::new().init(), HardSigmoidConfig::new().init(), HardtanhConfig::new().init(),
        HardShrinkConfig::new().init(), SoftShrinkConfig::new().init(), ShrinkConfig::new().init(),
        ThresholdConfig::new(1.0, 2.0).init(), ThresholdedReluConfig::new().init(),
        SoftplusConfig::new().init(),
        PReluConfig::new().init(&device()), SwiGluConfig::new(8, 8).init(&device()),
    );
}

#[test]
fn norms() {
    check!([2, 4, 8] =>
        GroupNormConfig::new(2, 4).with_affine(false).init(&device()),
        GroupNormConfig::new(2, 4).init(&device()),
        InstanceNormConfig::new(4).with_affine(false).init(&device()),
        InstanceNormConfig::new(4).init(&device()),
        LocalResponseNormConfig::new(3).init(),
        BatchNormConfig::new(4).init(&device()),
        LayerNormConfig::new(8).init(&device()),
        RmsNormConfig::new(8).init(&device()),
    );
}

#[test]
fn poolings_and_sampling() {
    let one_sided = || PaddingConfig1d::Explicit(1, 0);
    check!([2, 4, 8] =>
        MaxPool1dConfig::new(2).init(), AvgPool1dConfig::new(2).init(),
        MaxPool1dConfig::new(2).with_padding(one_sided()).init(),
        AvgPool1dConfig::new(2).with_padding(one_sided()).init(),
        AvgPool1dConfig::new(2).with_padding(one_sided()).with_count_include_pad(false).init(),
        AdaptiveAvgPool1dConfig::new(2).init(),
        Interpolate1dConfig::new().with_output_size(Some(16)).init(),
    );
    let one_sided = || PaddingConfig2d::Explicit(1, 0, 0, 1);
    check!([2, 4, 8, 8] =>
        MaxPool2dConfig::new([2, 2]).init(), AvgPool2dConfig::new([2, 2]).init(),
        MaxPool2dConfig::new([2, 2]).with_padding(one_sided()).init(),
        AvgPool2dConfig::new([2, 2]).with_padding(one_sided()).init(),
        AvgPool2dConfig::new([2, 2]).with_padding(one_sided()).with_count_include_pad(false).init(),
        AdaptiveAvgPool2dConfig::new([1, 1]).init(),
        Interpolate2dConfig::new().with_output_size(Some([16, 16])).init(),
        Interpolate2dConfig::new()
            .with_output_size(Some([16, 16]))
            .with_mode(InterpolateMode::Linear)
            .init(),
        PixelShuffleConfig::new(2).init(), PixelUnshuffleConfig::new(2).init(),
        Unfold4dConfig::new([3, 3]).init(),
    );
    check!([2, 4, 8, 8, 8] => AdaptiveAvgPool3dConfig::new([1, 1, 1]).init());
}

#[test]
fn layers_of_several_operations() {
    check!([2, 4, 8] =>
        LinearConfig::new(8, 3).init(&device()),
        Conv1dConfig::new(4, 4, 3).init(&device()),
        PositionWiseFeedForwardConfig::new(8, 16).init(&device()),
    );
    check!([2, 4, 8, 8] =>
        Conv2dConfig::new([4, 4], [3, 3]).init(&device()),
        ConvTranspose2dConfig::new([4, 4], [3, 3]).init(&device()),
    );
    check(
        || LstmConfig::new(8, 8, true).init(&device()),
        [2, 4, 8],
        |m, x| m.forward(x, None).0,
    );
    check(
        || GruConfig::new(8, 8, true).init(&device()),
        [2, 4, 8],
        |m, x| m.forward(x, None),
    );
    check(
        || MultiHeadAttentionConfig::new(8, 2).init(&device()),
        [2, 4, 8],
        |m, x| m.forward(MhaInput::self_attn(x)).context,
    );
    let encoder = || TransformerEncoderConfig::new(8, 16, 2, 2).init(&device());
    check(encoder, [2, 4, 8], |m, x| {
        m.forward(TransformerEncoderInput::new(x))
    });
}
