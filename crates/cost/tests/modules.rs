//! Every module of burn-nn that takes one tensor, wherever a module can be held: its row has its
//! type, its call and all of its operations.

use std::fmt::{Debug, Display};

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

/// A module between two layers.
#[derive(Module, Debug)]
struct Holder<M: Module> {
    before: Linear,
    module: M,
    after: Linear,
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
fn at(report: &Report, path: &str) -> (u128, u128, String) {
    let row = report.rows.iter().find(|row| row.path == path);
    let row = row.unwrap_or_else(|| panic!("no row `{path}`: {:?}", report.rows));
    let inside = |row: &&cost::report::Row| {
        row.path == path
            || row
                .path
                .strip_prefix(path)
                .is_some_and(|rest| rest.starts_with('.'))
    };
    let rows = report.rows.iter().filter(inside);
    (
        rows.map(|row| row.operations).sum(),
        row.calls,
        row.module.clone(),
    )
}

/// Records a holder with `module` in its middle, which `forward` calls.
fn held<M, O, const D: usize>(
    name: &str,
    module: M,
    shape: [usize; D],
    forward: impl Fn(&M, Tensor<D>) -> O,
    path: &str,
    expected: u128,
) where
    M: Module + ModuleDisplay + Debug,
    O: Outputs,
{
    let width = shape[D - 1];
    let holder = Holder {
        before: linear(width),
        module,
        after: linear(width),
    };
    let analysis = analyse(&holder, |holder, inputs| {
        let output = forward(&holder.module, holder.before.forward(inputs.float(shape)));
        (output, holder.after.forward(inputs.float(shape)))
    });
    let report = analysis.expect("it runs").report(&Options::default());
    let (operations, calls, kind) = at(&report, path);
    assert_eq!(
        (operations, calls, kind.as_str()),
        (expected, 1, name),
        "{name} at `{path}`"
    );
    assert_eq!(report.rows[0].operations, 0, "{name} at `{path}`");
}

fn check<M, O, const D: usize>(module: &M, shape: [usize; D], forward: impl Fn(&M, Tensor<D>) -> O)
where
    M: Module + ModuleDisplay + Display + Debug,
    O: Outputs,
{
    let alone = analyse(module, |module, inputs| {
        forward(module, inputs.float(shape))
    });
    let report = alone.expect("it runs").report(&Options::default());
    let operations = report.rows.iter().map(|row| row.operations).sum();
    let name = report.rows[0].module.as_str();
    assert!(operations > 0, "{name}");

    held(name, module.clone(), shape, &forward, "module", operations);
    held(
        name,
        Some(module.clone()),
        shape,
        |held, x| held.as_ref().map(|module| forward(module, x)),
        "module",
        operations,
    );
    let call = |layer: &Layer<M>, x| match layer {
        Layer::Module(module) => Some(forward(module, x)),
        Layer::Other(_) => None,
    };
    let layer = || Layer::Module(module.clone());
    held(name, layer(), shape, call, "module.Module", operations);
    held(
        name,
        Some(layer()),
        shape,
        |held, x| held.as_ref().map(|layer| call(layer, x)),
        "module.Module",
        operations,
    );
    held(
        name,
        vec![Layer::Other(linear(2)), layer()],
        shape,
        |held, x| call(&held[1], x),
        "module.1.Module",
        operations,
    );
}

macro_rules! check {
    ($shape:expr => $($module:expr),* $(,)?) => {
        $(check(&$module, $shape, |module, x| module.forward(x));)*
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
    let one_sided = PaddingConfig1d::Explicit(1, 0);
    check!([2, 4, 8] =>
        MaxPool1dConfig::new(2).init(), AvgPool1dConfig::new(2).init(),
        MaxPool1dConfig::new(2).with_padding(one_sided.clone()).init(),
        AvgPool1dConfig::new(2).with_padding(one_sided.clone()).init(),
        AvgPool1dConfig::new(2).with_padding(one_sided).with_count_include_pad(false).init(),
        AdaptiveAvgPool1dConfig::new(2).init(),
        Interpolate1dConfig::new().with_output_size(Some(16)).init(),
    );
    let one_sided = PaddingConfig2d::Explicit(1, 0, 0, 1);
    check!([2, 4, 8, 8] =>
        MaxPool2dConfig::new([2, 2]).init(), AvgPool2dConfig::new([2, 2]).init(),
        MaxPool2dConfig::new([2, 2]).with_padding(one_sided.clone()).init(),
        AvgPool2dConfig::new([2, 2]).with_padding(one_sided.clone()).init(),
        AvgPool2dConfig::new([2, 2]).with_padding(one_sided).with_count_include_pad(false).init(),
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
        &LstmConfig::new(8, 8, true).init(&device()),
        [2, 4, 8],
        |m, x| m.forward(x, None).0,
    );
    check(
        &GruConfig::new(8, 8, true).init(&device()),
        [2, 4, 8],
        |m, x| m.forward(x, None),
    );
    check(
        &MultiHeadAttentionConfig::new(8, 2).init(&device()),
        [2, 4, 8],
        |m, x| m.forward(MhaInput::self_attn(x)).context,
    );
    let encoder = TransformerEncoderConfig::new(8, 16, 2, 2).init(&device());
    check(&encoder, [2, 4, 8], |m, x| {
        m.forward(TransformerEncoderInput::new(x))
    });
}
