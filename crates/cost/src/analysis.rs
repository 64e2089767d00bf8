//! Records a forward pass and ties it to its module.

use std::fmt::Display;
use std::panic::{AssertUnwindSafe, catch_unwind};

use burn::module::Module;
use burn_ir::CustomOpIr;

use crate::attribution::attribute;
use crate::capture::{message, record};
use crate::error::Error;
use crate::inputs::Inputs;
use crate::lend::prepare;
use crate::outputs::Outputs;
use crate::record::{CustomRules, Record};
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
    M: Module + Display,
    O: Outputs,
{
    Analyzer::default().analyse(module, forward)
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
        M: Module + Display,
        O: Outputs,
    {
        self.record(module, forward, false)
    }

    /// Records the forward pass as it is in inference or in training.
    pub(crate) fn record<M, O>(
        &self,
        module: &M,
        forward: impl FnOnce(&M, &mut Inputs) -> O,
        training: bool,
    ) -> Result<Analysis, Error>
    where
        M: Module + Display,
        O: Outputs,
    {
        let prepared = catch_unwind(AssertUnwindSafe(|| prepare(module)))
            .map_err(|panic| Error::Module(message(&*panic)))?;
        // What a panic leaves behind is read after it.
        let mut tree = None;
        let mut inputs = Vec::new();
        let mut outputs = Vec::new();
        let (operations, outcome) = record(|device| {
            let (module, mut found) = prepared
                .lend(device, type_name::<M>())
                .map_err(|path| Error::Quantized { path })?;
            found.name_leaves(&module.to_string());
            tree = Some(found);
            let mut made = Inputs::new(device, training);
            let result = catch_unwind(AssertUnwindSafe(|| forward(&module, &mut made)));
            inputs.clone_from(&made.ids);
            match result {
                Ok(result) => result.collect(&mut outputs),
                Err(panic) => Err(Error::Forward {
                    after: String::new(),
                    message: message(&*panic),
                }),
            }
        })?;
        let outcome = outcome.map_err(Error::Module)?;
        let Some(tree) = tree else {
            return outcome.and(Err(Error::Module("nothing was recorded".into())));
        };
        let outputs: Vec<_> = outputs.iter().map(|output| output.0).collect();
        let mut record = Record::new(tree, operations, &inputs, &outputs, &self.custom)?;
        attribute(&mut record);
        match outcome {
            Ok(()) => Ok(Analysis {
                record,
                training: None,
            }),
            Err(Error::Forward { message, .. }) => Err(Error::Forward {
                after: last_operation(&record),
                message,
            }),
            Err(error) => Err(error),
        }
    }
}

/// A type's name without its path and parameters.
fn type_name<T>() -> &'static str {
    let name = std::any::type_name::<T>();
    let name = name.split('<').next().unwrap_or(name);
    name.rsplit("::").next().unwrap_or(name)
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
