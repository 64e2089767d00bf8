//! Whole networks in the conventions of all tools.

use cost::convention::TORCH;
use cost::{Analysis, Convention, Optimizer, Options};

use crate::golden::{Count, figures};
use crate::networks;
use crate::resnet50::Shortcut;

/// Figures that `cost` is known not to give, and why: network, figure, reason.
const LEFT_OUT: &[[&str; 3]] = &[
    [
        "gpt",
        "thop",
        "thop counts a softmax layer, the twin calls the function",
    ],
    [
        "lstm",
        "thop",
        "thop counts an LSTM as a whole, the twin's is made of linear layers",
    ],
    [
        "lstm",
        "ptflops-pytorch",
        "ptflops counts an LSTM as a whole, the twin's is made of linear layers",
    ],
];

fn found(analysis: &Analysis, figure: &str) -> Count {
    let total = |options: &Options| {
        let report = analysis.report(options);
        let rows: Count = report.rows.iter().map(|row| row.cost).sum();
        assert_eq!(rows, report.total.cost, "the rows add up");
        assert_eq!(report.uncounted, []);
        report.total
    };
    match figure {
        "parameters" => total(&Options::default()).parameters.count(),
        "buffers" => total(&Options::default()).parameters.buffers,
        "torch training" => {
            let options = Options::default().with_convention(TORCH);
            let total = total(&options.with_training(Optimizer::Sgd));
            total.cost + total.backward_cost
        }
        name => {
            let convention: Convention = name.parse().expect("a convention");
            total(&Options::default().with_convention(convention)).cost
        }
    }
}

#[track_caller]
fn check(network: &str, analysis: &Analysis) {
    let figures = figures(network);
    assert_eq!(figures.len(), 12);
    let input = &analysis.report(&Options::default()).inputs[0].shape;
    let mut wrong = Vec::new();
    for figure in figures {
        assert_eq!(*input, figure.input);
        let found = found(analysis, figure.name);
        let left_out = LEFT_OUT
            .iter()
            .any(|[name, of, _]| (*name, *of) == (network, figure.name));
        if left_out == (found == figure.value) {
            let expected = if left_out { "left out" } else { "expected" };
            wrong.push(format!(
                "{}: {found}, {expected} {}",
                figure.name, figure.value
            ));
        }
    }
    assert!(wrong.is_empty(), "{network}\n{}", wrong.join("\n"));
}

#[test]
fn resnet18() {
    check("resnet18", &networks::resnet18());
}

#[test]
fn resnet50() {
    check("resnet50", &networks::resnet50(Shortcut::First));
    check("resnet50", &networks::resnet50(Shortcut::Last));
}

#[test]
fn mobilenet_v2() {
    check("mobilenet_v2", &networks::mobilenet_v2());
}

#[test]
fn squeezenet() {
    check("squeezenet1_1", &networks::squeezenet1_1());
}

#[test]
fn densenet() {
    check("densenet121", &networks::densenet121());
}

#[test]
fn efficientnet() {
    check("efficientnet_b0", &networks::efficientnet_b0());
}

#[test]
fn vision_transformer() {
    check("vit_b_16", &networks::vit_b_16());
}

#[test]
fn convnext() {
    check("convnext_tiny", &networks::convnext_tiny());
}

#[test]
fn unet() {
    check("unet", &networks::unet());
}

#[test]
fn detr() {
    check("detr", &networks::detr());
}

#[test]
fn gpt() {
    check("gpt", &networks::gpt());
}

#[test]
fn inception() {
    check("inception", &networks::inception());
}

#[test]
fn lstm() {
    check("lstm", &networks::lstm());
}
