//! One walk through the convolutional part, up to the last layer that is asked for.

use burn::tensor::Tensor;

use super::layer::FeatureLayer;
use crate::engine::Engine;
use crate::layers::Block;

/// The convolutional part of a network.
#[derive(Clone, Copy)]
pub(super) struct Trunk<'a> {
    pub(super) blocks: &'a [Block],
    pub(super) engine: Engine,
}

/// Sees the map at a layer, and gives the one to go on with.
type Visit<'a> = &'a mut dyn FnMut(FeatureLayer, Tensor<4>) -> Tensor<4>;

impl Trunk<'_> {
    /// The maps of `images` at `layers`, in the order asked for.
    pub(super) fn maps(self, images: Tensor<4>, layers: &[FeatureLayer]) -> Vec<Tensor<4>> {
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
    pub(super) fn walk(
        self,
        images: Tensor<4>,
        layers: &[FeatureLayer],
        last: Option<FeatureLayer>,
        visit: Visit<'_>,
    ) -> Tensor<4> {
        let mut map = images;
        for (block, of_block) in (1..).zip(self.blocks) {
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
        let engine = self.engine;
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
            map = of_block.forward_part(map, &of_block.layers[start..end], false, engine);
            start = layer;
            if apart {
                map = conv.convolve(map, engine);
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
        map = of_block.forward_part(map, &of_block.layers[start..], true, engine);
        let pool = FeatureLayer::Pool { block };
        match layers.contains(&pool) {
            true => visit(pool, map),
            false => map,
        }
    }
}
