//! What the networks of this project cost, against the figures of other tools and by hand, and
//! the example that shows it.

mod program;

use std::process::Output;

use burn::module::Module;
use burn::tensor::Device;
use cost::convention::{ALL, FLOPS, MACS, PAPER, TORCH, XLA};
use cost::{Analysis, Convention, Optimizer, Options, Report, analyse};
use vgg::VggConfig;

/// What `scripts/vgg_costs.py` got from the tools themselves.
const TOOLS: &str = include_str!("vgg_costs.csv");

fn network(name: &str, shape: [usize; 4], freeze: bool) -> Analysis {
    let config = VggConfig::named(name).expect("a known name");
    let mut network = config.init(&Device::flex()).expect("a valid network");
    if freeze {
        network.blocks = network.blocks.freeze();
    }
    let analysis = analyse(&network, |n, i| n.forward(i.float(shape)));
    analysis.expect("it runs")
}

fn shape(text: &str) -> [usize; 4] {
    let sides = text.split('x').map(|side| side.parse().expect("a number"));
    sides.collect::<Vec<_>>().try_into().expect("four sides")
}

fn cost(analysis: &Analysis, convention: Convention) -> u128 {
    let report = analysis.report(&Options::default().with_convention(convention));
    let rows: u128 = report.rows.iter().map(|row| row.cost).sum();
    assert_eq!(rows, report.total.cost, "the rows add up");
    report.total.cost
}

fn training(analysis: &Analysis) -> u128 {
    let options = Options::default()
        .with_convention(TORCH)
        .with_training(Optimizer::Sgd);
    let total = analysis.report(&options).total;
    total.cost + total.backward_cost
}

#[test]
fn every_tool_is_met_to_the_last_digit() {
    let mut lines = TOOLS.lines().map(|line| line.split(','));
    let head: Vec<_> = lines.next().expect("a head").collect();
    assert_eq!(
        head[13..],
        ["xla", "torch training", "torch training (features frozen)"]
    );
    let mut checked = 0;
    for line in lines {
        let line: Vec<_> = line.collect();
        let number = |column: usize| line[column].parse::<u128>().expect("a number");
        let (name, shape) = (line[0], shape(line[1]));
        let analysis = network(name, shape, false);
        let report = analysis.report(&Options::default());
        assert_eq!(report.total.parameters.count(), number(2), "{line:?}");
        for (column, convention) in head[3..14].iter().enumerate() {
            let convention = convention.parse().expect("a convention");
            assert_eq!(
                cost(&analysis, convention),
                number(3 + column),
                "{convention:?} {line:?}"
            );
            checked += 1;
        }
        assert_eq!(training(&analysis), number(14), "{line:?}");
        assert_eq!(
            training(&network(name, shape, true)),
            number(15),
            "{line:?}"
        );
    }
    assert_eq!(checked, 27 * 11);
}

#[test]
fn published_figures() {
    let analysis = network("vgg16", [1, 3, 224, 224], false);
    assert_eq!(cost(&analysis, MACS), 15_470_264_320);
    // XLA leaves out products with the zeros of the padding; then biases, ReLUs, three comparisons
    // for each of the pools' outputs, and the divisions of the averages.
    let (inside, biases) = (14_969_824_000, 13_547_520 + 9192);
    let (relus, pools, averages) = (13_547_520 + 8192, 3 * 1_530_368, 25_088);
    let xla = 2 * inside + biases + relus + pools + averages;
    assert_eq!(cost(&analysis, XLA), xla);
    let report = analysis.report(&Options::default());
    assert_eq!(report.total.parameters.count(), 138_357_544);
    let norms = network("vgg16-bn", [1, 3, 224, 224], false);
    let report = norms.report(&Options::default());
    assert_eq!(report.total.parameters.count(), 138_365_992);
    assert_eq!(report.total.parameters.buffers, 2 * 4224);
    for network in [analysis, norms] {
        assert_eq!(training(&network), 92_648_177_664);
    }
    let eight = network("vgg16", [8, 3, 224, 224], false);
    assert_eq!(training(&eight), 8 * 92_648_177_664);
}

