//! Modules of burn-nn, counted as PyTorch's FlopCounterMode counts its own: configurations,
//! inputs and figures are those of the same layer there (torch 2.15). Backward figures of
//! grouped convolutions are by hand, see `training.rs`.

use burn::module::Module;
use burn::nn::attention::{MhaInput, MultiHeadAttentionConfig};
use burn::nn::conv::{
    Conv1dConfig, Conv2dConfig, Conv3dConfig, ConvTranspose1dConfig, ConvTranspose2dConfig,
    ConvTranspose3dConfig, DeformConv2dConfig,
};
use burn::nn::gru::GruConfig;
use burn::nn::pool::{
    AdaptiveAvgPool1dConfig, AdaptiveAvgPool2dConfig, AdaptiveAvgPool3dConfig, AvgPool1dConfig,
    AvgPool2dConfig, MaxPool1dConfig, MaxPool2dConfig,
};
use burn::nn::transformer::{
    TransformerDecoderConfig, TransformerDecoderInput, TransformerEncoderConfig,
    TransformerEncoderInput,
};
use burn::nn::{
    BatchNormConfig, EmbeddingConfig, GroupNormConfig, LayerNormConfig, LinearConfig, LstmConfig,
    PaddingConfig1d, PaddingConfig2d, PaddingConfig3d, RmsNormConfig, SwiGluConfig,
};
use burn::tensor::Device;
use cost::convention::TORCH;
use cost::{Analysis, Inputs, Optimizer, Options, Outputs, Report, analyse, analyse_training};

fn device() -> Device {
    Device::flex()
}

fn report(analysis: &Analysis) -> Report {
    let options = Options::default()
        .with_convention(TORCH)
        .with_training(Optimizer::Sgd);
    analysis.report(&options)
}

/// Parameters; FLOPs forward; forward and backward; the same with the input's gradient.
#[track_caller]
fn check<M, O>(
    module: &M,
    forward: impl Fn(&M, &mut Inputs) -> O,
    [parameters, flops, training, with_input]: [u128; 4],
) -> Report
where
    M: Module + burn::module::ModuleDisplay,
    O: Outputs,
{
    let analysis = analyse_training(module, forward).expect("it runs");
    let options = Options::default()
        .with_convention(TORCH)
        .with_training(Optimizer::Sgd);
    let report = analysis.report(&options);
    let total = &report.total;
    let found = [
        total.parameters.count(),
        total.cost,
        total.cost + total.backward_cost,
        {
            let report = analysis.report(&options.with_input_gradients());
            report.total.cost + report.total.backward_cost
        },
    ];
    assert_eq!(found, [parameters, flops, training, with_input]);
    assert_eq!(report.uncounted, []);
    let rows: u128 = report.rows.iter().map(|row| row.cost).sum();
    assert_eq!(rows, total.cost);
    report
}

#[test]
fn linear_layers() {
    let layer = LinearConfig::new(16, 32).init(&device());
    check(
        &layer,
        |l, i| l.forward(i.float([3, 16])),
        [544, 3072, 6144, 9216],
    );
    let figures = [544, 10240, 20480, 30720];
    check(&layer, |l, i| l.forward(i.float([2, 5, 16])), figures);
    let figures = [544, 30720, 61440, 92160];
    let report = check(&layer, |l, i| l.forward(i.float([2, 3, 5, 16])), figures);
    assert_eq!(report.rows[0].calls, 1);
    let layer = LinearConfig::new(16, 32).with_bias(false).init(&device());
    check(
        &layer,
        |l, i| l.forward(i.float([3, 16])),
        [512, 3072, 6144, 9216],
    );
}

