//! The one way through a network: the blocks, up to the last layer that is asked for, and the head
//! behind them.

use burn::nn::Linear;
use burn::nn::pool::AdaptiveAvgPool2d;
use burn::tensor::Tensor;

use crate::engine::Engine;
use crate::features::FeatureLayer;
use crate::layers::{Block, HiddenLayer, apply};

/// The convolutional part of a network.
#[derive(Clone, Copy)]
pub(crate) struct Trunk<'a>(pub(crate) &'a [Block]);

/// What comes behind the blocks.
#[derive(Clone, Copy)]
pub(crate) struct Head<'a> {
    pub(crate) average: Option<&'a AdaptiveAvgPool2d>,
    pub(crate) hidden: &'a [HiddenLayer],
    pub(crate) output: &'a Linear,
    /// Of the output layer; the hidden layers have their own.
    pub(crate) engine: Engine,
}

/// A part of a network that has been computed, on the way from images to logits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// A layer of the convolutional part.
    Layer(FeatureLayer),
    /// The averaging of the map behind the last block, where the network has it.
    Average,
    /// A hidden layer with its ReLU, by its number from 0.
    Hidden(usize),
    /// The output layer.
    Output,
}

impl Stage {
    /// The path of the module within the network.
    pub fn path(self) -> String {
        let layer = |block: usize, layer: usize, part: &str| {
            format!("blocks.{}.layers.{}.{part}", block - 1, layer - 1)
        };
        match self {
            Self::Layer(FeatureLayer::Conv { block, layer: l }) => layer(block, l, "conv"),
            Self::Layer(FeatureLayer::Norm { block, layer: l }) => layer(block, l, "norm"),
            Self::Layer(FeatureLayer::Relu { block, layer: l }) => layer(block, l, "relu"),
            Self::Layer(FeatureLayer::Pool { block }) => format!("blocks.{}.pool", block - 1),
            Self::Average => "average".to_owned(),
            Self::Hidden(index) => format!("hidden.{index}"),
            Self::Output => "output".to_owned(),
        }
    }
}

/// Hears that a part of the head has been computed.
type Listen<'a> = &'a mut dyn FnMut(Stage);

/// Sees the map at a layer, and gives the one to go on with.
pub(crate) type Visit<'a> = &'a mut dyn FnMut(FeatureLayer, Tensor<4>) -> Tensor<4>;

impl Trunk<'_> {
    /// The map behind the last block.
    pub(crate) fn features(self, images: Tensor<4>) -> Tensor<4> {
        self.walk(images, &[], None, &mut |_, map| map)
    }

    /// The maps of `images` at `layers`, in the order asked for.
    pub(crate) fn maps(self, images: Tensor<4>, layers: &[FeatureLayer]) -> Vec<Tensor<4>> {
        let mut found = Vec::with_capacity(layers.len());
        let last = layers.iter().max().copied();
        self.walk(images, layers, last, &mut |layer, map| {
            found.push((layer, map.clone()));
            map
        });
        let place = |layer: &FeatureLayer| found.iter().find(|(other, _)| other == layer);
        let maps = layers.iter().filter_map(place);
        maps.map(|(_, map)| map.clone()).collect()
    }

    /// The map at `last`, or behind the last block. `visit` is called at each of `layers` on the
    /// way. What lies between two of them is computed in as few pieces as can be.
    pub(crate) fn walk(
        self,
        images: Tensor<4>,
        layers: &[FeatureLayer],
        last: Option<FeatureLayer>,
        visit: Visit<'_>,
    ) -> Tensor<4> {
        let mut map = images;
        for (block, of_block) in (1..).zip(self.0) {
            if last.is_some_and(|last| last.block() < block) {
                break;
            }
            map = self.walk_block(map, (block, of_block), layers, last, visit);
        }
        map
    }

    fn walk_block(
        self,
        mut map: Tensor<4>,
        (block, of_block): (usize, &Block),
        layers: &[FeatureLayer],
        last: Option<FeatureLayer>,
        visit: Visit<'_>,
    ) -> Tensor<4> {
        let mut start = 0;
        for (index, conv) in of_block.layers.iter().enumerate() {
            let layer = index + 1;
            let stages = [
                FeatureLayer::Conv { block, layer },
                FeatureLayer::Norm { block, layer },
                FeatureLayer::Relu { block, layer },
            ];
            if !stages.iter().any(|stage| layers.contains(stage)) {
                continue;
            }
            // Convolution and norm are seen apart only where their maps are asked for.
            let apart = stages[..2].iter().any(|stage| layers.contains(stage));
            let end = if apart { index } else { layer };
            map = of_block.forward_part(map, &of_block.layers[start..end], false);
            start = layer;
            if apart {
                map = conv.convolve(map);
                if layers.contains(&stages[0]) {
                    map = visit(stages[0], map);
                }
                if last == Some(stages[0]) {
                    return map;
                }
                map = conv.normalised(map);
                if layers.contains(&stages[1]) {
                    map = visit(stages[1], map);
                }
                if last == Some(stages[1]) {
                    return map;
                }
                map = conv.activate(map);
            }
            if layers.contains(&stages[2]) {
                map = visit(stages[2], map);
            }
            if last == Some(stages[2]) {
                return map;
            }
        }
        map = of_block.forward_part(map, &of_block.layers[start..], true);
        let pool = FeatureLayer::Pool { block };
        match layers.contains(&pool) {
            true => visit(pool, map),
            false => map,
        }
    }
}

impl Head<'_> {
    /// What the output layer takes, `[batch, values]`, of the map behind the last block.
    pub(crate) fn pre_logits(self, map: Tensor<4>) -> Tensor<2> {
        self.hidden(map, &mut |_| {})
    }

    /// Logits `[batch, classes]` of what [`Head::pre_logits`] gives.
    pub(crate) fn output(self, values: Tensor<2>) -> Tensor<2> {
        apply(self.output, values, self.engine)
    }

    /// Logits `[batch, classes]` of the map behind the last block.
    pub(crate) fn logits(self, map: Tensor<4>) -> Tensor<2> {
        self.walk(map, &mut |_| {})
    }

    /// [`Head::logits`], told part by part.
    pub(crate) fn walk(self, map: Tensor<4>, listen: Listen<'_>) -> Tensor<2> {
        let logits = self.output(self.hidden(map, listen));
        listen(Stage::Output);
        logits
    }

    fn hidden(self, map: Tensor<4>, listen: Listen<'_>) -> Tensor<2> {
        let map = match self.average {
            Some(average) => {
                let map = average.forward(map);
                listen(Stage::Average);
                map
            }
            None => map,
        };
        let layers = self.hidden.iter().enumerate();
        layers.fold(map.flatten(1, 3), |input, (index, layer)| {
            let output = layer.forward(input);
            listen(Stage::Hidden(index));
            output
        })
    }
}
