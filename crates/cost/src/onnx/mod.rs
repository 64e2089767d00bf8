//! What an ONNX model costs, without code for it.
//!
//! The graph is run on the recording device like any other forward pass, operator by operator.
//! Weights are not read: only their shapes matter, so files whose weights lie elsewhere work, too.
//! Rows are named after the graph's operators, which PyTorch names after its modules.
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/onnx/perceptron.onnx");
//! let model = cost::onnx::Model::read(path)?.with_side("batch", 8);
//! let report = model.analyse()?.report(&cost::Options::default());
//! println!("{}", report.to_table());
//! # Ok(())
//! # }
//! ```

mod call;
mod layout;
mod matrix;
mod model;
mod names;
mod number;
mod operators;
mod run;
mod value;
mod window;
mod wire;

use std::collections::HashMap;
use std::path::Path;

use crate::analysis::Analysis;
use crate::attribution::name_linears;
use crate::capture::record;
use crate::error::Error;
use crate::record::CustomRules;
use model::{Graph, Input, Side};
use run::{Run, Spec};

/// A model of an ONNX file.
#[derive(Debug, Clone)]
pub struct Model {
    graph: Graph,
    shapes: HashMap<String, Vec<usize>>,
    sides: HashMap<String, usize>,
}

impl Model {
    /// Reads a file.
    ///
    /// # Errors
    /// [`Error::Onnx`] if it cannot be read.
    pub fn read(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let bytes = std::fs::read(path).map_err(|error| Error::Onnx {
            place: format!("`{}`", path.display()),
            reason: error.to_string(),
        })?;
        Self::from_bytes(&bytes)
    }

    /// Takes a file's content.
    ///
    /// # Errors
    /// [`Error::Onnx`] if it is no ONNX model.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let graph = model::parse(bytes).map_err(|reason| Error::Onnx {
            place: "the file".into(),
            reason,
        })?;
        Ok(Self {
            graph,
            shapes: HashMap::new(),
            sides: HashMap::new(),
        })
    }

    /// The model's name in the file; it may be empty.
    pub fn name(&self) -> &str {
        &self.graph.name
    }

    /// The names of the inputs.
    pub fn inputs(&self) -> impl Iterator<Item = &str> {
        self.graph.inputs.iter().map(|input| input.name.as_str())
    }

    /// With the shape of an input.
    #[must_use]
    pub fn with_shape(mut self, input: impl Into<String>, shape: impl Into<Vec<usize>>) -> Self {
        self.shapes.insert(input.into(), shape.into());
        self
    }

    /// With the length of a side that the file leaves open, such as `batch`. A first side is 1
    /// otherwise.
    #[must_use]
    pub fn with_side(mut self, name: impl Into<String>, length: usize) -> Self {
        self.sides.insert(name.into(), length);
        self
    }

    /// Analyses the model.
    ///
    /// # Errors
    /// [`Error::Onnx`] for operators without a rule, which it names, and for inputs whose shapes
    /// are open.
    pub fn analyse(&self) -> Result<Analysis, Error> {
        let unknown = run::unknown(&self.graph);
        if !unknown.is_empty() {
            return Err(Error::Onnx {
                place: "the graph".into(),
                reason: format!("there is no rule for {}", unknown.join(", ")),
            });
        }
        let inputs = self.graph.inputs.iter().map(|input| self.spec(input));
        let inputs: Vec<Spec> = inputs.collect::<Result<_, _>>()?;
        let (operations, outcome) = record(|device| Run::new(&self.graph, &inputs, device))?;
        let run = outcome.map_err(Error::Module)??;
        let mut record = run.record(operations, &CustomRules::new())?;
        name_linears(&mut record);
        Ok(Analysis {
            record,
            training: None,
        })
    }

    fn spec(&self, input: &Input) -> Result<Spec, Error> {
        let name = input.name.clone();
        if let Some(shape) = self.shapes.get(&name) {
            return Ok((name, shape.clone(), input.dtype));
        }
        let open = |side: &str| Error::Onnx {
            place: format!("the input `{}`", input.name),
            reason: match side {
                "" => "a side of its shape is open: give its shape".into(),
                side => format!("the side `{side}` of its shape is open: give its length"),
            },
        };
        let sides = input.shape.iter().enumerate().map(|(at, side)| match side {
            Side::Known(length) => Ok(*length),
            Side::Free(side) => match (self.sides.get(side), at) {
                (Some(&length), _) => Ok(length),
                (None, 0) => Ok(1),
                (None, _) => Err(open(side)),
            },
        });
        Ok((name, sides.collect::<Result<_, _>>()?, input.dtype))
    }
}
