//! Records a forward pass and ties it to its module.

use std::borrow::Borrow;
use std::panic::{AssertUnwindSafe, catch_unwind};

use burn::module::{Module, ModuleDisplay};
use burn::tensor::Device;
use burn_ir::CustomOpIr;

use crate::attribution::attribute;
use crate::capture::{message, record};
use crate::error::Error;
use crate::inputs::Inputs;
use crate::outputs::Outputs;
use crate::pass::Pass;
use crate::record::{CustomRules, Record};
use crate::stack::with_room;
use crate::training::Training;
use crate::work::Work;

/// Analyses the forward pass of `module`; [`Analyzer`] takes rules for custom operations.
///
/// `forward` makes its inputs and calls the module. Nothing is computed, no weight is allocated
/// or copied, and the module stays as it was.
///
/// ```
/// # fn main() -> Result<(), cost::Error> {
/// use burn::nn::LinearConfig;
/// use burn::tensor::Device;
///
/// let layer = LinearConfig::new(512, 4096).init(&Device::flex());
/// let analysis = cost::analyse(&layer, |layer, inputs| layer.forward(inputs.float([8, 512])))?;
/// let report = analysis.report(&cost::Options::default());
/// assert_eq!(report.total.cost, 8 * 512 * 4096); // multiply-accumulates
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// See [`Error`]. A panic of the forward pass is an error too; the process's panic hook still
/// prints it.
pub fn analyse<M, O>(
    module: &M,
    forward: impl FnOnce(&M, &mut Inputs) -> O,
) -> Result<Analysis, Error>
where
    M: Module + ModuleDisplay,
    O: Outputs,
{
    Analyzer::default().analyse(module, forward)
}

/// Builds a module on the recording's device and analyses its forward pass.
///
/// This is for modules that keep the device on which they were built and make tensors on it in
/// their forward pass, as code that burn-onnx generates does. Anything else gives the same as
/// [`analyse`]. What `init` computes is not part of the forward pass.
///
/// ```
/// # fn main() -> Result<(), cost::Error> {
/// use burn::module::Module;
/// use burn::nn::{Embedding, EmbeddingConfig};
/// use burn::tensor::{Device, Int, Tensor};
///
/// #[derive(Module, Debug)]
/// struct Positions {
///     embedding: Embedding,
///     #[module(skip)]
///     device: Device,
/// }
///
/// impl Positions {
///     fn forward(&self, words: Tensor<3>) -> Tensor<3> {
///         let length = words.dims()[1] as i64;
///         let positions = Tensor::<1, Int>::arange(0..length, &self.device);
///         words + self.embedding.forward(positions.unsqueeze())
///     }
/// }
///
/// let init = |device: &Device| Positions {
///     embedding: EmbeddingConfig::new(512, 64).init(device),
///     device: device.clone(),
/// };
/// let analysis = cost::analyse_init(init, |m, inputs| m.forward(inputs.float([1, 16, 64])))?;
/// let report = analysis.report(&cost::Options::default());
/// assert_eq!(report.total.parameters.count(), 512 * 64);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// See [`Error`]; [`Error::Init`] where `init` panics.
pub fn analyse_init<M, O>(
    init: impl FnOnce(&Device) -> M,
    forward: impl FnOnce(&M, &mut Inputs) -> O,
) -> Result<Analysis, Error>
where
    M: Module + ModuleDisplay,
    O: Outputs,
{
    Analyzer::default().analyse_init(init, forward)
}

/// Analyses forward passes, with rules of your own for custom operations.
#[derive(Default)]
pub struct Analyzer {
    custom: CustomRules,
}

impl Analyzer {
    /// Counts the custom operation `id` by `rule`. Without one it is listed as uncounted.
    #[must_use]
    pub fn with_rule(
        mut self,
        id: impl Into<String>,
        rule: impl Fn(&CustomOpIr) -> Work + Send + Sync + 'static,
    ) -> Self {
        self.custom.insert(id.into(), Box::new(rule));
        self
    }

    /// See [`analyse`].
    ///
    /// # Errors
    /// See [`Error`].
    pub fn analyse<M, O>(
        &self,
        module: &M,
        forward: impl FnOnce(&M, &mut Inputs) -> O,
    ) -> Result<Analysis, Error>
    where
        M: Module + ModuleDisplay,
        O: Outputs,
    {
        self.record(|_| module, forward, false)
    }

    /// See [`analyse_init`].
    ///
    /// # Errors
    /// See [`Error`].
    pub fn analyse_init<M, O>(
        &self,
        init: impl FnOnce(&Device) -> M,
        forward: impl FnOnce(&M, &mut Inputs) -> O,
    ) -> Result<Analysis, Error>
    where
        M: Module + ModuleDisplay,
        O: Outputs,
    {
        self.record(init, forward, false)
    }

    /// Records the forward pass as it is in inference or in training.
    pub(crate) fn record<M, B, O>(
        &self,
        init: impl FnOnce(&Device) -> B,
        forward: impl FnOnce(&M, &mut Inputs) -> O,
        training: bool,
    ) -> Result<Analysis, Error>
    where
        M: Module + ModuleDisplay,
        B: Borrow<M>,
        O: Outputs,
    {
        let (operations, outcome) = record(|device| {
            let module = catch_unwind(AssertUnwindSafe(|| init(device)))
                .map_err(|panic| Error::init(message(&*panic)))?;
            with_room(module, |module| {
                Pass::run(module, device, training, forward)
            })?
        })?;
        let pass = outcome.map_err(Error::Module)??;
        let result = pass.result;
        let mut record = Record::new(
            pass.tree,
            operations,
            pass.start,
            &pass.inputs,
            &pass.outputs,
            &self.custom,
        )?;
        attribute(&mut record);
        match result {
            Ok(()) => Ok(Analysis {
                record,
                training: None,
            }),
            Err(Error::Forward { message, hint, .. }) => Err(Error::Forward {
                after: last_operation(&record),
                message,
                hint,
            }),
            Err(error) => Err(error),
        }
    }
}

/// What was recorded last, for an error.
fn last_operation(record: &Record) -> String {
    let Some(operation) = record.operations.last() else {
        let shapes: Vec<_> = record
            .inputs
            .iter()
            .map(|&input| format!("{:?}", record.tensors[input].shape))
            .collect();
        return format!("nothing, on inputs of shape {}", shapes.join(", "));
    };
    let node = &record.tree.nodes[operation.node];
    let shapes: Vec<_> = operation
        .outputs
        .iter()
        .map(|&output| format!("{:?}", record.tensors[output].shape))
        .collect();
    let place = match node.path.as_str() {
        "" => format!("`{}`", node.module),
        path => format!("`{path}` ({})", node.module),
    };
    let shapes = shapes.join(", ");
    format!("`{}` in {place}, which gave {shapes}", operation.name)
}

/// A recorded forward pass.
#[derive(Debug)]
pub struct Analysis {
    pub(crate) record: Record,
    /// What the forward pass does in training alone, where that was recorded.
    pub(crate) training: Option<Training>,
}
