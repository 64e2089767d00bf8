//! The parameters of a network as a file lists them.

use std::collections::BTreeMap;

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::Tensor;

use crate::model::Vgg;

/// The shape of each parameter in a file, by its path in the network. That of a linear layer's weights is turned
/// around. No weight is made for it.
pub(super) fn shapes(network: &Vgg) -> BTreeMap<String, Vec<usize>> {
    let mut shapes = Shapes::default();
    network.visit(&mut shapes);
    shapes.found
}

#[derive(Default)]
struct Shapes {
    path: Vec<String>,
    found: BTreeMap<String, Vec<usize>>,
}

impl ModuleVisitor for Shapes {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let mut shape = param.lazy_shape().to_vec();
        // Only linear layers have two dimensions.
        if D == 2 {
            shape.reverse();
        }
        self.found.insert(self.path.join("."), shape);
    }
}
