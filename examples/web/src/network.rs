//! A network that recognises pictures, on the device of this module.

use burn::tensor::activation::softmax;
use burn::tensor::{Device, Tensor};
use vgg::{Classifier, DeviceError, Source, VggConfig, WeightsError};
use wasm_bindgen::prelude::{JsError, wasm_bindgen};

/// The device that this module was compiled for, opened.
#[wasm_bindgen]
#[derive(Debug, Clone)]
pub struct Backend(Device);

/// Opens the device that this module was compiled for. To be called once.
///
/// # Errors
/// A browser without WebGPU or without an adapter, in the GPU's module.
#[wasm_bindgen(js_name = "openBackend")]
pub async fn open_backend() -> Result<Backend, JsError> {
    Ok(Backend(open().await?))
}

#[cfg(feature = "webgpu")]
async fn open() -> Result<Device, DeviceError> {
    vgg::device::browser_gpu().await
}

#[cfg(not(feature = "webgpu"))]
async fn open() -> Result<Device, DeviceError> {
    vgg::device("flex")
}

/// A network with its weights.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Network(Classifier);

/// What the network says about one picture.
#[wasm_bindgen]
#[derive(Debug, Clone)]
pub struct Answer {
    pixels: Vec<u8>,
    probabilities: Vec<f32>,
}

#[wasm_bindgen]
impl Network {
    /// The network of a safetensors file: one of this project, or an ImageNet network in
    /// torchvision's or timm's layout; `name` is for messages only.
    ///
    /// # Errors
    /// A file that is not whole, or holds something else.
    #[wasm_bindgen(constructor)]
    pub fn new(name: &str, bytes: &[u8], backend: &Backend) -> Result<Network, JsError> {
        let file = Source::named(name, bytes);
        let classifier = match Classifier::from_file(&file, &backend.0) {
            Err(error @ WeightsError::NoConfig { .. }) => {
                imagenet(&file, &backend.0).ok_or(error)?
            }
            other => other?,
        };
        Ok(Self(classifier))
    }

    /// Names of the classes, in the order of the probabilities.
    #[wasm_bindgen(getter)]
    pub fn classes(&self) -> Vec<String> {
        self.0.classes().to_vec()
    }

    /// Channels, height and width of the input.
    #[wasm_bindgen(getter)]
    pub fn shape(&self) -> Vec<usize> {
        self.0.preprocessing().shape.to_vec()
    }

    /// How many parameters the network has.
    #[wasm_bindgen(getter)]
    pub fn parameters(&self) -> f64 {
        self.0.network().config().parameter_count() as f64
    }

    /// Recognises the image in `bytes`; `name` is for messages only.
    ///
    /// # Errors
    /// An image that cannot be used, or a device that does not answer.
    pub async fn classify(&self, name: &str, bytes: &[u8]) -> Result<Answer, JsError> {
        let pixels = self.0.preprocessing().read(Source::named(name, bytes))?;
        let images = self.0.images(&pixels)?;
        self.answer(pixels, images).await
    }
}

impl Network {
    pub(crate) fn classifier(&self) -> &Classifier {
        &self.0
    }

    /// What the network says about `images`, which are made of `pixels`.
    pub(crate) async fn answer(
        &self,
        pixels: Vec<u8>,
        images: Tensor<4>,
    ) -> Result<Answer, JsError> {
        let logits = self.0.prepared().forward(images)?;
        let probabilities = values(softmax(logits, 1)).await?;
        self.0.check_answer(&probabilities)?;
        Ok(Answer {
            pixels,
            probabilities,
        })
    }
}

impl Answer {
    /// The class of the highest probability.
    pub(crate) fn most_probable(&self) -> usize {
        let classes = self.probabilities.iter().enumerate();
        let best = classes.max_by(|a, b| a.1.total_cmp(b.1));
        best.map_or(0, |(class, _)| class)
    }
}

/// A file of another tool does not say which network it is of: the one that it fits.
fn imagenet(file: &Source, device: &Device) -> Option<Classifier> {
    VggConfig::names().iter().find_map(|variant| {
        let network = VggConfig::named(variant).ok()?.init(device).ok()?;
        let (classifier, report) = Classifier::from_weights(network, file).ok()?;
        report.not_finite.is_empty().then_some(classifier)
    })
}

/// A GPU's values can only be waited for asynchronously.
pub(crate) async fn values<const D: usize>(tensor: Tensor<D>) -> Result<Vec<f32>, JsError> {
    let data = tensor.into_data_async().await?.convert::<f32>();
    let values = data.try_into_vec::<f32>();
    values.map_err(|error| JsError::new(&format!("{error:?}")))
}

#[wasm_bindgen]
impl Answer {
    /// What the network saw: values 0 to 255 in the order channel, row, column.
    #[wasm_bindgen(getter)]
    pub fn pixels(&self) -> Vec<u8> {
        self.pixels.clone()
    }

    /// The probability of each class.
    #[wasm_bindgen(getter)]
    pub fn probabilities(&self) -> Vec<f32> {
        self.probabilities.clone()
    }
}