/// Layer, multiply-accumulates, FLOPs, the closed sums of the text.
///
/// A convolution of 3×3 cells over c channels has n = 9·c terms for each of its outputs: n
/// multiply-accumulates, 2·n operations with the bias, and n + 1 in the text's sum. Outputs are
/// channels times height times width: 64·28·28 = 50,176, 128·14·14 = 25,088, 256·7·7 = 12,544,
/// 512·3·3 = 4,608. A linear layer has one term for each input.
const BY_HAND: [(&str, u128, u128, u128); 13] = [
    (
        "blocks.0.layers.0.conv",
        50_176 * 9,
        50_176 * 18,
        50_176 * 10,
    ),
    ("blocks.0.layers.1.conv", 28_901_376, 57_802_752, 28_951_552),
    ("blocks.1.layers.0.conv", 14_450_688, 28_901_376, 14_475_776),
    ("blocks.1.layers.1.conv", 28_901_376, 57_802_752, 28_926_464),
    ("blocks.2.layers.0.conv", 14_450_688, 28_901_376, 14_463_232),
    ("blocks.2.layers.1.conv", 28_901_376, 57_802_752, 28_913_920),
    ("blocks.2.layers.2.conv", 28_901_376, 57_802_752, 28_913_920),
    ("blocks.3.layers.0.conv", 10_616_832, 21_233_664, 10_621_440),
    ("blocks.3.layers.1.conv", 21_233_664, 42_467_328, 21_238_272),
    ("blocks.3.layers.2.conv", 21_233_664, 42_467_328, 21_238_272),
    ("hidden.0.linear", 2_097_152, 4_194_304, 2_101_248),
    ("hidden.1.linear", 16_777_216, 33_554_432, 16_781_312),
    ("output", 40_960, 81_920, 40_970),
];

#[test]
fn the_first_network_layer_by_layer() {
    let analysis = network("vgg16-28", [1, 1, 28, 28], false);
    let report = |convention| analysis.report(&Options::default().with_convention(convention));
    let (macs, flops, paper) = (report(MACS), report(FLOPS), report(PAPER));
    let row = |report: &Report, path: &str| -> u128 {
        let row = report.rows.iter().find(|row| row.path == path);
        row.expect("a row").cost
    };
    for (path, by_macs, by_flops, by_paper) in BY_HAND {
        assert_eq!(row(&macs, path), by_macs, "{path}");
        assert_eq!(row(&flops, path), by_flops, "{path}");
        assert_eq!(row(&paper, path), by_paper, "{path}");
    }
    assert_eq!(macs.total.parameters.count(), 26_557_642);
    // ReLU and max pooling compare; they neither multiply nor add.
    let sum =
        |column: fn(&(&str, u128, u128, u128)) -> u128| BY_HAND.iter().map(column).sum::<u128>();
    assert_eq!(macs.total.cost, sum(|layer| layer.1));
    assert_eq!(flops.total.cost, sum(|layer| layer.2));
    assert_eq!(paper.total.cost, sum(|layer| layer.3));
    let relus = 2 * 50_176 + 2 * 25_088 + 3 * 12_544 + 3 * 4_608 + 2 * 4_096;
    let pools = 3 * (64 * 196 + 128 * 49 + 256 * 9 + 512);
    assert_eq!(macs.total.work.comparisons, relus + pools);
}

fn example(arguments: &[&str]) -> Output {
    let mut command = program::example("cost");
    command.args(arguments).output().expect("it starts")
}

#[track_caller]
fn shows(arguments: &[&str]) -> String {
    let output = example(arguments);
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{errors}");
    String::from_utf8(output.stdout).expect("text")
}

#[track_caller]
fn fails(arguments: &[&str], expected: &str) {
    let output = example(arguments);
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{errors}");
    assert!(errors.contains(expected), "{errors}");
    assert!(!errors.contains("panicked"), "{errors}");
}

#[test]
fn the_example_shows_tables_that_fit() {
    for arguments in [
        &["vgg16", "--input", "1x3x224x224"][..],
        &[
            "vgg19-bn",
            "--train",
            "--optimizer",
            "adam",
            "--convention",
            "flops",
        ],
        &["vgg11-cifar", "--depth", "1"],
        &["vgg11", "--compare", "vgg19-bn", "--depth", "2"],
    ] {
        let table = shows(arguments);
        let widest = table.lines().map(|line| line.chars().count()).max();
        assert!(widest <= Some(100), "{widest:?} {arguments:?}");
    }
    let table = shows(&["vgg16", "--input", "1x3x224x224"]);
    for figure in ["138,357,544", "15,470,264,320"] {
        assert!(table.contains(figure), "{figure}");
    }
}

#[test]
fn the_example_folds_equal_layers_and_shows_all() {
    let table = shows(&["vgg16"]);
    assert!(table.contains("1–2 ×2"), "{table}");
    let all = shows(&["vgg16", "--all"]);
    assert!(!all.contains('×'), "{all}");
    assert!(all.lines().count() > table.lines().count());
    let narrow = shows(&["vgg16", "--columns", "60"]);
    assert!(narrow.lines().all(|line| line.chars().count() <= 60));
    assert!(narrow.contains("too narrow"), "{narrow}");
    let markdown = shows(&["vgg16", "--format", "markdown"]);
    assert!(markdown.contains("&nbsp;&nbsp;"), "{markdown}");
}