#[test]
fn convolutions_in_one_dimension() {
    let config = || Conv1dConfig::new(4, 8, 3).with_padding(PaddingConfig1d::Explicit(1, 1));
    for (config, figures) in [
        (config(), [104, 3840, 7680, 11520]),
        (config().with_bias(false), [96, 3840, 7680, 11520]),
        (config().with_groups(2), [56, 1920, 3840, 5760]),
        (config().with_groups(4), [32, 960, 1920, 2880]),
        (
            config()
                .with_padding(PaddingConfig1d::Explicit(2, 2))
                .with_dilation(2),
            [104, 3840, 7680, 11520],
        ),
        // Padding on one side only gives one place less than on both.
        (
            config().with_padding(PaddingConfig1d::Explicit(1, 0)),
            [
                104,
                2 * 2 * 8 * 9 * 12,
                4 * 2 * 8 * 9 * 12,
                6 * 2 * 8 * 9 * 12,
            ],
        ),
    ] {
        let layer = config.init(&device());
        check(&layer, |l, i| l.forward(i.float([2, 4, 10])), figures);
    }
    let strided = Conv1dConfig::new(4, 8, 5)
        .with_stride(2)
        .with_padding(PaddingConfig1d::Explicit(2, 2))
        .init(&device());
    check(
        &strided,
        |l, i| l.forward(i.float([2, 4, 10])),
        [168, 3200, 6400, 9600],
    );
}

#[test]
fn convolutions_in_two_dimensions() {
    let padding = |n| PaddingConfig2d::Explicit(n, n, n, n);
    let config = || Conv2dConfig::new([4, 8], [3, 3]).with_padding(padding(1));
    for (config, figures) in [
        (config(), [296, 72576, 145_152, 217_728]),
        (config().with_bias(false), [288, 72576, 145_152, 217_728]),
        (config().with_groups(2), [152, 36288, 72576, 108_864]),
        (config().with_groups(4), [80, 18144, 36288, 54432]),
        (
            config().with_padding(padding(2)).with_dilation([2, 2]),
            [296, 72576, 145_152, 217_728],
        ),
    ] {
        let layer = config.init(&device());
        check(&layer, |l, i| l.forward(i.float([2, 4, 9, 7])), figures);
    }
    let strided = Conv2dConfig::new([4, 8], [3, 5])
        .with_stride([2, 1])
        .with_padding(PaddingConfig2d::Explicit(1, 2, 1, 2))
        .init(&device());
    let figures = [488, 67200, 134_400, 201_600];
    check(&strided, |l, i| l.forward(i.float([2, 4, 9, 7])), figures);
}

#[test]
fn convolutions_in_three_dimensions() {
    let padding = |n| PaddingConfig3d::Explicit(n, n, n);
    let config = || Conv3dConfig::new([4, 8], [3, 3, 3]).with_padding(padding(1));
    for (config, figures) in [
        (config(), [872, 725_760, 1_451_520, 2_177_280]),
        (config().with_groups(2), [440, 362_880, 725_760, 1_088_640]),
        (config().with_groups(4), [224, 181_440, 362_880, 544_320]),
        (
            config().with_padding(padding(2)).with_dilation([2, 2, 2]),
            [872, 725_760, 1_451_520, 2_177_280],
        ),
    ] {
        let layer = config.init(&device());
        check(&layer, |l, i| l.forward(i.float([2, 4, 5, 6, 7])), figures);
    }
}

#[test]
fn transposed_convolutions() {
    let one = |config: ConvTranspose1dConfig, figures| {
        let layer = config.with_padding(1).init(&device());
        check(&layer, |l, i| l.forward(i.float([2, 4, 10])), figures);
    };
    let config = || ConvTranspose1dConfig::new([4, 6], 3);
    one(config(), [78, 2880, 5760, 8640]);
    one(config().with_groups(2), [42, 1440, 2880, 4320]);
    let strided = config().with_stride(2);
    one(strided.with_padding_out(1), [78, 2880, 5760, 8640]);
    let strided = config().with_stride(2).with_padding_out(1);
    one(
        strided.with_groups(2).with_dilation(2),
        [42, 1440, 2880, 4320],
    );

    let two = |config: ConvTranspose2dConfig, figures| {
        let layer = config.with_padding([1, 1]).init(&device());
        check(&layer, |l, i| l.forward(i.float([2, 4, 9, 7])), figures);
    };
    let config = || ConvTranspose2dConfig::new([4, 6], [3, 3]);
    two(config(), [222, 54432, 108_864, 163_296]);
    two(config().with_groups(2), [114, 27216, 54432, 81648]);
    two(config().with_stride([2, 2]), [222, 54432, 108_864, 163_296]);

    let three = |config: ConvTranspose3dConfig, figures| {
        let layer = config.with_padding([1, 1, 1]).init(&device());
        check(&layer, |l, i| l.forward(i.float([2, 4, 5, 6, 7])), figures);
    };
    let config = || ConvTranspose3dConfig::new([4, 6], [3, 3, 3]);
    three(config(), [654, 544_320, 1_088_640, 1_632_960]);
    three(config().with_groups(2), [330, 272_160, 544_320, 816_480]);
}

