//! A network as operators of ONNX.

use burn::nn::Linear;

use super::weights::{Values, Weight};
use crate::config::Pooling;
use crate::features::FeatureLayer;
use crate::layers::Block;
use crate::model::Vgg;

/// What goes into a model.
pub(super) const INPUT: &str = "images";
/// What comes out.
pub(super) const OUTPUT: &str = "logits";

/// Operators in the order in which they are computed, and what they are computed with. Both are named as in the paper:
/// `conv1_1` with `conv1_1.weight`, `relu1_1`, `pool1`, `fc6`.
#[derive(Default)]
pub(super) struct Graph<'a> {
    pub(super) nodes: Vec<Node>,
    pub(super) weights: Vec<Weight<'a>>,
}

/// An operator. What it puts out is called as it is.
pub(super) struct Node {
    pub(super) operator: &'static str,
    pub(super) name: String,
    pub(super) inputs: Vec<String>,
    pub(super) output: String,
    pub(super) attributes: Vec<(&'static str, Attribute)>,
}

#[derive(Clone, Copy)]
pub(super) enum Attribute {
    Number(i64),
    Numbers(&'static [i64]),
}

/// A square window of this length, at every so many-th place.
const fn window(length: &'static [i64], stride: &'static [i64]) -> [(&'static str, Attribute); 2] {
    [
        ("kernel_shape", Attribute::Numbers(length)),
        ("strides", Attribute::Numbers(stride)),
    ]
}

impl<'a> Graph<'a> {
    /// The graph of `network` for images of `size` (height, width) that it takes.
    pub(super) fn new(network: &'a Vgg, size: [usize; 2]) -> Self {
        let mut graph = Self::default();
        let mut map = INPUT.to_owned();
        for (number, block) in (1..).zip(&network.blocks) {
            map = graph.block(number, block, map);
        }
        let config = network.config();
        map = graph.pooling(&config.pooling, map, config.feature_map(size));
        let mut values = graph.node("Flatten", "flatten", vec![map], []);
        let mut number = network.blocks.len() + 1;
        for layer in &network.hidden {
            values = graph.linear(number, &layer.linear, values);
            values = graph.node("Relu", &format!("relu{number}"), vec![values], []);
            number += 1;
        }
        graph.linear(number, &network.output, values);
        if let Some(last) = graph.nodes.last_mut() {
            last.output = OUTPUT.to_owned();
        }
        graph
    }

    /// An operator, and what it puts out.
    fn node(
        &mut self,
        operator: &'static str,
        name: &str,
        inputs: Vec<String>,
        attributes: impl IntoIterator<Item = (&'static str, Attribute)>,
    ) -> String {
        self.nodes.push(Node {
            operator,
            name: name.to_owned(),
            inputs,
            output: name.to_owned(),
            attributes: attributes.into_iter().collect(),
        });
        name.to_owned()
    }

    fn weight(&mut self, name: String, values: Values<'a>) -> String {
        self.weights.push(Weight {
            name: name.clone(),
            values,
        });
        name
    }

    fn block(&mut self, block: usize, of_block: &'a Block, mut map: String) -> String {
        for (layer, conv) in (1..).zip(&of_block.layers) {
            let name = FeatureLayer::Conv { block, layer }.to_string();
            let weight = self.weight(format!("{name}.weight"), Values::Kernels(conv));
            let bias = self.weight(format!("{name}.bias"), Values::KernelBias(conv));
            let [length, stride] = window(&[3, 3], &[1, 1]);
            let padding = ("pads", Attribute::Numbers(&[1, 1, 1, 1]));
            let inputs = vec![map, weight, bias];
            map = self.node("Conv", &name, inputs, [length, padding, stride]);
            let relu = FeatureLayer::Relu { block, layer }.to_string();
            map = self.node("Relu", &relu, vec![map], []);
        }
        let pool = FeatureLayer::Pool { block }.to_string();
        self.node("MaxPool", &pool, vec![map], window(&[2, 2], &[2, 2]))
    }

    /// The averaging of the last block's map, of which `[height, width]` are the sides.
    fn pooling(&mut self, pooling: &Pooling, map: String, [height, width]: [usize; 2]) -> String {
        match pooling {
            Pooling::Flatten => map,
            Pooling::GlobalAverage => self.node("GlobalAveragePool", "average", vec![map], []),
            // Of a map that has this size already, every mean is that of one number.
            Pooling::Adaptive7x7 if [height, width] == pooling.output_size([height, width]) => map,
            // ONNX has no such operator: means of rows, then of columns, are two products of matrices.
            Pooling::Adaptive7x7 => {
                let [rows, columns] = pooling.output_size([height, width]);
                let turned = false;
                let means = Values::Means {
                    from: height,
                    to: rows,
                    turned,
                };
                let rows = self.weight("average.rows".to_owned(), means);
                let map = self.node("MatMul", "average_rows", vec![rows, map], []);
                let turned = true;
                let means = Values::Means {
                    from: width,
                    to: columns,
                    turned,
                };
                let columns = self.weight("average.columns".to_owned(), means);
                self.node("MatMul", "average", vec![map, columns], [])
            }
        }
    }

    fn linear(&mut self, number: usize, linear: &'a Linear, values: String) -> String {
        let name = format!("fc{number}");
        let weight = self.weight(format!("{name}.weight"), Values::Matrix(linear));
        let mut inputs = vec![values, weight];
        if let Some(bias) = &linear.bias {
            inputs.push(self.weight(format!("{name}.bias"), Values::Bias(bias)));
        }
        // Weights lie in files as PyTorch has them, one row an output.
        self.node("Gemm", &name, inputs, [("transB", Attribute::Number(1))])
    }
}
