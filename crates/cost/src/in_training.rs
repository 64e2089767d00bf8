//! Records a forward pass in inference and in training.

use burn::module::{Module, ModuleDisplay};

use crate::analysis::{Analysis, Analyzer};
use crate::error::Error;
use crate::inputs::Inputs;
use crate::outputs::Outputs;
use crate::training::Training;

/// Analyses the forward pass of `module` in inference and in training.
///
/// [`analyse`](crate::analyse) records what inference does. This records the forward pass a second
/// time, in training, and adds what is more: dropout and noise, with their gradients and what is
/// kept for these. They count in the report's training step and in nothing else. Where the forward
/// pass cannot be recorded in training, the report names the modules that it lacks.
///
/// ```
/// # fn main() -> Result<(), cost::Error> {
/// use burn::nn::DropoutConfig;
/// use cost::convention::FLOPS;
/// use cost::{Optimizer, Options};
///
/// let dropout = DropoutConfig::new(0.5).init();
/// let analysis = cost::analyse_training(&dropout, |d, i| d.forward(i.float([8, 512])))?;
/// let options = Options::default().with_convention(FLOPS).with_training(Optimizer::Sgd);
/// let report = analysis.report(&options);
/// assert_eq!(report.total.cost, 0);
/// // Each value is multiplied with 0 or 1 and scaled.
/// assert_eq!(report.training.map(|step| step.forward), Some(2 * 8 * 512));
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// See [`Error`].
pub fn analyse_training<M, O>(
    module: &M,
    forward: impl Fn(&M, &mut Inputs) -> O,
) -> Result<Analysis, Error>
where
    M: Module + ModuleDisplay,
    O: Outputs,
{
    Analyzer::default().analyse_training(module, forward)
}

impl Analyzer {
    /// See [`analyse_training`].
    ///
    /// # Errors
    /// See [`Error`].
    pub fn analyse_training<M, O>(
        &self,
        module: &M,
        forward: impl Fn(&M, &mut Inputs) -> O,
    ) -> Result<Analysis, Error>
    where
        M: Module + ModuleDisplay,
        O: Outputs,
    {
        let inference = self.analyse(module, &forward)?;
        let training = self.record(|_| module, &forward, true).ok();
        let training = training.map(|it| Training::new(&inference.record, it.record));
        Ok(Analysis {
            training,
            ..inference
        })
    }
}
