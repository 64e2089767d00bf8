//! What happens inside a network while it looks at one picture.

use vgg::{FeatureLayer, Source};
use wasm_bindgen::prelude::{JsError, wasm_bindgen};

use crate::network::{Answer, Network, values};

/// The maps that one picture leaves in the network, and the part of it that speaks for a class.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Inside {
    answer: Answer,
    class: usize,
    heat: FeatureMap,
    maps: Vec<FeatureMap>,
}

/// What one layer puts out for one picture.
#[wasm_bindgen]
#[derive(Debug, Clone)]
pub struct FeatureMap {
    layer: String,
    shape: Vec<usize>,
    values: Vec<f32>,
}

#[wasm_bindgen]
impl Network {
    /// [`Network::classify`], with the maps at the end of each block, and a Grad-CAM for `class`
    /// at one of these layers; the most probable class and the last layer where none are named.
    ///
    /// # Errors
    /// An image that cannot be used, a class or layer that the network has not, or a device that
    /// does not answer.
    pub async fn inside(
        &self,
        name: &str,
        bytes: &[u8],
        class: Option<usize>,
        layer: Option<String>,
    ) -> Result<Inside, JsError> {
        let network = self.classifier().network();
        let picture = Source::named(name, bytes);
        let pixels = self.classifier().preprocessing().read(picture)?;
        let images = self.classifier().images(&pixels)?;
        let answer = self.answer(pixels, images.clone()).await?;
        let class = class.unwrap_or(answer.most_probable());

        let layers = network.config().pyramid_layers();
        let layers: Vec<_> = layers
            .into_iter()
            .filter(|layer| matches!(layer, FeatureLayer::Relu { .. }))
            .collect();
        let mut maps = Vec::with_capacity(layers.len());
        for (layer, map) in layers
            .iter()
            .zip(network.forward_at(images.clone(), &layers)?)
        {
            maps.push(FeatureMap {
                layer: layer.to_string(),
                shape: map.dims()[1..].to_vec(),
                values: values(map).await?,
            });
        }

        let layer = match layer {
            Some(name) => Some(network.config().feature_layer(&name)?),
            None => layers.last().copied(),
        };
        let heat = network.grad_cam(images, class, layer)?;
        let heat = FeatureMap {
            layer: layer.map(|layer| layer.to_string()).unwrap_or_default(),
            shape: heat.dims().to_vec(),
            values: values(heat).await?,
        };
        Ok(Inside {
            answer,
            class,
            heat,
            maps,
        })
    }
}

#[wasm_bindgen]
impl Inside {
    /// What the network says about the picture.
    #[wasm_bindgen(getter)]
    pub fn answer(&self) -> Answer {
        self.answer.clone()
    }

    /// The class that the heat map is about.
    #[wasm_bindgen(getter)]
    pub fn class(&self) -> usize {
        self.class
    }

    /// How much each part of the picture speaks for the class, 0 to 1; shape (height, width).
    #[wasm_bindgen(getter)]
    pub fn heat(&self) -> FeatureMap {
        self.heat.clone()
    }

    /// The maps, from the first block on; shapes (channels, height, width).
    #[wasm_bindgen(getter)]
    pub fn maps(&self) -> Vec<FeatureMap> {
        self.maps.clone()
    }
}

#[wasm_bindgen]
impl FeatureMap {
    /// The layer's name, such as `relu3_3`.
    #[wasm_bindgen(getter)]
    pub fn layer(&self) -> String {
        self.layer.clone()
    }

    /// The size of each dimension.
    #[wasm_bindgen(getter)]
    pub fn shape(&self) -> Vec<usize> {
        self.shape.clone()
    }

    /// The values, the last dimension running fastest.
    #[wasm_bindgen(getter)]
    pub fn values(&self) -> Vec<f32> {
        self.values.clone()
    }
}
