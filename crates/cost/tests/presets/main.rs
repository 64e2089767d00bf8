//! Single layers and small networks, counted as other tools count them: the figures are what
//! `scripts/preset_costs.py` got from the tools themselves.

mod networks;

use burn::module::Param;
use burn::nn::activation::*;
use burn::nn::attention::{MhaInput, MultiHeadAttention, MultiHeadAttentionConfig};
use burn::nn::conv::{
    Conv1dConfig, Conv2dConfig, Conv3dConfig, ConvTranspose1dConfig, ConvTranspose2dConfig,
    ConvTranspose3dConfig, DeformConv2d, DeformConv2dConfig,
};
use burn::nn::gru::GruConfig;
use burn::nn::interpolate::{Interpolate1dConfig, Interpolate2dConfig, InterpolateMode};
use burn::nn::pool::{
    AdaptiveAvgPool1dConfig, AdaptiveAvgPool2dConfig, AdaptiveAvgPool3dConfig, AvgPool1dConfig,
    AvgPool2dConfig, MaxPool1dConfig, MaxPool2dConfig,
};
use burn::nn::transformer::{TransformerEncoderConfig, TransformerEncoderInput};
use burn::nn::*;
use burn::tensor::module::attention;
use burn::tensor::{Device, Tensor, activation};
use cost::{Analysis, Convention, Options, analyse};
use networks::{Block, Nothing, Projections, Scaled, Tokens};

const TOOLS: &str = include_str!("../preset_costs.csv");

fn device() -> Device {
    Device::flex()
}

fn padding(height: usize, width: usize) -> PaddingConfig2d {
    PaddingConfig2d::Explicit(height, width, height, width)
}

type Analysed = Result<Analysis, cost::Error>;