#[test]
fn deformable_convolutions() {
    // FlopCounterMode does not see them; by hand. 36,288 multiply-accumulates of the matrix
    // part, 4,536 samples of four products and three additions each, and for each of the
    // 2·9·63 positions four weights of one product and the differences that make them.
    let layer = DeformConv2dConfig::new([4, 8], [3, 3])
        .with_padding(PaddingConfig2d::Explicit(1, 1, 1, 1))
        .init(&device());
    let analysis = analyse(&layer, |layer, inputs| {
        let (x, offset) = (inputs.float([2, 4, 9, 7]), inputs.float([2, 18, 9, 7]));
        layer.forward(x, offset, None)
    });
    let report = report(&analysis.expect("it runs"));
    let work = report.total.work;
    assert_eq!(report.total.parameters.count(), 296);
    assert_eq!(work.macs, 36288);
    let (samples, positions) = (4536, 2 * 9 * 63);
    assert_eq!(work.multiplications, 36288 + 4 * samples + 4 * positions);
    assert_eq!(work.additions, 36288 + 3 * samples + 6 * positions);
}

#[test]
fn norms_have_no_products_of_matrices() {
    let norm = BatchNormConfig::new(6).init(&device());
    let report = check(
        &norm,
        |n, i| n.forward(i.float([3, 6, 5, 4])),
        [12, 0, 0, 0],
    );
    assert_eq!(report.total.parameters.buffers, 12);
    // One product and one sum for each of 360 values; scale and shift for each of 6 channels.
    assert_eq!(report.total.work.multiplications, 360 + 6);
    assert_eq!(report.total.work.additions, 360 + 2 * 6);

    let norm = LayerNormConfig::new(16).init(&device());
    let report = check(&norm, |n, i| n.forward(i.float([2, 5, 16])), [32, 0, 0, 0]);
    // 10 rows of 16: mean 15 + 1, variance 16 + 16 + 15 + 1, scale 1 + root + 1, 3·16 more.
    assert_eq!(report.total.work.flops(), 10 * (16 + 48 + 2 + 48));
    assert_eq!(report.total.work.elementary, 10);

    let norm = GroupNormConfig::new(3, 6).init(&device());
    let report = check(
        &norm,
        |n, i| n.forward(i.float([2, 6, 5, 4])),
        [12, 0, 0, 0],
    );
    assert_eq!(report.rows[0].calls, 1);
    // Two groups of 40 values in each of 2·3: as recorded, mean, difference, square, mean,
    // ε, quotient, γ, β for 240 values and 6 groups.
    let (values, groups) = (240, 6);
    let sums = 2 * (values - groups + groups) + values + values + groups + values;
    assert_eq!(report.total.work.flops(), sums + 2 * values);

    let norm = RmsNormConfig::new(16).init(&device());
    let report = check(&norm, |n, i| n.forward(i.float([2, 5, 16])), [16, 0, 0, 0]);
    assert_eq!(report.total.work.flops(), 10 * (16 + 16 + 1 + 16 + 16));
}

#[test]
fn embeddings_and_integer_inputs() {
    let embedding = EmbeddingConfig::new(20, 16).init(&device());
    let report = check(&embedding, |e, i| e.forward(i.int([2, 5])), [320, 0, 0, 0]);
    // Only the rows that are looked up are read, with their indices.
    assert_eq!(report.total.work.read, 10 * 8 + 10 * 16 * 4);
    assert_eq!(report.total.work.written, 10 * 16 * 4);
    assert_eq!(report.inputs[0].dtype, "i64");
}

#[test]
fn recurrent_layers() {
    let lstm = LstmConfig::new(8, 16, true).init(&device());
    let analysis = analyse(&lstm, |lstm, i| lstm.forward(i.float([2, 5, 8]), None).0);
    let report = report(&analysis.expect("it runs"));
    // Burn has a bias in both transforms of each gate: 4·(8·16 + 16·16 + 2·16).
    assert_eq!(report.total.parameters.count(), 1664);
    assert_eq!(report.total.cost, 30720);
    assert_eq!(report.uncounted, []);
    let gate = report
        .rows
        .iter()
        .find(|row| row.path == "input_gate.input_transform");
    assert_eq!(gate.map(|row| row.calls), Some(5));

    let gru = GruConfig::new(8, 16, true).init(&device());
    let analysis = analyse(&gru, |gru, i| gru.forward(i.float([2, 5, 8]), None));
    let report = self::report(&analysis.expect("it runs"));
    assert_eq!(report.total.parameters.count(), 1248);
    assert_eq!(report.total.cost, 23040);
}