#[test]
fn the_example_shows_the_least_time() {
    let peaks = ["--peak", "2.1TFLOP/s", "--bandwidth", "60GB/s"];
    let with = |more: &[&str]| shows(&[&["vgg16"], &peaks[..], more].concat());
    let table = with(&[]);
    for part in ["least time", "2.10 TFLOP/s, 60.00 GB/s", "arithmetic"] {
        assert!(table.contains(part), "{part} is missing in\n{table}");
    }
    assert!(with(&["--format", "csv"]).contains(",least_seconds,bound_by,"));
    let report = Report::from_json(&with(&["--format", "json"])).expect("a report");
    let bounds = report.bounds.expect("bounds");
    // 30.9 GFLOP at 2.1 TFLOP/s.
    assert!((0.0147..0.0148).contains(&bounds.arithmetic_alone));
    assert!(bounds.sum.seconds() > bounds.arithmetic_alone.max(bounds.memory_alone));

    for (arguments, expected) in [
        (&["--peak", "2.1T", "--bandwidth", "60GB/s"][..], "FLOP/s"),
        (&["--peak", "2.1TFLOP/s", "--bandwidth", "60Gb/s"], "B/s"),
        (&["--peak", "2.1TFLOP/s"], "--bandwidth"),
        (
            &[
                "--peak",
                "1FLOP/s",
                "--bandwidth",
                "1B/s",
                "--compare",
                "vgg11",
            ],
            "--compare",
        ),
    ] {
        let output = example(&[&["vgg16"], arguments].concat());
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{errors}");
        assert!(errors.contains(expected), "{errors}");
    }
}

#[test]
fn the_example_writes_for_machines() {
    let json = shows(&["vgg16-28", "--format", "json", "--train"]);
    let report = Report::from_json(&json).expect("a report");
    assert_eq!(report.total.cost, 216_957_952);
    assert!(report.training.is_some());
    let csv = shows(&["vgg16-28", "--format", "csv"]);
    assert!(
        csv.lines()
            .last()
            .is_some_and(|line| line.contains("26557642")),
        "{csv}"
    );
    assert!(shows(&["vgg16-28", "--format", "svg"]).starts_with("<svg"));
    assert!(shows(&["vgg16-28", "--format", "markdown"]).contains("| "));
    for convention in ALL {
        shows(&["vgg16-28", "--convention", convention.name, "--strict"]);
    }
}

#[test]
fn the_example_takes_the_configuration_of_a_run() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("config.json");
    let config = VggConfig::named("vgg16-28")
        .expect("a name")
        .with_width(0.5);
    burn::config::Config::save(&config, &path).expect("saved");
    let path = path.to_str().expect("text");
    let json = shows(&[path, "--format", "json"]);
    let report = Report::from_json(&json).expect("a report");
    assert_eq!(report.total.parameters.count(), config.parameter_count());
    std::fs::write(path, "{}").expect("written");
    fails(&[path], "config.json");

    // A few bytes that ask for any number of layers, a value that nests without end, a file without end.
    let many = |config: VggConfig| serde_json::to_string(&config).expect("serialises");
    let thin = config.with_width(1e-9);
    let convolutions = thin
        .clone()
        .with_blocks(vec![vgg::BlockConfig::new(1_000_000, 1)]);
    for (text, expected) in [
        (
            many(convolutions),
            "at most 1000 convolutions, found 1000000",
        ),
        (
            many(thin.with_hidden(vec![1; 1_000_000])),
            "at most 100 hidden layers, found 1000000",
        ),
        (
            format!("{{\"deep\": {}", "[".repeat(1 << 20)),
            "EOF while parsing",
        ),
        (" ".repeat((16 << 20) + 1), "more than 16777216 bytes"),
    ] {
        std::fs::write(path, text).expect("written");
        fails(&[path], expected);
    }
    #[cfg(unix)]
    fails(&["/dev/zero"], "a device or a pipe");
}

#[test]
fn the_example_enforces_limits() {
    shows(&[
        "vgg16",
        "--max-macs",
        "16G",
        "--max-params",
        "139M",
        "--max-peak-memory",
        "1GiB",
    ]);
    fails(&["vgg16", "--max-macs", "15G"], "15,470,264,320");
    fails(&["vgg16", "--max-params", "100M"], "138,357,544");
    fails(&["vgg16", "--max-peak-memory", "500MiB"], "peak");
    fails(&["vgg17"], "there is no network named");
    fails(&["vgg16", "--input", "1x1x224x224"], "3 channels");
    fails(&["vgg16", "--input", "1x3x8x8"], "32×32");
}
