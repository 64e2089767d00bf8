//! Operations of one's own.

use burn::nn::{Linear, LinearConfig};
use burn::tensor::{Device, Tensor};
use burn_capture::CaptureBackend;
use burn_ir::{CustomOpIr, OperationIr};
use burn_router::RouterClient;
use cost::{Analyzer, Error, Options, Work, analyse};

/// What a backend extension records on a device that only records.
fn cube_root(tensor: Tensor<2>) -> Tensor<2> {
    let input = tensor
        .try_into_primitive::<CaptureBackend>()
        .expect("a recorded tensor");
    let client = input.client.clone();
    let input = input.into_ir();
    let out = burn_ir::TensorIr::uninit(
        client.create_empty_handle(),
        input.shape.clone(),
        input.dtype,
    );
    let operation = CustomOpIr::new("cube_root", &[input], std::slice::from_ref(&out));
    client.register_op(OperationIr::Custom(operation));
    let out = burn_router::RouterTensor::new(out.id, out.shape, out.dtype, client);
    Tensor::from_primitive::<CaptureBackend>(out)
}

fn layer() -> Linear {
    LinearConfig::new(4, 8).init(&Device::flex())
}

#[test]
fn without_a_rule_it_is_listed() {
    let analysis = analyse(&layer(), |layer, inputs| {
        cube_root(layer.forward(inputs.float([3, 4])))
    })
    .expect("it runs");
    let report = analysis.report(&Options::default());
    let [entry] = report.uncounted.as_slice() else {
        panic!("{:?}", report.uncounted);
    };
    assert_eq!(
        (entry.operation.as_str(), entry.operations, entry.elements),
        ("cube_root", 1, 24)
    );
    for shown in [report.to_table(), report.to_markdown()] {
        assert!(shown.contains("cube_root"), "{shown}");
    }
    let picture = report.to_svg();
    assert!(picture.contains("Not counted"), "{picture}");
    let csv = report.to_csv();
    assert!(
        csv.lines().skip(1).all(|line| line.ends_with(",1,macs")),
        "{csv}"
    );
    let error = analysis
        .strict_report(&Options::default())
        .expect_err("no rule");
    assert!(matches!(&error, Error::Uncounted(list) if list.len() == 1));
    assert!(error.to_string().contains("`cube_root`"), "{error}");
}

#[test]
fn with_a_rule_it_is_counted() {
    let analyzer = Analyzer::default().with_rule("cube_root", |operation| Work {
        elementary: operation
            .outputs
            .iter()
            .map(|out| out.shape.num_elements() as u128)
            .sum(),
        ..Work::default()
    });
    let analysis = analyzer
        .analyse(&layer(), |layer, inputs| {
            cube_root(layer.forward(inputs.float([3, 4])))
        })
        .expect("it runs");
    let report = analysis
        .strict_report(&Options::default())
        .expect("all counted");
    assert_eq!(report.total.work.elementary, 24);
}

#[test]
fn a_rule_that_panics_is_an_error() {
    let analyzer = Analyzer::default().with_rule("cube_root", |operation| {
        let second = &operation.inputs[1];
        Work {
            elementary: second.shape.num_elements() as u128,
            ..Work::default()
        }
    });
    let error = analyzer.analyse(&layer(), |layer, inputs| {
        cube_root(layer.forward(inputs.float([3, 4])))
    });
    let error = error.expect_err("the rule panics");
    assert!(
        matches!(&error, Error::Rule { operation, .. } if operation == "cube_root"),
        "{error}"
    );
    assert!(error.to_string().contains("out of bounds"), "{error}");
}
