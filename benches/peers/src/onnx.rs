//! Frameworks that take an ONNX file.

use std::error::Error;
use std::sync::Arc;

use crate::measure::Job;

/// Weights are packed for the products when the model is loaded, as its guide to performance says.
pub fn rten(job: &Job<'_>, file: &str) -> Result<(), Box<dyn Error>> {
    use rten::{ModelOptions, RunOptions, ThreadPool};
    use rten_tensor::NdTensor;
    use rten_tensor::prelude::*;

    let mut options = ModelOptions::with_all_ops();
    let model = options.prepack_weights(true).load_file(file)?;
    let images = NdTensor::from_data(job.shape(), job.images());
    let pool = Arc::new(ThreadPool::with_num_threads(job.threads));
    let options = RunOptions::default().with_thread_pool(Some(pool));
    job.report(|| {
        model.run_one(images.view().into(), Some(options.clone()))?;
        Ok(())
    })
}

/// The graph is optimised for images of this shape, and products are shared between the threads.
pub fn tract(job: &Job<'_>, file: &str) -> Result<(), Box<dyn Error>> {
    use tract_linalg::multithread::{Executor, set_default_executor};
    use tract_onnx::prelude::*;

    if job.threads > 1 {
        set_default_executor(Executor::multithread(job.threads));
    }
    let shape = job.shape();
    let model = tract_onnx::onnx()
        .model_for_path(file)?
        .with_input_fact(0, f32::fact(shape).into())?
        .into_optimized()?
        .into_runnable()?;
    let images: TValue = Tensor::from_shape(&shape, &job.images())?.into();
    job.report(|| {
        model.run(tvec!(images.clone()))?;
        Ok(())
    })
}
