//! What a network costs.

use cost::render::Format;
use cost::{Convention, Inputs, Optimizer, Options, Report};
use vgg::{Vgg, VggConfig};
use wasm_bindgen::prelude::{JsError, wasm_bindgen};

/// What a network costs, to be shown in several forms.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Costs(Report);

#[wasm_bindgen]
impl Costs {
    /// Counts one forward pass of the VGG called `network` for an input of `shape` (batch,
    /// channels, height, width); with the name of an `optimizer` also a training step.
    ///
    /// # Errors
    /// A name that is not known, or an input that does not fit.
    #[wasm_bindgen(constructor)]
    pub fn new(
        network: &str,
        shape: &[usize],
        convention: &str,
        optimizer: Option<String>,
    ) -> Result<Costs, JsError> {
        let shape = <[usize; 4]>::try_from(shape)?;
        let mut options = Options::default()
            .with_name(network)
            .with_convention(convention.parse::<Convention>()?);
        if let Some(optimizer) = optimizer {
            options = options.with_training(optimizer.parse::<Optimizer>()?);
        }
        let model = VggConfig::named(network)?.init(&vgg::device("flex")?)?;
        let forward = |model: &Vgg, inputs: &mut Inputs| model.forward(inputs.float(shape));
        let analysis = match options.training {
            Some(_) => cost::analyse_training(&model, forward)?,
            None => cost::analyse(&model, forward)?,
        };
        Ok(Self(analysis.report(&options)))
    }

    /// The same with every module below `depth` folded into the one that holds it.
    pub fn folded(&self, depth: usize) -> Costs {
        Self(self.0.folded(depth))
    }

    /// The costs as `table`, `json`, `csv`, `markdown` or `svg`.
    ///
    /// # Errors
    /// Another format.
    pub fn render(&self, format: &str) -> Result<String, JsError> {
        Ok(self.0.render(format.parse::<Format>()?)?)
    }
}

/// The networks that have a name: a JSON list of `name` and `shape` (channels, height, width).
///
/// # Errors
/// None.
#[wasm_bindgen]
pub fn networks() -> Result<String, JsError> {
    let names = VggConfig::names().into_iter();
    let networks: Vec<_> = names
        .map(|name| {
            let config = VggConfig::named(&name)?;
            let [height, width] = config.input_size;
            let shape = [config.input_channels, height, width];
            Ok(serde_json::json!({"name": name, "shape": shape}))
        })
        .collect::<Result<_, vgg::ConfigError>>()?;
    Ok(serde_json::to_string(&networks)?)
}

/// The conventions: a JSON list of `name`, `unit` and `definition`.
///
/// # Errors
/// None.
#[wasm_bindgen]
pub fn conventions() -> Result<String, JsError> {
    let describe = |convention: &Convention| {
        serde_json::json!({
            "name": convention.name,
            "unit": convention.unit,
            "definition": convention.definition,
        })
    };
    let conventions: Vec<_> = cost::convention::ALL.iter().map(describe).collect();
    Ok(serde_json::to_string(&conventions)?)
}
