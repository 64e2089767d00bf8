//! Feeds every operation to the table.

mod base;
mod convolutions;
mod layers;
mod operations;

use burn_ir::*;
use burn_std::DType;

use super::rule;
use crate::kind::Kind;
use base::base;
use operations::*;

#[test]
fn every_operation_has_a_rule() {
    let operations = base()
        .into_iter()
        .flat_map(|op| {
            [
                OperationIr::BaseFloat(op.clone()),
                OperationIr::BaseInt(op.clone()),
                OperationIr::BaseBool(op),
            ]
        })
        .chain(numeric().into_iter().flat_map(|op| {
            [
                OperationIr::NumericFloat(DType::F32, op.clone()),
                OperationIr::NumericInt(DType::I64, op),
            ]
        }))
        .chain(
            float()
                .into_iter()
                .map(|op| OperationIr::Float(DType::F32, op)),
        )
        .chain(int().into_iter().map(OperationIr::Int))
        .chain(boolean().into_iter().map(OperationIr::Bool))
        .chain(activation().into_iter().map(OperationIr::Activation))
        .chain(convolutions::module().into_iter().map(OperationIr::Module))
        .chain([
            OperationIr::Distributed(DistributedOperationIr::SyncCollective),
            OperationIr::Distributed(DistributedOperationIr::AllReduce(AllReduceOpIr {
                tensor: image(),
                out: image(),
                op: burn_backend::distributed::ReduceOperation::Sum,
                device_ids: Vec::new(),
            })),
            OperationIr::Init(InitOperationIr { out: image() }),
            OperationIr::Drop(image()),
        ]);
    for operation in operations {
        let rule = rule(&operation);
        let work = rule
            .work
            .unwrap_or_else(|| panic!("no rule: {operation:?}"));
        let counted = work.flops() + work.comparisons + work.elementary + work.integer;
        // What is neither a copy nor a view nor made anew computes something.
        let idle = matches!(
            rule.kind,
            Kind::View | Kind::Movement | Kind::Creation | Kind::Embedding | Kind::Collective
        );
        let name = rule.called.as_str();
        assert!(idle || counted > 0, "{name}: {operation:?}");
        assert_eq!(work.macs > 0, is_product(name), "{name}");
        // Burn derives all but what is a gradient itself.
        assert_eq!(rule.gradients.len(), operation.inputs().count(), "{name}");
        let known = rule.gradients.iter().all(Option::is_some);
        assert_eq!(known, !name.ends_with("_backward"), "{name}");
    }
}

fn is_product(name: &str) -> bool {
    let bias = name.contains("bias_backward");
    let product = ["conv", "linear", "matmul", "attention"];
    !bias && product.iter().any(|part| name.contains(part))
}

#[test]
fn integer_arithmetic_is_no_floating_point_work() {
    let rule = rule(&OperationIr::NumericInt(
        DType::I64,
        NumericOperationIr::Add(binary()),
    ));
    let work = rule.work.expect("a rule");
    assert_eq!((work.flops(), work.integer), (0, 288));
}

#[test]
fn a_custom_operation_has_none() {
    let custom = CustomOpIr::new("own", &[image()], &[image()]);
    assert_eq!(rule(&OperationIr::Custom(custom)).work, None);
}

#[test]
fn amounts() {
    let flops = |operation: OperationIr| rule(&operation).work.expect("a rule").flops();
    let float = |op| OperationIr::Float(DType::F32, op);
    // 2·3·5 inner products of 4 terms.
    assert_eq!(flops(float(FloatOperationIr::Matmul(matmul()))), 30 * 7);
    let numeric = |op| OperationIr::NumericFloat(DType::F32, op);
    assert_eq!(flops(numeric(NumericOperationIr::Sum(reduce()))), 287);
    assert_eq!(
        flops(numeric(NumericOperationIr::MeanDim(reduce_dim()))),
        288
    );
    assert_eq!(
        flops(numeric(NumericOperationIr::CumSum(along()))),
        288 - 48
    );
    let sorted = rule(&numeric(NumericOperationIr::Sort(sort())));
    // ⌈log₂ 6⌉ is 3.
    assert_eq!(sorted.work.expect("a rule").comparisons, 288 * 3);
    let softmax = rule(&OperationIr::Activation(ActivationOperationIr::Softmax(
        along(),
    )));
    let work = softmax.work.expect("a rule");
    assert_eq!((work.comparisons, work.additions), (240, 288 + 240));
    assert_eq!((work.elementary, work.divisions), (288, 288));
}
