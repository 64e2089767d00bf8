//! Networks module by module: each has in its row what PyTorch sees happen in its forward pass
//! and in no other's.

use cost::convention::MACS;
use cost::report::Row;
use cost::{Analysis, Options};

use crate::golden::{Module, modules};
use crate::networks;
use crate::resnet50::Shortcut;

/// Modules whose own sums are more than sums of tensors: softmax's are among them.
const WITH_OTHER_SUMS: &str = "MultiHeadAttention";

fn rows(analysis: &Analysis) -> Vec<Row> {
    let options = Options::default().with_convention(MACS);
    analysis.report(&options).rows
}

/// Compares a value of a row with what it is expected to be.
fn differs<T: PartialEq + std::fmt::Debug>(what: &str, found: &T, expected: &T) -> Option<String> {
    (found != expected).then(|| format!("{what} {found:?}, expected {expected:?}"))
}

/// What is wrong with the row of a module.
fn wrong(row: &Row, module: &Module, holds_others: bool) -> Vec<String> {
    let mut wrong = Vec::new();
    if !module.path.is_empty() {
        wrong.extend(differs("type", &row.module.as_str(), &module.module));
    }
    let parameters = row.parameters.count();
    wrong.extend(differs("parameters", &parameters, &module.parameters));
    wrong.extend(differs("macs", &row.cost, &module.macs));
    if !holds_others {
        wrong.extend(differs("calls", &row.calls, &module.calls));
        wrong.extend(differs(
            "outputs",
            &row.outputs,
            &vec![module.output.clone()],
        ));
    } else if module.module != WITH_OTHER_SUMS {
        let additions = row.work.additions;
        wrong.extend(differs("additions", &additions, &module.additions));
    }
    wrong
}

#[track_caller]
fn check(network: &str, analysis: &Analysis) {
    let rows = rows(analysis);
    let modules = modules(network);
    assert!(modules.len() > 70, "{network}");
    let holds_others = |path: &str| {
        let inside = |other: &Module| {
            path.is_empty()
                || other
                    .path
                    .strip_prefix(path)
                    .is_some_and(|rest| rest.starts_with('.'))
        };
        modules
            .iter()
            .any(|other| other.path != path && inside(other))
    };
    let mut found = Vec::new();
    for module in &modules {
        let path = module.path;
        match rows.iter().find(|row| row.path == path) {
            None => found.push(format!("`{path}`: no row")),
            Some(row) => {
                let wrong = wrong(row, module, holds_others(path));
                found
                    .extend((!wrong.is_empty()).then(|| format!("`{path}`: {}", wrong.join("; "))));
            }
        }
    }
    // Nothing happens where PyTorch has no module or a module that nobody calls.
    for row in &rows {
        let known = modules.iter().any(|module| module.path == row.path);
        if !known && (row.operations, row.cost, row.work.flops()) != (0, 0, 0) {
            found.push(format!(
                "`{}`: {} operations of {}, expected none",
                row.path, row.operations, row.module
            ));
        }
    }
    assert!(
        found.is_empty(),
        "{network}: {} of {} rows\n{}",
        found.len(),
        modules.len(),
        found.join("\n")
    );
}

#[test]
fn resnet50_with_the_shortcut_first() {
    check("resnet50", &networks::resnet50(Shortcut::First));
}

#[test]
fn resnet50_with_the_shortcut_last() {
    check("resnet50", &networks::resnet50(Shortcut::Last));
}

#[test]
fn mobilenet_v2() {
    check("mobilenet_v2", &networks::mobilenet_v2());
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
fn detr() {
    check("detr", &networks::detr());
}