/// The network of the name in `scripts/preset_costs.py`.
fn network(name: &str, n: usize) -> Analysed {
    macro_rules! run {
        ($layer:expr, $shape:expr) => {
            analyse(&$layer, |l, i| l.forward(i.float($shape)))
        };
    }
    let d = &device();
    let (image, row, volume) = ([n, 4, 9, 7], [n, 4, 10], [n, 4, 5, 6, 7]);
    let (values, sequence) = ([n, 6, 5, 4], [n, 5, 16]);
    let conv1d = |kernel| Conv1dConfig::new(4, 8, kernel);
    let conv2d = |kernel| Conv2dConfig::new([4, 8], kernel);
    let transposed2d = || ConvTranspose2dConfig::new([4, 6], [3, 3]).with_stride([2, 2]);
    let resize = |mode| {
        let config = Interpolate2dConfig::new().with_mode(mode);
        config.with_scale_factor(Some([2.0, 2.0])).init()
    };
    let resize1d = |mode| {
        let config = Interpolate1dConfig::new().with_mode(mode);
        config.with_scale_factor(Some(2.0)).init()
    };
    match name {
        "conv1d" => run!(
            conv1d(3)
                .with_padding(PaddingConfig1d::Explicit(1, 1))
                .init(d),
            row
        ),
        "conv1d-strided" => run!(
            conv1d(5)
                .with_stride(2)
                .with_padding(PaddingConfig1d::Explicit(2, 2))
                .with_bias(false)
                .init(d),
            row
        ),
        "conv2d" => run!(conv2d([3, 3]).with_padding(padding(1, 1)).init(d), image),
        "conv2d-no-bias" => run!(conv2d([3, 3]).with_bias(false).init(d), image),
        "conv2d-strided" => run!(
            conv2d([3, 5])
                .with_stride([2, 1])
                .with_padding(padding(1, 2))
                .init(d),
            image
        ),
        "conv2d-dilated" => run!(
            conv2d([3, 3])
                .with_padding(padding(3, 3))
                .with_dilation([2, 2])
                .init(d),
            image
        ),
        "conv2d-groups" => run!(
            conv2d([3, 3])
                .with_padding(padding(1, 1))
                .with_groups(2)
                .init(d),
            image
        ),
        "conv2d-depthwise" => run!(
            Conv2dConfig::new([4, 4], [3, 3])
                .with_padding(padding(1, 1))
                .with_groups(4)
                .with_bias(false)
                .init(d),
            image
        ),
        "conv3d" => run!(
            Conv3dConfig::new([4, 8], [3, 3, 3])
                .with_padding(PaddingConfig3d::Explicit(1, 1, 1))
                .init(d),
            volume
        ),
        "conv-transpose1d" => run!(
            ConvTranspose1dConfig::new([4, 6], 3)
                .with_stride(2)
                .with_padding(1)
                .with_padding_out(1)
                .init(d),
            row
        ),
        "conv-transpose2d" => run!(transposed2d().with_padding([1, 1]).init(d), image),
        "conv-transpose2d-no-bias" => run!(
            transposed2d().with_padding([1, 1]).with_bias(false).init(d),
            image
        ),
        "conv-transpose2d-plain" => run!(transposed2d().with_stride([1, 1]).init(d), image),
        "conv-transpose2d-groups" => run!(
            transposed2d()
                .with_stride([1, 1])
                .with_padding([1, 1])
                .with_groups(2)
                .init(d),
            image
        ),
        "conv-transpose3d" => run!(
            ConvTranspose3dConfig::new([4, 6], [3, 3, 3])
                .with_stride([2, 2, 2])
                .with_padding([1, 1, 1])
                .init(d),
            volume
        ),
        "deform-conv2d" => {
            let config = DeformConv2dConfig::new([4, 8], [3, 3]);
            let layer: DeformConv2d = config.with_padding(padding(1, 1)).init(d);
            analyse(&layer, |l, i| {
                l.forward(i.float([n, 4, 9, 7]), i.float([n, 18, 9, 7]), None)
            })
        }
        "linear" => run!(LinearConfig::new(16, 32).init(d), [n, 16]),
        "linear-no-bias" => run!(LinearConfig::new(16, 32).with_bias(false).init(d), [n, 16]),
        "linear-sequence" => run!(LinearConfig::new(16, 32).init(d), sequence),
        "matmul" => analyse(&Nothing, |_, i| {
            let x: Tensor<3> = i.float(sequence);
            x.clone().matmul(x.transpose())
        }),
        "batch-norm1d" => run!(BatchNormConfig::new(4).init(d), row),
        "batch-norm2d" => run!(BatchNormConfig::new(4).init(d), image),
        "batch-norm3d" => run!(BatchNormConfig::new(4).init(d), volume),
        "layer-norm" => run!(LayerNormConfig::new(16).init(d), sequence),
        "layer-norm-no-bias" => run!(LayerNormConfig::new(16).with_bias(false).init(d), sequence),
        "group-norm" => run!(GroupNormConfig::new(2, 4).init(d), image),
        "group-norm-plain" => run!(GroupNormConfig::new(2, 4).with_affine(false).init(d), image),
        "instance-norm" => run!(InstanceNormConfig::new(4).init(d), image),
        "instance-norm-plain" => run!(InstanceNormConfig::new(4).with_affine(false).init(d), image),
        "rms-norm" => run!(RmsNormConfig::new(16).init(d), sequence),
        "local-response-norm" => run!(LocalResponseNormConfig::new(3).init(), image),
        "relu" => run!(Relu::new(), values),
        "relu6" => run!(Relu6::new(), values),
        "leaky-relu" => run!(LeakyReluConfig::new().init(), values),
        "prelu" => run!(PReluConfig::new().init(d), values),
        "prelu-channels" => run!(PReluConfig::new().with_num_parameters(6).init(d), values),
        "gelu" => run!(Gelu::new(), values),
        "gelu-tanh" => run!(Gelu::new_approximate(), values),
        "elu" => run!(EluConfig::new().init(), values),
        "celu" => run!(CeluConfig::new().init(), values),
        "selu" => run!(Selu::new(), values),
        "silu" => run!(SiLU::new(), values),
        "mish" => run!(Mish::new(), values),
        "sigmoid" => run!(Sigmoid::new(), values),
        "log-sigmoid" => run!(LogSigmoid::new(), values),
        "hard-sigmoid" => run!(HardSigmoidConfig::new().init(), values),
        "hard-swish" => run!(HardSwish::new(), values),
        "hard-tanh" => run!(HardtanhConfig::new().init(), values),
        "hard-shrink" => run!(HardShrinkConfig::new().init(), values),
        "soft-shrink" => run!(SoftShrinkConfig::new().init(), values),
        "softplus" => run!(SoftplusConfig::new().init(), values),
        "softsign" => run!(Softsign::new(), values),
        "tanh" => run!(Tanh::new(), values),
        "tanhshrink" => run!(Tanhshrink::new(), values),
        "threshold" => run!(ThresholdConfig::new(0.1, 0.0).init(), values),
        "glu" => run!(GLU::new(1), values),
        "softmax" => analyse(&Nothing, |_, i| {
            activation::softmax(i.float::<4>(values), 1)
        }),
        "softmax-last" => analyse(&Nothing, |_, i| {
            activation::softmax(i.float::<4>(values), 3)
        }),
        "log-softmax" => analyse(&Nothing, |_, i| {
            activation::log_softmax(i.float::<4>(values), 3)
        }),
        "softmin" => analyse(&Nothing, |_, i| {
            activation::softmin(i.float::<4>(values), 3)
        }),
        "max-pool1d" => run!(MaxPool1dConfig::new(2).with_stride(2).init(), row),
        "max-pool2d" => run!(
            MaxPool2dConfig::new([3, 3])
                .with_strides([2, 2])
                .with_padding(padding(1, 1))
                .init(),
            image
        ),
        "avg-pool1d" => run!(AvgPool1dConfig::new(2).with_stride(2).init(), row),
        "avg-pool2d" => run!(
            AvgPool2dConfig::new([3, 3]).with_strides([2, 2]).init(),
            image
        ),
        "avg-pool2d-padded" => run!(
            AvgPool2dConfig::new([3, 3])
                .with_strides([2, 2])
                .with_padding(padding(1, 1))
                .with_count_include_pad(false)
                .init(),
            image
        ),
        "adaptive-avg-pool1d" => run!(AdaptiveAvgPool1dConfig::new(3).init(), row),
        "adaptive-avg-pool2d" => run!(AdaptiveAvgPool2dConfig::new([3, 2]).init(), image),
        "global-avg-pool2d" => run!(AdaptiveAvgPool2dConfig::new([1, 1]).init(), image),
        "adaptive-avg-pool3d" => run!(AdaptiveAvgPool3dConfig::new([3, 3, 3]).init(), volume),
        "upsample-nearest" => run!(resize(InterpolateMode::Nearest), image),
        "upsample-bilinear" => run!(resize(InterpolateMode::Linear), image),
        "upsample-bicubic" => run!(resize(InterpolateMode::Cubic), image),
        "upsample-linear" => run!(resize1d(InterpolateMode::Linear), row),
        "upsample-nearest1d" => run!(resize1d(InterpolateMode::Nearest), row),
        "upsample-size" => run!(
            Interpolate2dConfig::new()
                .with_output_size(Some([12, 10]))
                .with_mode(InterpolateMode::Linear)
                .init(),
            image
        ),
        "pixel-shuffle" => run!(PixelShuffleConfig::new(2).init(), image),
        "pixel-unshuffle" => run!(PixelUnshuffleConfig::new(2).init(), [n, 4, 8, 6]),
        "unfold" => run!(Unfold4dConfig::new([3, 3]).init(), image),
        "dropout" => run!(DropoutConfig::new(0.5).init(), image),
        "embedding" => analyse(&EmbeddingConfig::new(20, 16).init(d), |l, i| {
            l.forward(i.int([n, 5]))
        }),
        "rnn" => analyse(&RnnConfig::new(16, 8, true).init(d), |l, i| {
            l.forward(i.float(sequence), None).0
        }),
        "gru" => analyse(&GruConfig::new(16, 8, true).init(d), |l, i| {
            l.forward(i.float(sequence), None)
        }),
        "lstm" => analyse(&LstmConfig::new(16, 8, true).init(d), |l, i| {
            l.forward(i.float(sequence), None).0
        }),
        "bi-lstm" => analyse(&BiLstmConfig::new(16, 8, true).init(d), |l, i| {
            l.forward(i.float(sequence), None).0
        }),
        "attention" => {
            let layer: MultiHeadAttention = MultiHeadAttentionConfig::new(16, 4).init(d);
            analyse(&layer, |l, i| {
                l.forward(MhaInput::self_attn(i.float(sequence))).context
            })
        }
        "attention-function" => analyse(&Nothing, |_, i| {
            let x: Tensor<4> = i.float([n, 4, 5, 4]);
            attention(x.clone(), x.clone(), x, None, None, Default::default())
        }),
        "attention-of-layers" => run!(Projections::new(), sequence),
        "transformer-encoder" => {
            let config = TransformerEncoderConfig::new(16, 32, 4, 1);
            analyse(&config.init(d), |l, i| {
                l.forward(TransformerEncoderInput::new(i.float(sequence)))
            })
        }
        "scale-of-its-own" => {
            let network = Scaled {
                scale: Param::from_tensor(Tensor::ones([8, 1, 1], d)),
                conv: conv2d([3, 3]).with_padding(padding(1, 1)).init(d),
            };
            analyse(&network, |l, i| {
                l.scale.val().unsqueeze() * l.conv.forward(i.float(image))
            })
        }
        "table-of-its-own" => {
            let network = Tokens {
                table: Param::from_tensor(Tensor::ones([1, 5, 16], d)),
                norm: LayerNormConfig::new(16).init(d),
            };
            analyse(&network, |l, i| {
                l.norm.forward(i.float(sequence) + l.table.val())
            })
        }
        "residual-block" => run!(Block::new(), image),
        _ => panic!("no network `{name}`"),
    }
}

#[test]
fn every_tool_is_met_on_every_layer() {
    let mut lines = TOOLS
        .lines()
        .map(|line| line.split(',').collect::<Vec<_>>());
    let head = lines.next().expect("a head");
    let tools = &head[2..head.len() - 1];
    let mut differences = Vec::new();
    let mut checked = 0;
    for line in lines {
        let (name, batch) = (line[0], line[1].parse().expect("a batch size"));
        let left: Vec<_> = line[line.len() - 1].split(' ').collect();
        let analysis = network(name, batch).expect("it runs");
        for (tool, expected) in tools.iter().zip(&line[2..]) {
            let Ok(expected) = expected.parse::<u128>() else {
                continue;
            };
            let convention: Convention = tool.parse().expect("a convention");
            let report = analysis.report(&Options::default().with_convention(convention));
            let same = report.total.cost == expected;
            // What is left must differ, lest the list grow old: where it differs at all.
            if same == left.contains(tool) && !(same && batch == 1) {
                differences.push(format!(
                    "{name} {batch} {tool}: {} here, {expected} there",
                    report.total.cost
                ));
            }
            checked += 1;
        }
    }
    assert!(differences.is_empty(), "\n{}", differences.join("\n"));
    assert!(checked > 1500, "{checked}");
}
