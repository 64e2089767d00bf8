//! One forward pass, while it is recorded.

use std::panic::{AssertUnwindSafe, catch_unwind};

use burn::module::{DisplaySettings, Module, ModuleDisplay};
use burn::tensor::{Device, Tensor};
use burn_ir::TensorId;

use crate::capture::message;
use crate::error::Error;
use crate::inputs::{Inputs, float_id};
use crate::lend::prepare;
use crate::outputs::Outputs;
use crate::tree::Tree;

/// What is known of a recorded forward pass apart from its operations.
pub(crate) struct Pass {
    pub(crate) tree: Tree,
    /// Made right before the forward pass.
    pub(crate) start: TensorId,
    pub(crate) inputs: Vec<TensorId>,
    pub(crate) outputs: Vec<TensorId>,
    /// How it ended.
    pub(crate) result: Result<(), Error>,
}

impl Pass {
    /// Runs `forward` inside the recording of `device`, as in inference or in training.
    pub(crate) fn run<M, O>(
        module: &M,
        device: &Device,
        training: bool,
        forward: impl FnOnce(&M, &mut Inputs) -> O,
    ) -> Result<Self, Error>
    where
        M: Module + ModuleDisplay,
        O: Outputs,
    {
        let (module, mut tree) = prepare(module, device)
            .lend(device, type_name::<M>())
            .map_err(|path| Error::Quantized { path })?;
        // Indented, it would take the cube of the depth.
        let flat = DisplaySettings::new()
            .with_indentation_size(0)
            .with_show_num_parameters(false);
        tree.name_leaves(&module.format(flat));
        let start = float_id(&Tensor::<1>::empty([1], device))
            .ok_or_else(|| Error::Capture("its device makes no tensors".into()))?;
        let mut inputs = Inputs::new(device, training);
        let mut outputs = Vec::new();
        let result = catch_unwind(AssertUnwindSafe(|| {
            forward(&module, &mut inputs).collect(&mut outputs)
        }));
        Ok(Self {
            tree,
            start,
            inputs: inputs.ids,
            outputs: outputs.iter().map(|output| output.0).collect(),
            result: result.unwrap_or_else(|panic| Err(Error::forward(message(&*panic)))),
        })
    }
}

/// A type's name without its path and parameters.
fn type_name<T>() -> &'static str {
    let name = std::any::type_name::<T>();
    let name = name.split('<').next().unwrap_or(name);
    name.rsplit("::").next().unwrap_or(name)
}
