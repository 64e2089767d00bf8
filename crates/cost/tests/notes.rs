//! What a report says of parts that never met.

use burn::module::Module;
use burn::nn::{BatchNorm, BatchNormConfig, Linear, LinearConfig};
use burn::tensor::{Device, Tensor};
use cost::{Inputs, Optimizer, Options, Outputs, Report, analyse};

#[derive(Module, Debug)]
struct Network {
    used: Linear,
    norm: BatchNorm,
    unused: Linear,
    heads: Vec<Linear>,
}

fn network() -> Network {
    let device = Device::flex();
    let linear = || LinearConfig::new(4, 4).init(&device);
    Network {
        used: linear(),
        norm: BatchNormConfig::new(4).init(&device),
        unused: linear(),
        heads: (0..3).map(|_| linear()).collect(),
    }
}

fn report<O: Outputs>(forward: impl FnOnce(&Network, &mut Inputs) -> O) -> Report {
    let analysis = analyse(&network(), forward).expect("it runs");
    analysis.report(&Options::default().with_training(Optimizer::Sgd))
}

fn all(network: &Network, x: Tensor<2>) -> Tensor<2> {
    let x = network.norm.forward(network.used.forward(x));
    let heads = network.heads.iter();
    heads.fold(network.unused.forward(x), |x, head| head.forward(x))
}

#[test]
fn nothing_to_say() {
    let report = report(|n, i| all(n, i.float([2, 4])));
    assert_eq!(report.notes, [""; 0]);
    assert!(!report.to_json().expect("JSON").contains("notes"));
    assert!(!report.to_table().contains("note:"));
}

#[test]
fn parameters_that_nothing_reads() {
    let report = report(|n, i| {
        let x = n.heads[1].forward(n.used.forward(i.float([2, 4])));
        (x, i.bool([3]))
    });
    let note = "Never read: 8 of 12 parameter tensors (68 values), of `norm`, `unused`, `heads.0` \
                and `heads.2`.";
    assert_eq!(report.notes, [note]);
    let table = report.to_table();
    assert!(table.contains("note:  Never read: 8 of 12"), "{table}");
    let markdown = report.to_markdown();
    assert!(markdown.contains("> **Note:** Never read"), "{markdown}");
    let json = report.to_json().expect("JSON");
    assert_eq!(Report::from_json(&json).expect("JSON"), report);
}

#[test]
fn an_input_that_nothing_reads() {
    let report = report(|n, i| {
        let _ = i.int([7]);
        all(n, i.float([2, 4]))
    });
    assert_eq!(report.notes, ["Never read: input 0."]);
}

#[test]
fn no_output_no_backward_pass() {
    let report = report(|n, i| {
        let _ = all(n, i.float([2, 4]));
    });
    assert_eq!(report.notes.len(), 1, "{:?}", report.notes);
    assert!(report.notes[0].contains("returned no tensor"));
    let analysis = analyse(&network(), |n, i| {
        let _ = all(n, i.float([2, 4]));
    });
    let inference = analysis.expect("it runs").report(&Options::default());
    assert_eq!(inference.notes, [""; 0]);
}

#[test]
fn all_frozen() {
    let frozen = network().freeze();
    let analysis = analyse(&frozen, |n, i| all(n, i.float([2, 4]))).expect("it runs");
    let report = analysis.report(&Options::default().with_training(Optimizer::Sgd));
    assert_eq!(report.notes.len(), 1, "{:?}", report.notes);
    assert!(report.notes[0].contains("No trainable parameter"));
}

#[test]
fn work_on_another_device() {
    let elsewhere = network();
    let report = report(|_, i| {
        let _ = i.float([2, 4]);
        let _ = all(&elsewhere, Tensor::ones([2, 4], &Device::flex()));
    });
    assert_eq!(report.total.cost, 0);
    let notes = report.notes.join("\n");
    assert!(notes.contains("on another device"), "{notes}");
    assert!(notes.contains("Never read: input 0."), "{notes}");
    assert!(notes.contains("Never read: 12 of 12"), "{notes}");
}

#[test]
fn results_that_are_brought_over() {
    let elsewhere = network();
    let report = report(|n, i| {
        let x = n.used.forward(i.float([2, 4]));
        let y = all(&elsewhere, Tensor::ones([2, 4], &Device::flex()));
        (x, y.to_device(i.device()))
    });
    let notes = report.notes.join("\n");
    assert!(
        notes.contains("Not computed from the inputs: output 1."),
        "{notes}"
    );
}