#[test]
fn attention_and_transformers() {
    let attention = MultiHeadAttentionConfig::new(16, 4).init(&device());
    let input = |i: &mut Inputs| MhaInput::self_attn(i.float([2, 5, 16]));
    let figures = [1088, 23680, 55680, 71040];
    check(&attention, |a, i| a.forward(input(i)).context, figures);
    let cross = |i: &mut Inputs| {
        let (query, memory) = (i.float([2, 5, 16]), i.float([2, 7, 16]));
        MhaInput::new(query, memory.clone(), memory)
    };
    let figures = [1088, 29056, 67712, 87168];
    check(&attention, |a, i| a.forward(cross(i)).context, figures);

    let encoder = TransformerEncoderConfig::new(16, 32, 4, 2).init(&device());
    let figures = [4448, 88320, 249_600, 264_960];
    check(
        &encoder,
        |e, i| e.forward(TransformerEncoderInput::new(i.float([2, 5, 16]))),
        figures,
    );
    let decoder = TransformerDecoderConfig::new(16, 32, 4, 2).init(&device());
    let figures = [6688, 146_432, 395_264, 439_296];
    check(
        &decoder,
        |d, i| {
            let (target, memory) = (i.float([2, 5, 16]), i.float([2, 7, 16]));
            d.forward(TransformerDecoderInput::new(target, memory))
        },
        figures,
    );
}

#[test]
fn gated_linear_unit() {
    let layer = SwiGluConfig::new(16, 32).init(&device());
    let figures = [1024, 20480, 40960, 61440];
    check(&layer, |l, i| l.forward(i.float([2, 5, 16])), figures);
}

#[test]
fn poolings() {
    let work = |analysis: Result<Analysis, cost::Error>| {
        let report = report(&analysis.expect("it runs"));
        assert_eq!(report.uncounted, []);
        report.total.work
    };
    let pool = MaxPool1dConfig::new(3).with_stride(2).init();
    let found = work(analyse(&pool, |p, i| p.forward(i.float([2, 4, 11]))));
    assert_eq!(found.comparisons, 2 * 4 * 5 * 2);
    let pool = MaxPool2dConfig::new([3, 2]).with_strides([3, 2]).init();
    let found = work(analyse(&pool, |p, i| p.forward(i.float([2, 4, 9, 8]))));
    assert_eq!((found.comparisons, found.flops()), (2 * 4 * 3 * 4 * 5, 0));
    let pool = AvgPool1dConfig::new(3).with_stride(2).init();
    let found = work(analyse(&pool, |p, i| p.forward(i.float([2, 4, 11]))));
    assert_eq!(
        (found.additions, found.divisions),
        (2 * 4 * 5 * 2, 2 * 4 * 5)
    );
    let pool = AvgPool2dConfig::new([3, 3]).with_strides([3, 3]).init();
    let found = work(analyse(&pool, |p, i| p.forward(i.float([2, 4, 9, 9]))));
    assert_eq!((found.additions, found.divisions), (72 * 8, 72));
    // Windows of an adaptive pooling from 7 to 3: 0..3, 2..5, 4..7, so 9 cells a side.
    let pool = AdaptiveAvgPool1dConfig::new(3).init();
    let found = work(analyse(&pool, |p, i| p.forward(i.float([2, 4, 7]))));
    assert_eq!(found.additions, 2 * 4 * (9 - 3));
    let pool = AdaptiveAvgPool2dConfig::new([3, 1]).init();
    let found = work(analyse(&pool, |p, i| p.forward(i.float([2, 4, 7, 5]))));
    assert_eq!(found.additions, 2 * 4 * (9 * 5 - 3));
    let pool = AdaptiveAvgPool3dConfig::new([1, 1, 1]).init();
    let found = work(analyse(&pool, |p, i| p.forward(i.float([1, 2, 3, 4, 5]))));
    assert_eq!((found.additions, found.divisions), (2 * 59, 2));
}
